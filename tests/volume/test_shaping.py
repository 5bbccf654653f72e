"""Edits of a structure's shape: right in millimetres on voxels of any shape."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.cancel import Cancelled, CancelToken
from napari_scd.errors import InputError
from napari_scd.volume import SHAPE_EDITS, ShapeEdit, reshape_mask

STEPS = np.diag([3.0, 1.0, 1.5])


def ball(radius_mm: float, centre_mm: tuple[float, float, float] = (30.0, 25.0, 27.0)) -> np.ndarray:
    places = (
        np.stack(np.meshgrid(*(np.arange(n) for n in (20, 50, 36)), indexing="ij"), -1) * STEPS.diagonal()
    )
    return np.linalg.norm(places - np.asarray(centre_mm), axis=-1) <= radius_mm


def reshaped(mask: np.ndarray, kind: str, amount: float = 0.0) -> np.ndarray:
    return reshape_mask(mask, ShapeEdit(kind, amount), STEPS)


@pytest.mark.parametrize(("kind", "amount", "radius_mm"), [("grow", 4.0, 16.0), ("shrink", 3.0, 9.0)])
def test_balls_grow_and_shrink_by_millimetres(kind: str, amount: float, radius_mm: float) -> None:
    found, wanted = reshaped(ball(12.0), kind, amount), ball(radius_mm)
    assert found.sum() == pytest.approx(wanted.sum(), rel=0.1)
    assert 2 * (found & wanted).sum() / (found.sum() + wanted.sum()) > 0.92


def test_a_step_smaller_than_half_a_voxel_x() -> None:
    mask = np.zeros((9, 9, 9), bool)
    mask[3:6, 3:6, 3:6] = True
    grown = reshaped(mask, "grow", 0.8)  # voxels of 3 x 1 x 1.5 mm
    assert grown.any(axis=(1, 2)).sum() == 3
    assert grown.any(axis=(0, 2)).sum() == 5 and grown.any(axis=(0, 1)).sum() == 5
    assert (reshaped(grown, "shrink", 0.8)[:, 3:6, 3:6] == mask[:, 3:6, 3:6]).all()


def test_nothing_is_worn_away_at_the_border_of_the_scan() -> None:
    mask = np.zeros((20, 20, 20), bool)
    mask[:10] = True
    for kind in ("shrink", "smooth"):
        assert reshaped(mask, kind, 4.0)[0].all(), kind
    assert reshaped(mask, "shrink", 4.0).sum() == 9 * 400
    assert reshaped(np.ones((4, 4, 4), bool), "shrink", 2.0).all()


def test_smoothing_takes_spikes_away_and_keeps_the_volume() -> None:
    mask = ball(12.0)
    spiky = mask.copy()
    spiky[10, 25, 24:34] = True  # one voxel thick, out of the surface
    found = reshaped(spiky, "smooth", 4.0)
    assert not found[10, 25, 30:34].any()
    assert found.sum() == pytest.approx(spiky.sum(), rel=0.01)
    assert 2 * (found & mask).sum() / (found.sum() + mask.sum()) > 0.95


def test_closed_holes_are_filled_and_open_ones_stay() -> None:
    mask = ball(12.0)
    hollow = mask & ~ball(5.0)
    assert (reshaped(hollow, "fill holes") == mask).all()
    hollow[:, 25, 18] = False  # a channel to the outside
    assert (reshaped(hollow, "fill holes") == hollow).all()


def test_islands_go_by_volume_and_the_largest_part_always_stays() -> None:
    large, small, speck = ball(9.0, (15, 15, 15)), ball(5.0, (45, 38, 40)), ball(2.0, (15, 40, 45))
    mask = large | small | speck
    assert (reshaped(mask, "remove islands", 0.1) == large | small).all()  # 4.5 mm3 a voxel: 0.5 and 0.03 ml
    assert (reshaped(mask, "remove islands", 1000.0) == large).all()
    assert (reshaped(mask, "keep largest part") == large).all()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_between_painted_ones_are_interpolated(axis: int) -> None:
    whole = ball(12.0)
    painted = np.zeros_like(whole)
    every = {0: 3, 1: 6, 2: 4}[axis]
    slices, truth = np.moveaxis(painted, axis, 0), np.moveaxis(whole, axis, 0)
    slices[::every] = truth[::every]
    found = reshaped(painted, "interpolate slices")
    held = np.flatnonzero(slices.any(axis=(1, 2)))
    inside = np.moveaxis(found, axis, 0)[held[0] : held[-1] + 1]
    wanted = truth[held[0] : held[-1] + 1]
    assert 2 * (inside & wanted).sum() / (inside.sum() + wanted.sum()) > 0.87
    assert (np.moveaxis(found, axis, 0)[held] == slices[held]).all(), "what was painted stays"


def test_outlines_that_lie_apart_are_joined_along_a_line() -> None:
    mask = np.zeros((9, 40, 40), bool)
    mask[0, 4:10, 4:10] = True
    mask[8, 28:34, 28:34] = True
    found = reshaped(mask, "interpolate slices")
    assert found[4, 19, 19] and found[4].sum() == pytest.approx(36, abs=14)
    assert (reshaped(found, "interpolate slices") == found).all(), "there is no gap any more"


def test_amounts_must_be_above_zero() -> None:
    for amount in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="above zero"):
            reshaped(ball(5.0), "grow", amount)
    empty = np.zeros((5, 5, 5), bool)
    assert not any(reshape_mask(empty, ShapeEdit(kind, 1.0), STEPS).any() for kind in SHAPE_EDITS)


@pytest.mark.parametrize("kind", ["grow", "shrink"])
@pytest.mark.parametrize("steps_mm", [(3.0, 1.0, 1.5), (0.5, 4.0, 1.0)])
def test_slabs_see_far_enough_into_their_neighbours(
    monkeypatch: pytest.MonkeyPatch, kind: str, steps_mm: tuple[float, float, float]
) -> None:
    blobs = np.random.default_rng(0).random((60, 26, 24)) > 0.995
    blobs = reshape_mask(blobs, ShapeEdit("grow", 3.0), np.eye(3))
    for amount in (0.4, 2.0, 7.0):
        whole = reshape_mask(blobs, ShapeEdit(kind, amount), np.diag(steps_mm))
        with monkeypatch.context() as patch:
            patch.setattr("napari_scd.volume.shaping._SLAB_VOX", 1)
            assert (reshape_mask(blobs, ShapeEdit(kind, amount), np.diag(steps_mm)) == whole).all()


@pytest.mark.parametrize("kind", SHAPE_EDITS)
def test_a_cancelled_edit_stops(kind: str) -> None:
    mask = ball(12.0)
    mask[::3] = False  # gaps to interpolate
    stopped = CancelToken()
    stopped.cancel()
    with pytest.raises(Cancelled):
        reshape_mask(mask, ShapeEdit(kind, 2.0), STEPS, stopped)
