"""Objects by clicks in a real napari window: mouse, keyboard, brush and box, with a tiny promptable model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt  # noqa: E402
from qtpy.QtGui import QMouseEvent  # noqa: E402
from qtpy.QtTest import QTest  # noqa: E402
from qtpy.QtWidgets import QApplication  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402

from .conftest import CONTROL, NONE, SHIFT, Window, scan  # noqa: E402

pytestmark = [
    pytest.mark.window,
    pytest.mark.usefixtures("promptable"),
    pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning"),
]
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
MIDDLE = (40.0, 44.0, 48.0)  # mm


def point_at(window: Window, world: Any) -> QPoint:
    x, y = window.canvas.view.scene.transform.map([world[-1], world[-2], 0, 1])[:2]
    return QPoint(round(x), round(y))


def press(window: Window, world: Any, button: Any = LEFT) -> None:
    """Click at a point of the world, and wait for the answer."""
    QTest.mouseMove(window.canvas.native, point_at(window, world))
    QTest.mouseClick(window.canvas.native, button, NONE, point_at(window, world))
    answered(window)


def answered(window: Window) -> None:
    window.until(lambda: not window.control.prompting.waiting and not window.control.busy)


def drag(window: Window, start: Any, end: Any) -> None:
    """Drag with the left button over the canvas."""
    places = [
        point_at(window, np.asarray(start) + (np.asarray(end) - start) * share) for share in (0, 0.5, 1)
    ]
    for kind, place in zip(
        (QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseMove,
         QEvent.Type.MouseButtonRelease), (*places, places[-1]), strict=True,
    ):  # fmt: skip
        native = window.canvas.native
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else LEFT
        down = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseButtonRelease else LEFT
        event = QMouseEvent(kind, QPointF(place), QPointF(native.mapToGlobal(place)), button, down, NONE)
        QApplication.sendEvent(native, event)
        window.qtbot.wait(20)


def kinds(window: Window) -> list[list[str]]:
    objects = window.control.state.now.preview.objects
    return [[step.kind for step in one.prompts.steps] for one in objects]


def test_clicks_by_mouse_and_keyboard_make_objects(open_window: Any) -> None:
    window = open_window(**scan())
    window.use("zz-any")
    assert window.part("status").text() == "48x44x40 at 2x2x2 mm: press K, then click anything."
    assert not window.part("run").isEnabled() and window.part("objects.new").isVisible()
    window.key(Qt.Key.Key_K)
    press(window, MIDDLE)
    press(window, (40, 60, 60), RIGHT)
    QTest.keyPress(window.canvas.native, Qt.Key.Key_X)
    press(window, (40, 30, 60))
    QTest.keyRelease(window.canvas.native, Qt.Key.Key_X)
    assert kinds(window) == [["include", "exclude", "exclude"]]
    window.viewer.layers.selection.active = window.layer("tokens")
    window.key(Qt.Key.Key_Z, CONTROL)
    assert kinds(window) == [["include", "exclude"]]
    window.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    window.key(Qt.Key.Key_Z, CONTROL)
    window.key(Qt.Key.Key_O)
    press(window, (40, 20, 30))
    assert kinds(window) == [["include", "exclude"], ["include"]]
    rows = window.part("objects")
    assert [rows.topLevelItem(row).text(2) for row in range(2)] == ["2 clicks", "1 click"]
    item = rows.visualItemRect(rows.topLevelItem(0)).center()
    QTest.mouseClick(rows.viewport(), LEFT, NONE, QPoint(40, item.y()))
    press(window, (40, 50, 50))
    assert kinds(window) == [["include", "exclude", "include"], ["include"]]
    window.shoot("objects")
    window.key(Qt.Key.Key_U)
    window.wait(State.DONE)
    assert window.part("status").text().startswith("Accepted 2 objects, ")
    assert set(np.unique(window.layer("seg").data)) == {0, 1, 2}
    assert list(window.layer("clicks").features["kind"]) == ["include", "exclude", "include", "include"]


def test_the_brush_and_a_box_correct_the_object(open_window: Any) -> None:
    window = open_window(**scan())
    window.use("zz-any")
    window.key(Qt.Key.Key_K)
    press(window, MIDDLE)
    preview = window.layer("preview")
    window.viewer.layers.selection.active = preview
    preview.mode, preview.brush_size = "paint", 4
    outside = np.argwhere(preview.data[20] == 0)
    assert len(outside), "some of the slice is left to paint on"
    y, x = 2.0 * outside[len(outside) // 2]
    drag(window, (40, y, x), (40, y, x + 4))
    window.until(lambda: len(kinds(window)[0]) > 1 and not window.control.prompting.waiting)
    assert set(kinds(window)[0][1:]) == {"include"}
    preview.mode = "pan_zoom"
    window.viewer.layers.selection.active = window.viewer.layers["scan"]
    window.press("objects.box")
    assert window.part("status").text().startswith("Draw a rectangle")
    drag(window, (40, 30, 30), (40, 60, 64))
    window.until(lambda: kinds(window)[0][-1] == "box" and not window.control.prompting.waiting)
    inside = np.argwhere(preview.data)
    assert inside[:, 1].min() >= 15 and inside[:, 1].max() <= 30
    assert inside[:, 2].min() >= 15 and inside[:, 2].max() <= 32
    assert window.layer("boxes") is not None
    assert not [layer for layer in window.viewer.layers if layer.name == "box"]
    assert window.viewer.layers.selection.active == window.viewer.layers["scan"]
    window.key(Qt.Key.Key_Z, CONTROL)
    assert kinds(window)[0][-1] == "include" and window.layer("boxes") is None
