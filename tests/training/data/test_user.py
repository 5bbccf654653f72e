"""The simulated user clicks inside the target and corrects real errors."""

import numpy as np
import pytest
import torch

from napari_scd.training.config.prompts import PromptConfig
from napari_scd.training.data.targets import Sample
from napari_scd.training.data.user import (
    Prompting,
    correct,
    correct_deepest,
    damaged,
    deep_place,
    deepest,
    first_prompts,
    seen_closer,
)

CLICKS = PromptConfig(previous_share=0, box_share=0, scribble_share=0, stray_share=0)


def _cube(low, high, edge=40):
    mask = np.zeros((edge, edge, edge), bool)
    mask[low:high, low:high, low:high] = True
    return mask


@pytest.fixture
def sample():
    target = _cube(10, 30)
    return Sample(torch.zeros(1, 40, 40, 40), target, np.ones_like(target), False, "set")


def test_the_deepest_voxel_is_in_the_middle():
    assert all(14 <= at <= 16 for at in deepest(_cube(5, 26)))


def test_the_edge_of_the_window_is_no_border():
    mask = np.zeros((20, 20, 20), bool)
    mask[:10] = True
    assert deepest(mask)[0] == 0


def test_sharp_clicks_lie_deeper_than_blunt_ones(sample):
    rng = np.random.default_rng(0)

    def depth(sharpness):
        places = np.array([deep_place(sample.target, sharpness, rng) for _ in range(60)])
        return np.minimum(places - 9, 30 - places).min(axis=1).mean()

    assert depth(8.0) > depth(1.0)


def test_a_first_click_lies_inside(sample):
    for seed in range(20):
        talk = first_prompts(sample, CLICKS, np.random.default_rng(seed))
        assert len(talk.include) == 1
        assert not talk.exclude
        assert sample.target[talk.include[0]]
        assert not talk.previous.any()


def test_a_box_surrounds_the_target(sample):
    talk = first_prompts(sample, PromptConfig(previous_share=0, box_share=1), np.random.default_rng(1))
    inside = talk.previous.numpy() == 0.5
    assert inside[sample.target].mean() > 0.85
    assert inside.sum() < 2.5 * sample.target.sum()


def test_a_stroke_stays_inside(sample):
    talk = first_prompts(
        sample,
        PromptConfig(previous_share=0, box_share=0, scribble_share=1),
        np.random.default_rng(3),
    )
    assert len(talk.include) > 2
    assert all(sample.target[place] for place in talk.include)


def test_a_damaged_mask_is_nearly_right(sample):
    overlaps = []
    for seed in range(20):
        mask = damaged(sample.target, np.random.default_rng(seed)).numpy()
        assert 0 <= mask.min() <= mask.max() <= 1
        found = mask > 0.5
        overlaps.append(2 * (found & sample.target).sum() / (found.sum() + sample.target.sum()))
    assert 0.5 < np.mean(overlaps) < 0.99


def test_a_closer_window_saw_a_part(sample):
    mask = torch.from_numpy(sample.target).float()
    seen = seen_closer(mask, (20, 20, 20), 0.5)
    assert (seen[10:30, 10:30, 10:30] == mask[10:30, 10:30, 10:30]).all()
    assert seen_closer(mask, (12, 20, 20), 0.3).sum() == 8 * 12 * 12  # the target begins at 10


def test_some_users_start_from_what_a_closer_window_saw(sample):
    limits = PromptConfig(previous_share=1)
    talks = [first_prompts(sample, limits, np.random.default_rng(seed)) for seed in range(60)]
    shares = [float((talk.previous > 0.5).sum()) / sample.target.sum() for talk in talks if talk.include]
    assert min(shares) < 0.75 < max(shares)


def test_corrections_say_what_is_wrong_where_it_is_wrong(sample):
    too_much = sample.target.astype(np.float32)
    too_much[:, :, 32:38] = 1
    talk = Prompting(torch.zeros(40, 40, 40))
    correct(talk, sample, too_much, np.random.default_rng(0))
    assert not talk.include
    assert 32 <= talk.exclude[0][2] < 38
    too_little = sample.target.astype(np.float32)
    too_little[10:20] = 0
    correct(talk, sample, too_little, np.random.default_rng(0))
    assert 10 <= talk.include[0][0] < 20


def test_voxels_that_do_not_count_are_not_corrected(sample):
    counted = np.ones_like(sample.target)
    counted[:, :, 32:] = False
    found = sample.target.astype(np.float32)
    found[:, :, 32:38] = 1
    talk = Prompting(torch.zeros(40, 40, 40))
    correct(talk, sample._replace(counted=counted), found, np.random.default_rng(0))
    assert not talk.exclude


def test_the_fixed_user_clicks_at_the_deepest_error(sample):
    talk = Prompting(torch.zeros(40, 40, 40))
    correct_deepest(talk, sample, None)
    assert all(18 <= at <= 21 for at in talk.include[0])
    found = sample.target.astype(np.float32)
    found[32:39, 5:12, 5:12] = 1
    correct_deepest(talk, sample, found)
    assert talk.exclude == [(34, 7, 7)] or all(
        abs(a - b) <= 2 for a, b in zip(talk.exclude[0], (35, 8, 8), strict=True)
    )
    correct_deepest(talk, sample, sample.target.astype(np.float32))
    assert (len(talk.include), len(talk.exclude)) == (1, 1)


def test_prompts_become_maps(sample):
    talk = Prompting(torch.full((40, 40, 40), 0.25), include=[(20, 20, 20)], exclude=[(5, 6, 7)])
    window = talk.window(sample.image)
    assert window.shape == (4, 40, 40, 40)
    assert (window[1] == 0.25).all()
    assert window[2].argmax() == (20 * 40 + 20) * 40 + 20
    assert window[3].argmax() == (5 * 40 + 6) * 40 + 7
