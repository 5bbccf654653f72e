"""What helps to read a scan, in a real window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QPoint, QPointF, Qt  # noqa: E402
from qtpy.QtGui import QWheelEvent  # noqa: E402
from qtpy.QtTest import QTest  # noqa: E402
from qtpy.QtWidgets import QApplication, QDockWidget, QWidget  # noqa: E402

from napari_scd.viewer.dock import display  # noqa: E402
from napari_scd.viewer.state import State  # noqa: E402

from .conftest import CONTROL, NONE, Window, scan  # noqa: E402

NAMES = ("axial", "coronal", "sagittal")

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]


def letters(window: Window) -> str:
    """Letters on the canvas: top, bottom, left, right."""
    overlays = window.viewer.canvas.overlays
    shown = [overlays[f"scd_{edge}"] for edge in ("top", "bottom", "left", "right")]
    return " ".join(overlay.text for overlay in shown if overlay.visible)


def test_letters_and_the_orientation_in_words(open_window: Any) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.until(lambda: letters(window) == "A? P? R? L?")
    assert "head and feet" in window.part("warnings").toolTip()
    window.part("advanced").expand(animate=False)
    window.part("orientation.by_file").click()
    window.wait(State.READY)
    assert letters(window) == "A P R L" and not window.part("warnings").isVisible()
    window.choose("orientation.left", "patient's left")
    window.wait(State.READY)
    assert letters(window) == "A P L R"
    window.part("orientation.picture").repaint()
    window.shoot("orientation")
    window.press("view.sagittal")
    assert letters(window) == "S I A P"
    window.press("view.3d")
    assert letters(window) == ""
    window.press("view.axial")
    assert letters(window) == "A P R L", "the camera turns: the patient's right is on the left again"
    other = window.viewer.add_image(scan()["data"] + 1, name="other", scale=(2, 2, 2), units="mm")
    window.choose("volume", "other")
    window.wait(State.READY)
    assert letters(window).count("?") == 4, "what was said of one scan is not true of another"
    window.choose("volume", "scan")
    window.wait(State.READY)
    assert letters(window) == "A P R L"
    window.viewer.layers.clear()
    window.until(lambda: letters(window) == "")
    assert other not in window.viewer.layers
    window.widget.tear_down()
    assert not any(name.startswith("scd_") for name in window.viewer.canvas.overlays)


def test_ct_windows_for_ct_only(open_window: Any) -> None:
    hounsfield = scan()["data"] * 12 - 1000
    window: Window = open_window(**scan() | {"data": hounsfield})
    window.use("aa-whole")
    image = window.viewer.layers["scan"]
    opened = tuple(image.contrast_limits)
    assert window.part("ct_window").isVisible()
    window.choose("ct_window", "Lung")
    assert tuple(image.contrast_limits) == (-1350, 150)
    window.choose("ct_window", "As opened")
    assert tuple(image.contrast_limits) == opened
    image.contrast_limits = (0, 80)
    assert window.part("ct_window").currentText().startswith("Brain")
    window.viewer.add_image(np.abs(hounsfield), name="mr", scale=(2, 2, 2), units="mm")
    window.choose("volume", "mr")
    window.wait(State.READY)
    assert not window.part("ct_window").isVisible()


def cross(window: Window, plane: str) -> tuple[int, int]:
    """Row and column of the crosshair in a plane."""
    window.qtbot.wait(120)
    return window.part(f"plane.{plane}")._cross


def coloured(image: Any) -> bool:
    pixels = ((x, y) for y in range(image.height()) for x in range(image.width()))
    return any(image.pixelColor(x, y).saturation() > 0 for x, y in pixels)


def plane_docks(window: Window) -> list[QDockWidget]:
    return [one for one in window.main.findChildren(QDockWidget) if one.windowTitle() == "Three planes"]


def test_three_planes_with_one_crosshair(open_window: Any) -> None:
    window: Window = open_window(**scan((40, 44, 48)))
    window.use("aa-whole")
    window.press("planes")
    panes = {name: window.main.findChild(QWidget, f"scd.plane.{name}") for name in NAMES}
    window.part = lambda name, part=window.part: panes.get(name.removeprefix("plane.")) or part(name)
    window.until(lambda: all(pane.isVisible() and pane.width() > 100 for pane in panes.values()))
    window.viewer.dims.set_point((0, 1, 2), (20.0, 30.0, 40.0))
    assert cross(window, "axial") == (15, 20) and cross(window, "coronal") == (29, 20)
    axial = panes["axial"]
    QTest.mouseClick(axial, Qt.MouseButton.LeftButton, NONE, axial.place_of((8, 33)).toPoint())
    assert cross(window, "sagittal") == (29, 8) and np.allclose(window.viewer.dims.point, (20, 16, 66))
    coronal = panes["coronal"]
    QTest.mouseClick(coronal, Qt.MouseButton.LeftButton, NONE, coronal.place_of((4, 10)).toPoint())
    assert np.allclose(window.viewer.dims.point, (70, 16, 20)), "the canvas went to that slice"
    window.click((70, 40, 50))
    assert cross(window, "axial") == (20, 25), "a click in the canvas moves the crosshair"
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    legend = window.part("legend")
    legend.itemClicked.emit(legend.topLevelItem(0), 0)
    row, column = cross(window, "axial")
    label = window.control.result.labels[round(window.viewer.dims.point[0] / 2), row, column]
    assert label == legend.topLevelItem(0).data(0, Qt.ItemDataRole.UserRole), "a click in the legend too"
    assert coloured(axial._image), "outlines of the preview"
    window.layer("preview").visible = False
    window.until(lambda: not coloured(axial._image))
    window.layer("preview").visible = True
    window.shoot("planes")
    window.press("planes")
    assert not window.main.findChildren(QWidget, "scd.plane.axial")
    window.press("planes")
    plane_docks(window)[-1].destroyOnClose()
    assert not window.part("planes").isChecked()
    window.press("planes")
    window.widget.tear_down()
    window.until(lambda: plane_docks(window) == [])


def turn(pane: Any, at: QPoint, modifier: Any = NONE) -> None:
    """Turn the wheel by a notch over a pane."""
    places = QPointF(at), QPointF(pane.mapToGlobal(at))
    none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    QApplication.sendEvent(pane, QWheelEvent(*places, QPoint(), QPoint(0, 120), none, modifier, phase, False))


def test_planes_are_zoomed_panned_and_reset(open_window: Any) -> None:
    window: Window = open_window(**scan((40, 44, 48)))
    window.use("aa-whole")
    window.press("planes")
    window.until(lambda: window.main.findChild(QWidget, "scd.plane.axial") is not None)
    pane = window.main.findChild(QWidget, "scd.plane.axial")
    window.until(lambda: pane.isVisible() and pane.width() > 100 and not pane._image.isNull())
    window.viewer.dims.set_point((0, 1, 2), (40.0, 44.0, 48.0))
    window.qtbot.wait(120)
    whole, at = pane._area(), pane.place_of((30, 30)).toPoint()
    turn(pane, at)
    assert window.viewer.dims.point[0] == 42, "the wheel alone goes to the next slice"
    under = pane.pixel_at(QPointF(at))
    for _ in range(6):
        turn(pane, at, CONTROL)
    assert pane._area().width() > 3 * whole.width() and pane.pixel_at(QPointF(at)) == under
    assert window.viewer.dims.point[0] == 42
    QTest.mouseClick(pane, Qt.MouseButton.LeftButton, NONE, at)
    assert np.allclose(window.viewer.dims.point, (42, 60, 60)), "a click still moves the crosshair"
    before = pane._area().center()
    QTest.mousePress(pane, Qt.MouseButton.RightButton, NONE, QPoint(60, 60))
    QTest.mouseMove(pane, QPoint(90, 75))
    QTest.mouseRelease(pane, Qt.MouseButton.RightButton, NONE, QPoint(90, 75))
    assert pane._area().center() == before + QPointF(30, 15)
    QTest.mouseMove(pane, QPoint(20, 20))
    assert pane._area().center() == before + QPointF(30, 15), "it was let go"
    assert np.allclose(window.viewer.dims.point, (42, 60, 60)), "and panning moves no crosshair"
    window.viewer.dims.set_point((1, 2), (4.0, 4.0))
    window.qtbot.wait(120)
    assert pane.rect().contains(pane.place_of(pane._cross).toPoint()), "a far crosshair comes into sight"
    window.shoot("planes-zoomed")
    QTest.mouseDClick(pane, Qt.MouseButton.LeftButton, NONE, QPoint(60, 60))
    assert pane._area() == whole
    window.press("planes")


def test_a_dock_that_is_opened_again_goes_on_where_the_other_was_closed(
    open_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    trusted = display.trust_in
    monkeypatch.setattr(display, "trust_in", lambda *of: asked.append(of[1]) or trusted(*of))
    window: Window = open_window(**scan())
    window.viewer.add_image(scan()["data"][::-1].copy(), name="other", scale=(2, 2, 2), units="mm")
    window.use("aa-whole")
    window.choose("volume", "scan")
    window.wait(State.READY)
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    legend = window.part("legend")
    legend.itemDoubleClicked.emit(legend.topLevelItem(0), 0)
    shown, names = window.layer("preview").data.copy(), [layer.name for layer in window.viewer.layers]
    window.dock.destroyOnClose()
    again = Window(window.viewer, window.qtbot, window.shots)
    again.until(lambda: again.part("status").text().startswith("Preview"))
    assert again.part("model").currentText().startswith("aa-whole"), "the model that made the preview"
    assert again.part("volume").currentText() == "scan", "and the volume it is of"
    again.until(lambda: again.control.ready is not None)
    assert asked[-1] is not None, "the legend shows again how the model was tested"
    legend = again.part("legend")
    assert legend.topLevelItemCount() > 0 and legend.topLevelItem(0).font(0).bold()
    window.layer("preview").show_selected_label = False
    assert not legend.topLevelItem(0).font(0).bold(), "napari's own check box is followed"
    assert np.array_equal(window.layer("preview").data, shown)
    again.key(Qt.Key.Key_G)
    again.wait(State.DONE)
    assert [layer.name for layer in again.viewer.layers] == names
    shown = again.layer("preview").data.copy()
    again.key(Qt.Key.Key_U)
    assert again.layer("seg").data.any() and np.array_equal(again.layer("seg").data, shown)
    again.until(lambda: not again.control.busy)
    again.widget.tear_down()
