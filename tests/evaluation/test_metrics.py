"""Fits of masks whose numbers are known by hand."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest

from napari_scd.evaluation import fit
from napari_scd.evaluation.metrics import box_around


def _block(z, shape=(20, 16, 16)):
    mask = np.zeros(shape, bool)
    mask[z : z + 6, 4:12, 4:12] = True
    return mask


def test_the_same_mask_fits():
    found = fit(_block(5), _block(5), (2.0, 1.0, 1.0), tolerance_mm=1.0)
    assert found[:3] == (1.0, 0.0, 1.0)
    assert found.truth_voxels == found.predicted_voxels == 6 * 64


@pytest.mark.parametrize("spacing_mm", [1.0, 2.5])
def test_a_shift_is_measured_in_mm(spacing_mm):
    spacing = (spacing_mm, 1.0, 1.0)
    found = fit(_block(7), _block(5), spacing, tolerance_mm=0.5)
    assert found.dice == pytest.approx(4 / 6)
    assert found.hd95_mm == pytest.approx(2 * spacing_mm)
    tolerant = fit(_block(7), _block(5), spacing, tolerance_mm=2 * spacing_mm)
    assert tolerant.surface_dice == 1.0
    assert 0 < found.surface_dice < 1


def test_the_box_changes_nothing():
    wide = tuple(np.pad(_block(z), 15) for z in (7, 5))
    assert fit(*wide, (2, 1, 1), tolerance_mm=1) == fit(_block(7), _block(5), (2, 1, 1), tolerance_mm=1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("predicted", "truth", "dice", "surface"),
    [(True, False, math.nan, math.nan), (False, True, 0.0, 0.0), (False, False, math.nan, math.nan)],
)
def test_empty_masks(predicted, truth, dice, surface):
    none = np.zeros((20, 16, 16), bool)
    with warnings.catch_warnings():
        found = fit(_block(5) if predicted else none, _block(5) if truth else none, (1, 1, 1), tolerance_mm=1)
    assert found.dice == pytest.approx(dice, nan_ok=True)
    assert found.surface_dice == pytest.approx(surface, nan_ok=True)
    assert math.isnan(found.hd95_mm)


def test_distances_can_be_left_out():
    found = fit(_block(7), _block(5), (1, 1, 1), tolerance_mm=None)
    assert found.dice == pytest.approx(4 / 6)
    assert math.isnan(found.hd95_mm)
    assert math.isnan(found.surface_dice)


def test_the_box_holds_both_masks_and_stays_inside():
    assert box_around(_block(0), _block(3), margin=2) == (slice(0, 11), slice(2, 14), slice(2, 14))
