"""Zooming and panning a slice in its pane, as numbers."""

from __future__ import annotations

import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QPointF, QRectF, QSizeF  # noqa: E402

from napari_scd.viewer.dock.panels.plane_zoom import MOST, PlaneZoom  # noqa: E402

PANE, SLICE = QRectF(0, 0, 300, 200), QSizeF(100, 100)


def share(area: QRectF, at: QPointF) -> tuple[float, float]:
    """Where a point lies in the slice, 0 to 1 across and down."""
    return (at.x() - area.left()) / area.width(), (at.y() - area.top()) / area.height()


def test_the_whole_slice_is_shown_at_first_and_after_a_reset() -> None:
    zoom = PlaneZoom()
    assert zoom.area(PANE, SLICE) == QRectF(50, 0, 200, 200)
    zoom.turn(3, QPointF(120, 80), PANE, SLICE)
    zoom.pan(QPointF(40, 10), PANE, SLICE)
    zoom.reset()
    assert zoom.area(PANE, SLICE) == QRectF(50, 0, 200, 200)


@pytest.mark.parametrize("at", [QPointF(140, 60), QPointF(60, 190)])
def test_what_lies_under_the_mouse_stays_there(at: QPointF) -> None:
    zoom = PlaneZoom()
    before = share(zoom.area(PANE, SLICE), at)
    for notches in (1, 3, 4, -2):
        zoom.turn(notches, at, PANE, SLICE)
        assert share(zoom.area(PANE, SLICE), at) == pytest.approx(before)


def test_zooming_ends_somewhere() -> None:
    zoom = PlaneZoom()
    zoom.turn(-5, QPointF(10, 10), PANE, SLICE)
    assert zoom.factor == 1 and zoom.area(PANE, SLICE) == QRectF(50, 0, 200, 200)
    zoom.turn(100, QPointF(150, 100), PANE, SLICE)
    assert zoom.factor == MOST


def test_panning_ends_where_the_slice_would_leave_the_middle_of_its_pane() -> None:
    zoom = PlaneZoom()
    zoom.pan(QPointF(30, 30), PANE, SLICE)
    assert zoom.area(PANE, SLICE) == QRectF(50, 0, 200, 200), "all of it is in sight"
    zoom.turn(4, QPointF(150, 100), PANE, SLICE)
    zoom.pan(QPointF(10_000, -10_000), PANE, SLICE)
    area = zoom.area(PANE, SLICE)
    assert area.left() == pytest.approx(150) and area.bottom() == pytest.approx(100)
    zoom.pan(QPointF(-5, 5), PANE, SLICE)
    assert zoom.area(PANE, SLICE).left() == pytest.approx(145), "and goes back at once"
