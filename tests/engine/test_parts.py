"""Stray parts of structures that are in one piece: found on the model grid, removed on the scan's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_scd.cancel import CancelToken
from napari_scd.engine import Request
from napari_scd.engine.parts import stray_parts
from napari_scd.errors import InputError
from napari_scd.volume import Recipe, Volume

RECIPE = Recipe("MR", normalisation="none", single_labels=(1,), part_gap_mm=6.0, part_share=0.3)


def _row(text, label=1):
    """Labels along x from a drawing: # = label."""
    return np.array([label if letter == "#" else 0 for letter in text], np.uint8).reshape(1, 1, -1)


def _kept(labels, recipe=RECIPE, spacing_mm=(1.0, 1.0, 1.0)):
    left = labels.copy()
    for part in stray_parts(labels, spacing_mm, recipe):
        assert np.all(left[part.box][part.mask] == part.label)
        left[part.box][part.mask] = 0
    return "".join("#" if label else "." for label in left.ravel())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("######...##..........#", "######...##..........."),
        ("####........####", "####........####"),
        ("##########......................###", "##########......................###"),
        ("##########......................##.", "##########........................."),
        ("######", "######"),
        ("......", "......"),
    ],
    ids=["a gap is bridged", "halves stay", "a large share stays", "a small one goes", "one part", "none"],
)
def test_small_pictures(before, after) -> None:
    assert _kept(_row(before)) == after


def test_gaps_are_measured_in_mm() -> None:
    drawing = "######..#"
    assert _kept(_row(drawing), spacing_mm=(1.0, 1.0, 3.5)) == "######..."
    assert _kept(_row(drawing), spacing_mm=(1.0, 1.0, 1.5)) == drawing
    assert _kept(_row(drawing), replace(RECIPE, part_gap_mm=0.0)) == "######..."


def test_only_the_structures_named_are_looked_at() -> None:
    assert _kept(_row("######..........#", label=2)) == "######..........#"
    assert _kept(_row("######..........#"), replace(RECIPE, single_labels=())) == "######..........#"


def test_parts_that_touch_at_a_corner_are_one() -> None:
    labels = np.zeros((2, 2, 2), np.uint8)
    labels[0, 0, 0] = labels[1, 1, 1] = 1
    assert not list(stray_parts(labels, (10.0, 10.0, 10.0), RECIPE))


def _scan(spacing_mm=(1.0, 1.0, 1.0)):
    """Scan with a large bright block, a small one near it and a small one far away."""
    array = np.zeros((20, 20, 40), np.float32)
    array[5:15, 5:15, 3:15] = 1
    array[8:11, 8:11, 18:21] = 1
    array[8:11, 8:11, 33:36] = 1
    return Volume(array, np.diag([*spacing_mm[::-1], 1.0]))


@pytest.mark.parametrize("spacing_mm", [None, (2.0, 2.0, 2.0), (0.7, 1.3, 0.9)])
def test_the_far_part_goes_on_the_scan_s_own_grid(thresholder, spacing_mm) -> None:
    session = thresholder(replace(RECIPE, spacing_mm=spacing_mm))
    session.set_volume(_scan())
    kept = session.segment(Request(masks=True))
    everything = session.segment(Request(clean_up=False))
    before, after = everything.labels.array, kept.labels.array
    assert before[..., 31:].any() and not after[..., 31:].any()
    np.testing.assert_array_equal(after[..., :31], before[..., :31])
    np.testing.assert_array_equal(kept.masks.array[0], after == 1)
    assert kept.report.voxels["bright"] == np.count_nonzero(after)
    assert not everything.report.removed_ml
    removed_ml = np.count_nonzero(before[..., 31:]) * kept.labels.voxel_ml
    resampling_error = 0 if spacing_mm is None else 1.0  # few voxels of the model grid
    assert kept.report.to_dict()["removed_ml"] == {"bright": pytest.approx(removed_ml, rel=resampling_error)}


def test_nothing_is_removed_from_a_part_of_a_scan(thresholder) -> None:
    session = thresholder(RECIPE)
    session.set_volume(_scan())
    part = session.segment(Request(), within=(slice(0, 20), slice(0, 20), slice(28, 40)))
    assert part.labels.array.any()


def test_nothing_is_removed_from_a_run_that_was_cut_short(thresholder) -> None:
    session, cancel = thresholder(RECIPE), CancelToken()
    session.set_volume(_scan())
    stopped = session.segment(Request(), progress=lambda now: now.done and cancel.cancel(), cancel=cancel)
    assert not stopped.complete
    whole = session.segment(Request(clean_up=False)).labels.array
    assert stopped.labels.array.any()
    assert np.all((stopped.labels.array == 0) | (stopped.labels.array == whole))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"single_labels": (2,)}, "ids from 1 to 1"),
        ({"logit_offsets": (1.0, 2.0, 3.0)}, "3 logit offsets, but the network has 2 outputs"),
    ],
)
def test_a_recipe_for_another_network_is_refused(thresholder, change, said) -> None:
    with pytest.raises(InputError, match=said):
        thresholder(replace(RECIPE, **change))


@pytest.mark.parametrize("slab", [1, 7, 1000])
def test_parts_are_the_same_whatever_planes_are_measured_at_once(slab, monkeypatch):
    monkeypatch.setattr("napari_scd.engine.parts.SLAB", slab)
    labels = np.zeros((60, 4, 4), np.uint8)
    labels[2:20], labels[26:30], labels[45:48], labels[54:57] = 1, 1, 1, 1  # gaps of 6, 15 and 6 planes
    kept = _kept(labels)
    assert [z for z in range(60) if kept[16 * z] == "#"] == [*range(2, 20), *range(26, 30)]
