"""Editing, measuring and surfaces of objects in a real window, by mouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import Qt  # noqa: E402
from qtpy.QtTest import QTest  # noqa: E402
from qtpy.QtWidgets import QApplication, QScrollArea, QWidget  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402

from .conftest import CONTROL, Window, scan  # noqa: E402
from .test_results import rows  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]


def press_in(window: Window, name: str) -> None:
    """Press a button of the table of measures."""
    button = window.main.findChild(QWidget, f"scd.measurements.{name}")
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_an_object_is_edited_measured_and_taken_along(open_window: Any, tmp_path: Path) -> None:
    window: Window = open_window(**scan())
    window.viewer.window.resize(1280, 720)
    window.use("aa-whole")
    assert not window.part("measure").isEnabled() and not window.part("edit.grow").isEnabled()
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    window.until(lambda: not window.control.busy)
    shown, before = window.layer("preview").data.copy(), rows(window)

    edit = window.part("edit")
    QTest.mouseClick(edit.toggleButton(), Qt.MouseButton.LeftButton)
    window.until(lambda: window.part("edit.shrink").isVisible())
    assert edit.width() <= window.widget.width()
    name = window.part("edit.object").currentText()
    window.part("edit.distance").setValue(4.0)
    window.press("edit.shrink")
    window.until(lambda: window.part("status").text().startswith(f"Shrank {name} by 4 mm: "))
    assert rows(window)[name] != before[name]
    scroll = next(iter(window.widget.findChildren(QScrollArea)))
    scroll.ensureWidgetVisible(window.part("edit.interpolate_slices"))
    window.shoot("edited")
    window.key(Qt.Key.Key_Z, CONTROL)
    assert np.array_equal(window.layer("preview").data, shown) and rows(window) == before

    window.press("measure")
    table = window.main.findChild(QWidget, "scd.measurements.table")
    window.until(lambda: table.rowCount() == len(before))
    window.shoot("measured")
    press_in(window, "copy")
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0].startswith("structure\tml\t") and len(lines) == 1 + len(before)
    window.press("edit.shrink")
    note = window.main.findChild(QWidget, "scd.measurements.note")
    window.until(lambda: "measure again" in note.text())

    table.selectRow(0)
    surfaces = window.main.findChild(QWidget, "scd.measurements.surfaces")
    surfaces.menu().actions()[0].trigger()
    window.until(lambda: any(type(layer).__name__ == "Surface" for layer in window.viewer.layers))
    window.control.surfaces.save([lines[1].split("\t")[0]], tmp_path / "one.stl")
    window.until(lambda: (tmp_path / "one.stl").is_file())
    window.control.show_view("3d")
    window.shoot("surface")
    window.widget.tear_down()
    assert window.main.findChild(QWidget, "scd.measurements.table") is None or not table.isVisible()
