"""Planes and figure, for scans in any axis order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_scd.batch.figure import Caption, draw_figure
from napari_scd.batch.planes import cut_planes
from napari_scd.volume import LabelTable, Volume, reorient

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Result:
    """The parts of a segmentation that a figure shows."""

    labels: Volume
    tokens: Volume
    stage_scores: np.ndarray


def example(axes: str = "SPL") -> tuple[Volume, Result]:
    """Scan that grows to Superior, a label near the left front top corner, tokens of 4 voxels."""
    scan = Volume(np.arange(40, dtype=np.float32).repeat(44 * 48).reshape(40, 44, 48), np.eye(4))
    labels = np.zeros((40, 44, 48), np.uint8)
    labels[28:32, 8:12, 32:36] = 1
    tokens = np.ones((10, 11, 12), np.uint8)
    tokens[7, 2, 8] = 3
    place = np.diag([4.0, 4.0, 4.0, 1.0])
    place[:3, 3] = 1.5
    turned, _ = reorient(scan, axes)
    turned_labels, _ = reorient(Volume(labels, np.eye(4)), axes)
    return turned, Result(turned_labels, Volume(tokens, place), np.zeros((2, 10, 11, 12), np.float32))


@pytest.mark.parametrize("axes", ["SPL", "RAS", "LIA"])
def test_planes_are_the_same_for_every_axis_order(axes: str) -> None:
    for plane, expected in zip(cut_planes(*example(axes)), cut_planes(*example()), strict=True):
        assert np.array_equal(plane.scan, expected.scan)
        assert np.array_equal(plane.tokens, expected.tokens)
        assert plane.at_mm == pytest.approx(expected.at_mm)


def test_superior_is_on_top_and_tokens_lie_on_their_patch() -> None:
    volume, result = example()
    axial, coronal, sagittal = cut_planes(volume, result, margin_mm=6)
    assert (axial.name, coronal.name, sagittal.name) == ("axial", "coronal", "sagittal")
    for plane in (coronal, sagittal):
        assert plane.scan[0, 0] > plane.scan[-1, 0]
    for plane in (axial, coronal, sagittal):
        shown = np.repeat(np.repeat(plane.labels, 8, 0), 8, 1)
        assert np.array_equal(plane.tokens == 3, shown == 1)
        assert plane.edges.any()


def test_a_figure_is_a_png(tmp_path: Path) -> None:
    volume, result = example()
    table = LabelTable.from_names(["thing"])
    caption = Caption("Title", "below", [((255, 0, 0), "thing: 1 ml")])
    draw_figure(tmp_path / "f.png", volume, result, table, caption=caption)
    assert (tmp_path / "f.png").stat().st_size > 10_000
