"""Structures in numbers, against bodies whose numbers are known."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from napari_scd.volume import LabelTable, Volume, reorient
from napari_scd.volume.statistics import measure_structures, statistics_csv, surface_mm2

TABLE = LabelTable.from_names(["ball", "box", "nothing"])


def bodies(spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Volume:
    """A ball of 14 mm around (S, P, L) = (20, 20, 20) mm, and a box of 10 x 20 x 30 mm far from it."""
    shape = tuple(round(size / step) for size, step in zip((60, 60, 80), spacing_mm, strict=True))
    mm = [np.arange(n) * step for n, step in zip(shape, spacing_mm, strict=True)]
    z, y, x = np.meshgrid(*mm, indexing="ij")
    labels = np.zeros(shape, np.uint8)
    labels[(z - 20) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 <= 14**2] = 1
    labels[(z >= 40) & (z < 50) & (y >= 40) & (x >= 50)] = 2
    return Volume(labels, np.diag([*spacing_mm, 1.0]))


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0), (0.5, 2.0, 1.0)])
def test_a_ball_and_a_box(spacing_mm: tuple[float, float, float]) -> None:
    labels = bodies(spacing_mm)
    ball, box, nothing = measure_structures(labels, TABLE)
    assert ball.volume_ml == pytest.approx(4 / 3 * np.pi * 1.4**3, rel=0.02)
    assert ball.surface_cm2 == pytest.approx(4 * np.pi * 1.4**2, rel=0.03)
    assert ball.diameter_mm == pytest.approx(28, abs=max(spacing_mm))
    centre = (ball.centroid_right_mm, ball.centroid_anterior_mm, ball.centroid_superior_mm)
    assert centre == pytest.approx((-20, -20, 20), abs=0.3)
    assert ball.cut_share == 0
    assert box.volume_ml == pytest.approx(6.0)
    assert box.diameter_mm == pytest.approx(np.sqrt(10**2 + 20**2 + 30**2), abs=2 * max(spacing_mm))
    on_border, everywhere = 10 * 30 + 10 * 20, 2 * (10 * 20 + 20 * 30 + 10 * 30)
    assert box.cut_share == pytest.approx(on_border / everywhere)
    assert nothing == type(nothing)("nothing", 3, 0.0)


@pytest.mark.parametrize("axes", ["RAS", "LIP", "PIR"])
def test_orientation_changes_nothing(axes: str) -> None:
    labels = bodies((2.0, 1.0, 1.0))
    turned, _ = reorient(labels, axes)
    for one, other in zip(measure_structures(labels, TABLE), measure_structures(turned, TABLE), strict=True):
        ours, theirs = vars(one), vars(other)
        assert {name: theirs[name] for name in ours} == {
            name: value if value is None or isinstance(value, str) else pytest.approx(value)
            for name, value in ours.items()
        }


def test_intensities_are_the_scans_own() -> None:
    labels = bodies()
    values = np.where(labels.array == 2, np.arange(80), 50).astype(np.float32)
    values[labels.array == 1] = np.nan
    scan = labels.with_array(np.stack([values, values * 0]))
    ball, box, _ = measure_structures(labels, TABLE, scan)
    assert ball.mean is None
    assert (box.minimum, box.median, box.maximum) == (50, 64.5, 79)
    assert box.mean == pytest.approx(64.5)
    assert box.sd == pytest.approx(np.arange(50, 80).std())
    assert box.p5 is not None and box.p95 is not None
    assert box.p5 + box.p95 == pytest.approx(129)


def test_a_scan_elsewhere_is_refused() -> None:
    labels = bodies()
    with pytest.raises(ValueError, match="different grids"):
        measure_structures(labels, TABLE, Volume(labels.array, np.diag([2.0, 1.0, 1.0, 1.0])))


def test_pairs_have_a_ratio() -> None:
    table = LabelTable.from_names(["left kidney", "right kidney", "liver"])
    array = np.zeros((10, 10, 10), np.uint8)
    array[:4, 0], array[:2, 1], array[:, 5] = 1, 2, 3
    left, right, liver = measure_structures(Volume(array, np.diag([10.0, 10.0, 10.0, 1.0])), table)
    for row in (left, right):
        assert (row.left_ml, row.right_ml, row.left_right_ratio) == pytest.approx((40, 20, 2))
    assert (liver.left_ml, liver.left_right_ratio) == (None, None)


def test_a_single_voxel_and_a_thin_sheet() -> None:
    array = np.zeros((6, 30, 30), np.uint8)
    array[2, 2, 2] = 1
    array[4, 5:25, 5:25] = 2
    dot, sheet, _ = measure_structures(Volume(array, np.eye(4)), TABLE)
    assert dot.volume_ml == pytest.approx(0.001)
    assert dot.diameter_mm == pytest.approx(1)
    assert sheet.surface_cm2 == pytest.approx(2 * 4.0, rel=0.15)


def test_a_sheared_grid_has_the_same_surface() -> None:
    z, y, x = np.mgrid[-20:21, -20:21, -30:31]
    steps = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0.3, 1]])
    mm = np.stack([z, y, x], -1) @ steps.T
    ball = (mm**2).sum(-1) <= 12**2
    assert surface_mm2(ball, steps) == pytest.approx(4 * np.pi * 12**2, rel=0.03)


def test_csv_has_a_line_for_each_structure() -> None:
    labels = bodies()
    text = statistics_csv([("a", measure_structures(labels, TABLE)), ("b", [])])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["case"], row["structure"]) for row in rows] == [("a", name) for name in TABLE.names]
    assert float(rows[1]["volume_ml"]) == 6
    assert (rows[2]["mean"], rows[2]["surface_cm2"], rows[2]["volume_ml"]) == ("", "", "0")
