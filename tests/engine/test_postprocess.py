"""Counting on labels, in whatever order they are stored, and labels of a part on the scan's own grid."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_scd.engine.postprocess import label_map, mean_certainty, voxel_counts
from napari_scd.engine.wayback import WayBack
from napari_scd.volume import Recipe, Volume

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 4, (5, 6, 7)).astype(np.uint8)
PERCENT = RANDOM.integers(0, 101, LABELS.shape).astype(np.uint8)


@pytest.mark.parametrize(
    "stored",
    [
        np.ascontiguousarray,
        np.asfortranarray,
        lambda array: array[::-1, :, ::-1],
        lambda array: array * (array < 2),
    ],
)
def test_counts_do_not_depend_on_how_labels_are_stored(stored) -> None:
    labels, percent = stored(LABELS), stored(PERCENT)
    means = mean_certainty(labels, percent, (1, 2, 3, 9))
    assert set(means) == set(np.unique(labels).tolist()) - {0}
    for index, mean in means.items():
        assert mean == pytest.approx(percent[labels == index].mean() / 100)
    assert voxel_counts(labels).tolist() == np.bincount(labels.ravel(), minlength=256).tolist()


@pytest.mark.parametrize("spacing_mm", [None, (1.7, 0.8, 1.3)])
@pytest.mark.parametrize("with_logits", [True, False])
def test_labels_of_a_part_are_those_of_the_whole_there(thresholder, spacing_mm, with_logits) -> None:
    recipe = Recipe("MR", normalisation="none", spacing_mm=spacing_mm)
    session = thresholder(recipe)
    session.set_volume(Volume(RANDOM.random((14, 20, 22)).astype(np.float32), np.eye(4)))
    prepared = session._loaded.prepared
    way = WayBack(prepared, (0, 0, 0), prepared.grid.size)
    logits = torch.from_numpy(RANDOM.normal(size=(*prepared.grid.size, 3)).astype(np.float32))
    labels = label_map(logits.permute(3, 0, 1, 2), recipe)
    only = np.zeros(labels.shape, bool)
    only[2:5, 3:8, 4:9] = RANDOM.random((3, 5, 5)) < 0.5
    held = logits if with_logits else None
    part = way.labels(labels, held, recipe, only)
    np.testing.assert_array_equal(part, way.labels(labels, held, recipe) * way.touched(only))
    assert part.any() and not way.labels(labels, held, recipe, np.zeros_like(only)).any()
