"""Editing shapes in a real window: cancelled, and on objects that were clicked."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QPoint, Qt  # noqa: E402
from qtpy.QtTest import QTest  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402
from napari_scd.volume import reshape_mask  # noqa: E402

from .conftest import CONTROL, LEFT, NONE, SHIFT, Window, scan  # noqa: E402
from .test_prompts import MIDDLE, RIGHT, press  # noqa: E402

pytestmark = [
    pytest.mark.window,
    pytest.mark.usefixtures("promptable"),
    pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning"),
]


def open_edits(window: Window) -> None:
    QTest.mouseClick(window.part("edit").toggleButton(), LEFT)
    window.until(lambda: window.part("edit.shrink").isVisible())


def test_an_edit_is_cancelled_by_button_and_key(open_window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def slow(*args: Any) -> np.ndarray:
        gate.wait(60)
        return reshape_mask(*args)

    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    window.until(lambda: not window.control.busy)
    shown = window.layer("preview").data.copy()
    open_edits(window)
    name = window.part("edit.object").currentText()
    monkeypatch.setattr("napari_scd.viewer.logic.object_edits.reshape_mask", slow)
    for stop in (lambda: window.press("cancel"), lambda: window.key(Qt.Key.Key_Q)):
        gate.clear()
        window.press("edit.smooth")
        assert window.part("status").text() == f"Smoothing {name}."
        window.until(lambda: window.control.running == "edit")
        assert window.part("cancel").isVisible() and window.part("progress").swings
        stop()
        assert window.part("status").text() == "Stopping: nothing will be changed."
        gate.set()
        window.until(lambda: window.part("status").text().startswith("Stopped: nothing was changed."))
        assert not window.part("cancel").isVisible()
        assert np.array_equal(window.layer("preview").data, shown)
    window.press("edit.smooth")
    window.until(lambda: window.part("status").text().startswith(f"Smoothed {name} by 2 mm: "))


def test_clicked_objects_are_edited_corrected_and_accepted(open_window: Any) -> None:
    window: Window = open_window(**scan())
    window.use("zz-any")
    window.key(Qt.Key.Key_K)
    press(window, MIDDLE)
    window.key(Qt.Key.Key_O)
    press(window, (40, 20, 30))
    objects, preview = window.part("objects"), window.layer("preview")
    row = objects.visualItemRect(objects.topLevelItem(0)).center()
    QTest.mouseClick(objects.viewport(), LEFT, NONE, QPoint(40, row.y()))
    open_edits(window)
    assert window.part("edit.object").currentText() == "object 1", "the object that is chosen in the list"
    other = preview.data == 2
    window.part("edit.distance").setValue(4.0)
    window.part("edit.islands").setValue(0.5)
    for button, said in (
        ("grow", "Grew object 1"),
        ("smooth", "Smoothed object 1"),
        ("fill_holes", "Fill"),
        ("remove_islands", "Remov"),
        ("keep_largest_part", ("Kept", "Looking")),
        ("interpolate_slices", "Interpolat"),
        ("shrink", "Shr"),
    ):
        window.press(f"edit.{button}")
        window.until(lambda: not window.control.busy)
        assert window.part("status").text().startswith(said)
        assert window.control.status.state is State.PREVIEW
        assert (preview.data[other] == 2).all(), "other objects keep their voxels"
    edited = preview.data.copy()
    assert objects.topLevelItem(0).text(2) == "mask" and objects.topLevelItem(1).text(2) == "1 click"
    inside = np.argwhere(edited[20] == 1)
    y, x = 2.0 * inside[np.square(inside - inside.mean(axis=0)).sum(axis=1).argmin()]
    press(window, (40, y, x), RIGHT)
    assert window.control.state.now.preview.objects[0].n_prompts == 1
    window.key(Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(preview.data, edited), "the click is undone, the edits stay"
    window.key(Qt.Key.Key_Z, CONTROL)
    window.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert np.array_equal(preview.data, edited)
    window.shoot("edited-object")
    window.key(Qt.Key.Key_U)
    window.wait(State.DONE)
    seg = window.layer("seg")
    assert np.array_equal(seg.data, edited)
    window.press("edit.grow")
    window.until(lambda: not window.control.busy)
    assert (seg.data == 1).sum() > (edited == 1).sum(), "what was accepted is edited too"
