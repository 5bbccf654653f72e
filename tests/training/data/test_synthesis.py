"""Images drawn from label maps: seeded, faithful to the map, as varied as they are said to be."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from napari_scd.errors import InputError
from napari_scd.training import config_from_dict, find_config, read_config, train
from napari_scd.training.config.images import SynthesisConfig
from napari_scd.training.data.batches import BatchMaker
from napari_scd.training.data.cases import drawn_case, load_map
from napari_scd.training.data.listing import list_cases
from napari_scd.training.data.synthesis import draw_image, draw_intensities, paired_codes, targets_of
from napari_scd.volume import Volume, write_labels

PLAIN = SynthesisConfig(
    strip_share=0, empty_share=1, grouped_share=0, spread=(0, 0), bias_share=0, blur_vox=(0.01, 0.01),
    thick_share=0, gamma=(1, 1), noise_share=0,
)  # fmt: skip


@pytest.fixture
def drawing(values, tmp_path):
    """A training file that draws its images, and four label maps: left, right, both inside a skull of 9."""
    (tmp_path / "maps").mkdir()
    for number in range(4):
        array = np.zeros((20, 22, 24), np.uint8)
        array[2:18, 2:20, 2:22] = 9
        array[5:15, 5:15, 5 + number : 11] = 2
        array[6:9, 6:9, 7:9] = 4
        array[5:15, 5:15, 13 : 19 - number] = 1
        write_labels(tmp_path / "maps" / f"map{number}.nii.gz", Volume(array, np.eye(4)))
    values |= {
        "data": {"labels": "maps", "holdout": 1, "background": [9]},
        "recipe": {"modality": "MR", "spacing_mm": [1, 1, 1], "normalisation": "range"},
        "labels": [{"name": "left blob", "values": [1]}, {"name": "right blob", "values": [2, 4]}],
        "warp": {"flip_axes": [2], "rotate_deg": 0, "scale": 0, "shear": 0, "bend_vox": 0},
        "synthesis": {"outside": [9], "tissues": [[9], [1, 2, 4]]},
        "loss": {"thin": 2},
    }
    return values, tmp_path


def _maps(config):
    return [load_map(files, config) for files in list_cases(config.data, maps_only=True)[0]]


def _generators(seed=0):
    return torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed + 1)


def test_without_chance_an_image_is_its_map_in_grey():
    codes = torch.tensor([0, 1, 2, 3], dtype=torch.uint8).view(1, 1, 2, 2).repeat(1, 8, 4, 4)
    image = draw_image(codes, PLAIN, [(1, 2)], *_generators())
    levels = {int(code): image[codes == code].unique() for code in codes.unique()}
    assert all(len(level) == 1 for level in levels.values())
    assert levels[0] == 0
    assert levels[1] == levels[2] != levels[3]


def test_the_same_seed_draws_the_same_image():
    codes = (torch.rand(1, 12, 12, 12, generator=torch.Generator().manual_seed(1)) * 9).to(torch.uint8)
    first, again = (draw_image(codes, SynthesisConfig(), [], *_generators(5)) for _ in range(2))
    other = draw_image(codes, SynthesisConfig(), [], *_generators(6))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_of_image_is_a_finite_one(seed):
    codes = (torch.rand(1, 9, 14, 11, generator=torch.Generator().manual_seed(seed)) * 60).to(torch.uint8)
    limits = SynthesisConfig(outside=(5, 6), rim=(7,), tissues=((1, 2), (3,)), thick_share=0.5)
    image = draw_image(codes, limits, [(1, 2)], *_generators(seed))
    assert image.shape == codes.shape
    assert image.dtype == torch.float32
    assert torch.isfinite(image).all()
    assert image.min() >= 0


def test_tissues_keep_their_order_when_asked():
    limits = SynthesisConfig(tissues=((1,), (2,), (3,)), grouped_share=1, ordered_share=1, jitter=0)
    for seed in range(10):
        mean, _ = draw_intensities(limits, [], torch.Generator().manual_seed(seed))
        assert mean[1] <= mean[2] <= mean[3]


def test_stripped_images_are_empty_outside():
    limits = SynthesisConfig(outside=(7, 8), rim=(9,), strip_share=1, tight_share=1)
    mean, spread = draw_intensities(limits, [], torch.Generator().manual_seed(0))
    assert not mean[[0, 7, 8, 9]].any()
    assert not spread[[0, 7, 8, 9]].any()
    assert mean[[1, 2, 3]].all()


def test_structures_come_from_the_file_s_values(drawing):
    config = config_from_dict(*drawing)
    table = targets_of(config)
    assert table[[0, 1, 2, 4, 9]].tolist() == [0, 1, 2, 2, 0]
    assert paired_codes(config) == ((1, 2),)
    case = _maps(config)[0]
    assert case.present == (1, 2)
    assert set(case.label.unique().tolist()) == {0, 1, 2, 4, 9}


def test_windows_show_structures_where_their_labels_are(drawing):
    values, folder = drawing
    config = config_from_dict({**values, "synthesis": vars(PLAIN), "intensity": 0.0}, folder)
    maker = BatchMaker([], config, maps=_maps(config))
    flipped = set()
    for step in range(12):
        batch = maker.batch(step)
        for image, label in zip(batch.image[:, 0], batch.label[:, 0], strict=True):
            if not {1, 2} <= set(label.unique().tolist()):
                continue
            left, right = (torch.nonzero(label == index)[:, 2].float().mean() for index in (1, 2))
            flipped.add(bool(left < right))
            assert len(image[label > 0].unique()) <= 2  # one level for 1 and 2, one for 4
    assert flipped == {False}  # mirrored or not, left stays left: x runs to the left


def test_a_drawn_case_is_fixed_and_normalised(drawing):
    config = config_from_dict(*drawing)
    case = _maps(config)[0]
    first, again = drawn_case(case, config, 3), drawn_case(case, config, 3)
    assert torch.equal(first.image, again.image)
    whole = first.image + first.floor
    assert float(whole.min()) == pytest.approx(-1)
    assert float(whole.max()) == pytest.approx(1)
    assert set(first.label.unique().tolist()) == {0, 1, 2}


def test_a_run_learns_from_maps_alone(drawing, options, tmp_path):
    config = config_from_dict(*drawing)
    finished = train(config, options(tmp_path / "run"))
    assert finished.done
    assert finished.n_cases == 3
    assert set(finished.validation) == {"dice@1", "dice@0.5"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"synthesis": {"outside": [300]}}, "not from 0 to 255"),
        ({"synthesis": {"thick_vox": [4, 2]}}, "thick_vox"),
        ({"synthesis": {"gamma": [2.0, 1.0]}}, "gamma"),
        ({"synthesis": {"colour": 1}}, "unknown entry 'colour'"),
        ({"synthesis": {"share": 0.0}}, "'share' of 'synthesis'"),
        ({"data": {"labels": "maps", "maps": "maps"}}, "'share' of 'synthesis' below 1"),
        ({"loss": {"thin": 0}}, "thin"),
    ],
)
def test_what_cannot_be_drawn_is_named(drawing, change, said):
    values, folder = drawing
    with pytest.raises(InputError, match=said):
        config_from_dict({**values, **change}, folder)


def test_an_unlisted_value_stops_before_the_first_step(drawing, options, tmp_path):
    values, folder = drawing
    config = config_from_dict({**values, "data": {"labels": "maps"}}, folder)
    with pytest.raises(InputError, match=r"map0\.nii\.gz holds the label value 9"):
        train(config, options(tmp_path / "run"))


@pytest.mark.parametrize("name", ["brain-mr", "brain-mr-free"])
def test_the_brain_s_file_pairs_left_and_right(name):
    config = read_config(find_config(name))
    assert len(config.table) == 31
    assert len(config.table.mirror_pairs) == 14
    pairs = dict(paired_codes(config))
    assert pairs[1] == 21
    assert pairs[39] == 41
    named = copy.copy(set(config.data.background))
    assert set(config.synthesis.outside) | set(config.synthesis.rim) <= named
