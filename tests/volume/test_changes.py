"""Two label maps of one patient: volumes, change and overlap."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.volume import LabelTable, Volume, reorient
from napari_scd.volume.changes import compare_labels

TABLE = LabelTable.from_names(["liver", "spleen", "tumour"])


def labels_of(*boxes: tuple[int, slice], edge_mm: float = 10.0, shift: float = 0.0) -> Volume:
    array = np.zeros((10, 10, 10), np.uint8)
    for number, rows in boxes:
        array[rows, :2] = number
    affine = np.diag([edge_mm, edge_mm, edge_mm, 1.0])
    affine[0, 3] = shift
    return Volume(array, affine)


def test_growth_shrinking_and_what_is_new() -> None:
    before = labels_of((1, slice(0, 4)), (2, slice(6, 8)))
    after = labels_of((1, slice(1, 6)), (3, slice(8, 10)))
    liver, spleen, tumour = compare_labels(before, after, TABLE, TABLE)
    assert (liver.before_ml, liver.after_ml, liver.change_ml) == pytest.approx((80, 100, 20))
    assert liver.change_percent == pytest.approx(25)
    assert liver.dice == pytest.approx(2 * 3 / 9)
    assert (spleen.change_percent, spleen.dice) == (pytest.approx(-100), 0)
    assert (tumour.before_ml, tumour.change_percent, tumour.dice) == (0, None, 0)


def test_names_pair_structures_whatever_their_numbers() -> None:
    before, after = labels_of((1, slice(0, 4))), labels_of((7, slice(0, 4)))
    other = LabelTable.from_names({7: "Liver", 9: "kidney"})
    changes = {change.structure: change for change in compare_labels(before, after, TABLE, other)}
    assert set(changes) == {"liver", "spleen", "tumour", "kidney"}
    assert changes["liver"].dice == 1
    assert changes["kidney"].dice is None


def test_numbers_pair_structures_without_names() -> None:
    before, after = labels_of((1, slice(0, 4))), labels_of((1, slice(0, 4)), (5, slice(5, 6)))
    assert [change.structure for change in compare_labels(before, after)] == ["label 1", "label 5"]
    assert [change.structure for change in compare_labels(before, after, TABLE)] == [
        "liver",
        "spleen",
        "tumour",
        "label 5",
    ]


def test_another_orientation_and_a_finer_grid_are_the_same_place() -> None:
    before = labels_of((1, slice(0, 4)))
    turned, _ = reorient(before, "RAI")
    (change,) = (one for one in compare_labels(before, turned) if one.before_ml)
    assert (change.dice, change.change_ml) == (1, pytest.approx(0))
    fine = before.array.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    affine = np.diag([5.0, 5.0, 5.0, 1.0])
    affine[:3, 3] = -2.5
    (change,) = compare_labels(before, Volume(fine, affine))
    assert (change.dice, change.after_ml) == (1, pytest.approx(80))


def test_maps_of_different_places_have_no_dice() -> None:
    before, after = labels_of((1, slice(0, 4))), labels_of((1, slice(0, 4)), shift=500.0)
    (change,) = compare_labels(before, after)
    assert (change.dice, change.after_ml) == (None, pytest.approx(80))
