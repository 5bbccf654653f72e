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
    starts = {prepared.click_start(at) for at in ((12, 10, 40), (20, 17, 40), (28, 24, 40))}
    assert starts == {(8, 4, 28)}  # z and y around the content, x around the voxel
    assert prepared.click_start((38, 38, 40)) == prepared.grid.start_around((38, 38, 40))
    alone = prepare(Volume(array, np.eye(4)), dataclasses.replace(recipe, field="click"), (24, 24, 24), 4)
    assert alone.click_start((12, 10, 40)) == alone.grid.start_around((12, 10, 40))
    empty = prepare(Volume(np.zeros((40, 40, 40), np.float32), np.eye(4)), recipe, (24, 24, 24), 4)
    assert empty.content == ((0, 0, 0), (40, 40, 40))
