"""Volumes on both sides: by the labels' names, or by the midline."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.cli.run.tables import side_table
from napari_scd.volume import LabelTable, Volume
from napari_scd.volume.sides import volumes_by_side


def _labels() -> Volume:
    """10 x 10 x 10 voxels of 2 mm; x grows to the left, the midline lies between columns 4 and 5."""
    array = np.zeros((10, 10, 10), np.uint8)
    array[0, 0, 0:2] = 1  # on the right
    array[0, 0, 7:10] = 2  # on the left
    array[1, 0, 4:6] = 3
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = -9
    return Volume(array, affine)


def test_names_of_sides_count_where_there_are_any() -> None:
    table = LabelTable.from_names(["right thing", "left thing", "middle thing"])
    thing, middle = volumes_by_side(_labels(), table)
    assert (thing.name, thing.label.name) == ("thing", "left thing")
    assert (thing.left_ml, thing.right_ml) == pytest.approx((0.024, 0.016))
    assert (middle.name, middle.left_ml, middle.right_ml) == ("middle thing", 0, 0)
    assert middle.middle_ml == pytest.approx(0.016)
    assert [column.header for column in side_table([thing, middle]).columns][1:] == [
        "left",
        "right",
        "middle",
    ]


def test_without_such_names_the_midline_parts() -> None:
    first, second, third = volumes_by_side(_labels(), LabelTable.from_names(["a", "b", "c"]))
    assert (first.left_ml, first.right_ml) == pytest.approx((0, 0.016))
    assert (second.left_ml, second.right_ml) == pytest.approx((0.024, 0))
    assert third.left_ml == third.right_ml == pytest.approx(0.008)
    assert len(side_table([first, second, third]).columns) == 3
