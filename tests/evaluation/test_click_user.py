"""The simulated user of an evaluation clicks where the fault is deepest, in mm."""

import numpy as np
import pytest

from napari_scd.evaluation.click_user import deepest_voxel, largest_part, next_click

SPACING_MM = (5.0, 1.0, 1.0)


def _box(*bounds, shape=(12, 40, 40)):
    mask = np.zeros(shape, bool)
    mask[tuple(slice(*pair) for pair in bounds)] = True
    return mask


EVERYWHERE = np.ones((12, 40, 40), bool)


def test_depth_is_measured_in_mm():
    plate = _box((4, 7), (5, 30), (5, 12))  # 15 x 23 x 7 mm: the last axis decides
    z, y, x = deepest_voxel(plate, SPACING_MM)
    assert x == 8
    assert 8 <= y <= 26
    assert 4 <= z <= 6
    thin = _box((4, 5), (5, 30), (5, 30))  # 5 mm thick: any voxel far from the sides is as deep
    assert deepest_voxel(thin, SPACING_MM)[0] == 4


def test_the_end_of_the_scan_is_border_too():
    slab = _box((0, 12), (0, 9), (0, 40))
    assert deepest_voxel(slab, (1.0, 1.0, 1.0))[1] == 4


def test_the_first_click_is_deep_in_the_structure():
    truth = _box((2, 9), (10, 21), (10, 21))
    click = next_click(truth, None, EVERYWHERE, SPACING_MM)
    assert click.include
    assert click.voxel[1:] == (15, 15)
    assert 3 <= click.voxel[0] <= 7  # 10 mm from the ends, deeper than the sides can be


def test_nothing_wrong_means_no_click():
    truth = _box((2, 9), (10, 21), (10, 21))
    assert next_click(truth, truth, EVERYWHERE, SPACING_MM) is None


@pytest.mark.parametrize(("low", "high", "include"), [(10, 21, True), (25, 39, False)])
def test_the_largest_error_is_clicked(low, high, include):
    truth = _box((2, 9), (10, 21), (10, 21))
    found = truth & ~_box((2, 9), (10, 21), (10, 13)) if include else truth | _box((2, 9), (2, 39), (25, 39))
    found = found | _box((0, 1), (0, 2), (0, 2))  # a small one elsewhere
    click = next_click(truth, found, EVERYWHERE, SPACING_MM)
    assert click.include is include
    assert low <= click.voxel[2] < high


def test_what_cannot_be_said_is_not_clicked():
    truth = _box((2, 9), (10, 21), (10, 21))
    found = truth | _box((2, 9), (2, 39), (25, 39))
    assert next_click(truth, found, EVERYWHERE, SPACING_MM, only_missing=True) is None
    click = next_click(
        truth, found & ~_box((2, 5), (10, 21), (10, 21)), EVERYWHERE, SPACING_MM, only_missing=True
    )
    assert click.include
    assert 2 <= click.voxel[0] < 5


def test_voxels_that_do_not_count_are_left_alone():
    truth = _box((2, 9), (10, 21), (10, 21))
    unknown = _box((2, 9), (2, 39), (25, 39))
    assert next_click(truth, truth | unknown, ~unknown, SPACING_MM) is None


def test_parts_that_touch_at_a_corner_are_two():
    mask = _box((0, 2), (0, 2), (0, 2)) | _box((2, 5), (2, 5), (2, 5))
    assert np.count_nonzero(largest_part(mask)) == 27
