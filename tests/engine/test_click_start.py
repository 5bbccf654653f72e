"""Where clicks are answered: around what a scan holds, or around the voxel."""

from __future__ import annotations

import dataclasses

import numpy as np

from napari_scd.engine.preprocess import prepare
from napari_scd.volume import Recipe, Volume


def test_clicks_share_the_window_around_all_content() -> None:
    array = np.zeros((40, 40, 80), np.float32)
    array[10:30, 6:28, 5:75] = 1.0
    recipe = Recipe(modality="CT", spacing_mm=None)
    prepared = prepare(Volume(array, np.eye(4)), recipe, (24, 24, 24), 4)
    assert prepared.content == ((10, 6, 5), (30, 28, 75))
    step = prepared.grid.stride_for(None)
    starts = {prepared.click_start(at, step) for at in ((12, 10, 40), (20, 17, 40), (28, 24, 40))}
    assert starts == {(8, 4, 28)}  # z and y around the content, x around the voxel
    assert prepared.click_start((38, 38, 40), step) == prepared.grid.start_around((38, 38, 40))
    alone = prepare(Volume(array, np.eye(4)), dataclasses.replace(recipe, field="click"), (24, 24, 24), 4)
    assert alone.click_start((12, 10, 40), step) == alone.grid.start_around((12, 10, 40))
    empty = prepare(Volume(np.zeros((40, 40, 40), np.float32), np.eye(4)), recipe, (24, 24, 24), 4)
    assert empty.content == ((0, 0, 0), (40, 40, 40))


def test_clicks_share_the_windows_of_the_whole_scan_where_these_show_enough() -> None:
    size = (40, 40, 100)
    array = np.random.default_rng(0).random(size).astype(np.float32)
    recipe = Recipe(modality="CT", spacing_mm=None)
    prepared = prepare(Volume(array, np.diag([5.0, 5.0, 5.0, 1.0])), recipe, (40, 40, 40), 4)
    step = prepared.grid.stride_for(None)
    assert prepared.grid.starts(step) == ((0, 0, 0), (0, 0, 20), (0, 0, 40), (0, 0, 60))
    shared = {x: prepared.click_start((20, 20, x), step)[2] for x in (0, 20, 35, 45, 75, 99)}
    assert shared == {0: 0, 20: 0, 35: 20, 45: 20, 75: 60, 99: 60}  # 14 voxels or more on both sides
    assert prepared.click_start((20, 20, 70), step)[2] == 52, "in between: it gets its own"
    near = prepare(Volume(array, np.diag([5.0, 5.0, 4.0, 1.0])), recipe, (40, 40, 40), 4)
    assert near.click_start((20, 20, 48), step)[2] == 28, "70 mm are 18 voxels here: it gets its own"
    assert near.click_start((20, 20, 40), step)[2] == 20
