"""Samples of a promptable model: what is asked for, and what is never asked for."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_scd.errors import InputError
from napari_scd.training.data.check_samples import check_samples
from napari_scd.training.data.regions import random_shape, refined_region, supervoxels
from napari_scd.training.data.sets import WITHHELD
from napari_scd.training.data.targets import SampleMaker


def _draw(cases, config, n, **changes):
    maker = SampleMaker(
        cases, dataclasses.replace(config, prompts=dataclasses.replace(config.prompts, **changes))
    )
    return [maker.draw(torch.Generator().manual_seed(seed)) for seed in range(n)]


LABELS_ONLY = {"union_share": 0.0, "piece_share": 0.0, "supervoxel_share": 0.0, "shape_share": 0.0}


@pytest.mark.parametrize("kind", ["label", "union", "piece", "supervoxel", "shape"])
def test_every_kind_of_target_fits_its_window(prompt_cases, prompt_config, kind):
    shares = LABELS_ONLY if kind == "label" else {**LABELS_ONLY, f"{kind}_share": 1.0}
    for sample in _draw(prompt_cases, prompt_config, 6, **shares):
        assert sample.image.shape == (1, 32, 32, 32)
        assert sample.image.isfinite().all()
        assert 20 <= np.count_nonzero(sample.target) <= 0.9 * 32**3
        assert sample.counted[sample.target].all()


def test_the_same_seed_gives_the_same_sample(prompt_cases, prompt_config):
    first, second = (_draw(prompt_cases, prompt_config, 4) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.image, other.image)
        assert (one.target == other.target).all()


def test_small_sets_are_drawn_by_their_share(prompt_cases, prompt_config):
    sources = [sample.source for sample in _draw(prompt_cases, prompt_config, 60, **LABELS_ONLY)]
    assert 25 <= sources.count("organs") <= 55  # 40 of 60 are expected


def test_withheld_structures_are_no_target_in_any_form(prompt_cases, prompt_config, monkeypatch):
    seen = []
    view_of = SampleMaker.view

    def view(self, *arguments):
        seen.append(view_of(self, *arguments))
        return seen[-1]

    monkeypatch.setattr(SampleMaker, "view", view)
    organs = [case for case in prompt_cases if not case.drawn]
    touched = 0
    for kind in ("union_share", "supervoxel_share"):
        prompts = dataclasses.replace(prompt_config.prompts, **{**LABELS_ONLY, kind: 1.0})
        maker = SampleMaker(organs, dataclasses.replace(prompt_config, prompts=prompts))
        for seed in range(15):
            sample = maker.draw(torch.Generator().manual_seed(seed))
            withheld = seen[-1].codes == WITHHELD
            touched += bool(withheld.any())
            assert not (sample.target & withheld).any()
    assert touched  # they were in view


def test_supervoxels_divide_a_case_and_leave_out_withheld_ones(prompt_cases):
    case = prompt_cases[0]
    regions = supervoxels(case)
    number = regions.number[0].numpy()
    assert len(regions.usable) > 3
    withheld = regions.level.label[0].numpy() == WITHHELD
    for region in regions.usable:
        mask = number == region
        assert np.count_nonzero(mask & withheld) <= 0.02 * np.count_nonzero(mask)
        place = regions.place(int(region), 0.5)
        assert (
            number[tuple(int(at / stride) for at, stride in zip(place, regions.level.stride, strict=True))]
            == region
        )


def test_a_coarse_region_follows_the_image():
    image = np.zeros((32, 32, 32), np.float32)
    image[8:24, 8:24, 8:24] = 1.0
    region = np.zeros(image.shape, bool)
    region[6:22, 6:22, 6:22] = True  # off by two voxels
    found = refined_region(region, image)
    truth = image > 0.5
    overlap = [
        2 * np.count_nonzero(m & truth) / (np.count_nonzero(m) + np.count_nonzero(truth))
        for m in (region, found)
    ]
    assert overlap[1] > overlap[0]


def test_random_shapes_are_in_one_piece():
    from scipy import ndimage

    for seed in range(5):
        shape = random_shape((24, 24, 24), torch.Generator().manual_seed(seed))
        assert ndimage.label(shape)[1] == 1


def test_checks_are_fixed_windows_on_each_set(prompt_cases, prompt_config):
    samples = check_samples(prompt_cases[::2], prompt_config)
    assert [sample.source for sample in samples] == ["organs", "organs", "maps", "maps"]
    again = check_samples(prompt_cases[::2], prompt_config)
    for one, other in zip(samples, again, strict=True):
        assert torch.equal(one.image, other.image)


def test_labels_too_small_for_any_window_are_told(prompt_cases, prompt_config, monkeypatch):
    monkeypatch.setattr("napari_scd.training.data.targets.FEWEST_VOXELS", 32**3)
    with pytest.raises(InputError, match="No window with a usable target"):
        _draw(prompt_cases, prompt_config, 1)
