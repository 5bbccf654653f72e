"""Room on a small screen: three planes to be read, and large type that leaves the window its size."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("qtpy.QtWidgets")

from napari.settings import get_settings  # noqa: E402
from qtpy.QtCore import Qt  # noqa: E402
from qtpy.QtWidgets import QDockWidget, QScrollArea, QWidget  # noqa: E402

from napari_scd.viewer.dock import fit_screen  # noqa: E402
from napari_scd.viewer.state import State  # noqa: E402

from .conftest import Window, scan  # noqa: E402

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]

BOTTOM = (Qt.Corner.BottomLeftCorner, Qt.Corner.BottomRightCorner)


def resize(window: Window, width: int, height: int) -> None:
    window.viewer.window.resize(width, height)
    window.qtbot.wait(100)


def test_planes_and_table_get_room_below_the_canvas(open_window: Any) -> None:
    window: Window = open_window(**scan((40, 44, 48)))
    window.use("aa-whole")
    resize(window, 1280, 720)
    corners = [window.main.corner(corner) for corner in BOTTOM]
    window.press("planes")
    panes = [window.main.findChild(QWidget, f"scd.plane.{name}") for name in ("axial", "coronal", "sagittal")]
    window.until(lambda: all(pane.height() > 150 and not pane._image.isNull() for pane in panes))
    canvas = window.main.centralWidget()
    assert window.main.height() == 720 and canvas.height() > 200
    assert panes[0].mapTo(window.main, panes[0].rect().topLeft()).x() >= canvas.x(), "below the canvas only"
    assert panes[1].width() > panes[0].width(), "as wide as their slices are"
    window.shoot("room-planes")
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    window.press("measure")
    window.until(lambda: not window.control.busy)
    docks = {dock.windowTitle(): dock for dock in window.main.findChildren(QDockWidget)}
    planes, table = docks["Three planes"], docks["SCD measurements"]
    assert window.main.tabifiedDockWidgets(table) == [planes] and window.main.height() == 720
    window.press("planes")
    assert window.main.corner(BOTTOM[0]) == Qt.DockWidgetArea.LeftDockWidgetArea, "the table is still open"
    table.destroyOnClose()
    window.until(lambda: [window.main.corner(corner) for corner in BOTTOM] == corners)


def test_planes_open_before_an_image_get_the_same_height(open_window: Any) -> None:
    window: Window = open_window()
    resize(window, 1280, 720)
    window.press("planes")
    pane = window.main.findChild(QWidget, "scd.plane.axial")
    empty = pane.height()
    window.viewer.add_image(scan((16, 44, 80))["data"], scale=(1, 1, 1), name="flat", units="mm")
    window.until(lambda: not pane._image.isNull() and pane.height() < empty)
    window.qtbot.wait(500)
    late = pane.height()
    window.press("planes")
    window.press("planes")
    pane = window.main.findChild(QWidget, "scd.plane.axial")
    window.until(lambda: not pane._image.isNull() and pane.height() == late)


def test_planes_follow_the_proportions_of_the_scan_until_a_height_is_chosen(open_window: Any) -> None:
    window: Window = open_window()
    resize(window, 1280, 720)
    place = {"scale": (1, 1, 1), "units": "mm"}
    window.viewer.add_image(scan((16, 44, 80))["data"], name="flat", **place)
    window.press("planes")
    pane = window.main.findChild(QWidget, "scd.plane.axial")
    window.until(lambda: not pane._image.isNull())
    low = pane.height()
    window.viewer.add_image(scan((44, 44, 44))["data"], name="high", **place)
    window.choose("volume", "high")
    window.until(lambda: pane.height() > low)
    window.choose("volume", "flat")
    window.until(lambda: pane.height() == low)
    docks = {dock.windowTitle(): dock for dock in window.main.findChildren(QDockWidget)}
    window.main.resizeDocks([docks["Three planes"]], [low + 120], Qt.Orientation.Vertical)
    window.until(lambda: pane.height() > low + 50)
    chosen = pane.height()
    window.choose("volume", "high")
    window.qtbot.wait(500)
    window.shoot("room-planes-high")
    assert pane.height() == chosen


def test_large_type_leaves_the_window_on_the_screen(
    open_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_screen, "_height_on_screen", lambda window: 720)
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    resize(window, 1280, 720)
    monkeypatch.setattr(get_settings().appearance, "font_size", 16)
    window.viewer.layers.selection.active = window.layer("preview")
    window.press("view.3d")
    window.main.resizeDocks([window.dock], [300], Qt.Orientation.Horizontal)
    window.until(lambda: window.main.minimumSizeHint().height() <= 720 and window.main.height() <= 720)
    window.qtbot.wait(300)
    controls, layers = (window.main.findChild(QDockWidget, name) for name in fit_screen.STACKED)
    assert window.main.tabifiedDockWidgets(controls) == [layers]
    window.shoot("room-16pt")
    area = window.widget.findChild(QScrollArea)
    assert area.widget().minimumSizeHint().width() <= area.viewport().width(), "nothing is cut off sideways"
    assert window.part("model").width() > 200, "below its name, so that it can be read"
    bottom = window.part("export").mapTo(window.main, window.part("export").rect().bottomLeft()).y()
    assert bottom < 720
    window.widget.tear_down()
    assert window.main.tabifiedDockWidgets(controls) == [], "as they were"
