"""Training windows: as in use when still, repeatable, shared out among processes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_scd.engine.preprocess import checked_volume, prepare
from napari_scd.errors import InputError
from napari_scd.evaluation import read_pair
from napari_scd.training.config.images import STILL, WarpRange
from napari_scd.training.data.batches import BatchMaker
from napari_scd.training.data.cases import Case, load_case, load_cases
from napari_scd.training.data.listing import list_cases
from napari_scd.training.data.warp import random_warp
from napari_scd.training.run.validate import _cut, _windows
from napari_scd.volume import Recipe

ROI = (16, 16, 16)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("CT", spacing_mm=(8, 8, 8), clip=(-150, 350), normalisation="range"),
        Recipe("CT", spacing_mm=(12, 10, 9), clip=(-150, 350), normalisation="zscore"),
        Recipe("MR", axes="RAS", normalisation="zscore", clip_percentiles=(1, 99)),
        Recipe("CT", clip=(-150, 350), normalisation="range", normalise_over="window"),
        Recipe("MR", normalisation="zscore-foreground", normalise_over="window", field="click"),
    ],
)
def test_a_still_window_is_what_the_engine_gives_the_network(config, recipe):
    config = dataclasses.replace(config, recipe=recipe)
    files = list_cases(config.data)[0][0]
    case = load_case(files, config)
    image, _ = checked_volume(read_pair(files)[0], 1)
    prepared = prepare(image, recipe, ROI, 4)
    seen = 0
    for _, cut in _windows([case], config, torch.device("cpu")):
        centre = cut.__defaults__[1]
        start = tuple(round(at - 7.5) + lead for at, lead in zip(centre, prepared.grid.lead, strict=True))
        if any(at < 0 for at in start):
            continue
        torch.testing.assert_close(cut()[0], prepared.window(start), rtol=1e-4, atol=1e-4)
        seen += 1
    assert seen


def test_padding_is_the_scan_s_own_minimum(config):
    files = list_cases(config.data)[0][0]
    window, label = _cut(load_case(files, config), (-4.0, 10.0, 10.0), config, torch.device("cpu"))
    assert torch.all(window[:, 0] == -1)
    assert not label[:, 0].any()


@pytest.mark.parametrize("centre", [(10.0, 11.0, 12.0), (0.0, 0.0, 23.0), (-60.0, 5.0, 5.0)])
def test_only_the_reach_of_a_window_is_read(centre):
    generator = torch.Generator().manual_seed(3)
    volume = torch.rand(1, 40, 44, 48, generator=generator)
    limits = WarpRange(shift_vox=2)
    state = generator.get_state()
    warp = random_warp(torch.tensor(centre), (40, 44, 48), (12, 12, 12), limits, generator)
    generator.set_state(state)
    hidden = torch.full_like(volume, torch.nan)
    hidden[(slice(None), *warp.box)] = volume[(slice(None), *warp.box)]
    inside = warp.sample(hidden)
    assert inside.isfinite().all()
    wide = random_warp(
        torch.tensor(centre) + 40, (120, 124, 128), (12, 12, 12), limits, generator.set_state(state)
    )
    padded = torch.nn.functional.pad(volume, (40,) * 6)
    torch.testing.assert_close(inside, wide.sample(padded), rtol=0, atol=1e-4)


def test_reflected_windows_see_anatomy_outside(config):
    case = load_cases(list_cases(config.data)[0][:1], config, config)[0]
    limits = dataclasses.replace(STILL, reflect_share=1.0)
    generator = torch.Generator()
    z, y, x = case.label.shape[1:]
    warp = random_warp(torch.tensor([-0.5, 10.0, 10.0]), (z, y, x), ROI, limits, generator)
    window = warp.sample(case.image)
    torch.testing.assert_close(window[:, :8].flip(1), window[:, 8:])


def test_the_same_step_gives_the_same_batch(config):
    cases = load_cases(list_cases(config.data)[0], config, config)
    first, second = BatchMaker(cases, config), BatchMaker(cases, config)
    second.batch(1)
    for step in (5, 0, 5):
        one, other = first.batch(step), second.batch(step)
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.label, other.label)
        assert one.keep == other.keep
    assert not torch.equal(first.batch(4).image, first.batch(5).image)


def test_processes_share_one_batch(config):
    config = dataclasses.replace(config, batch=4)
    cases = load_cases(list_cases(config.data)[0], config, config)
    whole = BatchMaker(cases, config).batch(2)
    for rank in range(2):
        part = BatchMaker(cases, config, rank, 2).batch(2)
        assert torch.equal(part.image, whole.image[rank::2])
        assert part.keep == whole.keep


def test_a_batch_that_cannot_be_shared(config):
    with pytest.raises(InputError, match="multiple of 3"):
        BatchMaker([], config, 0, 3)


def test_mirrored_windows_swap_left_and_right(config, values, data_folder):
    from napari_scd.training import config_from_dict

    values["labels"] = ["left kidney", "right kidney"]
    values["warp"] = {"flip_axes": [2], "flip_share": 1.0}
    config = config_from_dict(values, data_folder)
    label = torch.ones(1, 20, 20, 20, dtype=torch.uint8)
    rows = torch.tensor([[1, 10, 10, 10]], dtype=torch.int16)
    case = Case("one-sided", torch.zeros(1, 20, 20, 20), torch.zeros(1, 1, 1, 1), label, rows, (1,))
    assert set(BatchMaker([case], config).batch(0).label.unique().tolist()) <= {0, 2}
    kept = dataclasses.replace(config, warp=dataclasses.replace(config.warp, swap_sides=False))
    assert set(BatchMaker([case], kept).batch(0).label.unique().tolist()) <= {0, 1}


def test_structures_are_sought_out(config):
    config = dataclasses.replace(config, foreground_share=1.0, warp=STILL)
    cases = load_cases(list_cases(config.data)[0], config, config)
    maker = BatchMaker(cases, config)
    found = np.mean([bool(maker.batch(step).label.any()) for step in range(6)])
    assert found == 1.0


def test_quarter_turns_keep_the_voxels():
    volume = torch.arange(16.0**3).reshape(1, 16, 16, 16)
    limits = dataclasses.replace(STILL, turn_axes=(1, 2), turn_share=1.0)
    warp = random_warp(torch.tensor([7.5, 7.5, 7.5]), ROI, ROI, limits, torch.Generator().manual_seed(0))
    turned = warp.sample(volume).round()
    assert any(torch.equal(turned, torch.rot90(volume, k, (2, 3))) for k in (1, 2, 3))
