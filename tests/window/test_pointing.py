"""Prompts in a real window: in 3D, while others are computed, on images that change, and from a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl  # noqa: E402
from qtpy.QtGui import QDropEvent  # noqa: E402
from qtpy.QtWidgets import QFileDialog  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402

from .conftest import NONE, QTest, Window, scan  # noqa: E402
from .test_prompts import LEFT, MIDDLE, RIGHT, answered, kinds, point_at, press  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.window,
    pytest.mark.usefixtures("promptable"),
    pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning"),
]


def click_at(window: Window, place: QPoint, button: Any = LEFT) -> None:
    QTest.mouseMove(window.canvas.native, place)
    QTest.mouseClick(window.canvas.native, button, NONE, place)


def pointing(window: Window) -> Window:
    window.use("zz-any")
    window.key(Qt.Key.Key_K)
    return window


def drop(window: Window, path: Path) -> None:
    """Drop a file on the canvas."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    place = QPointF(window.canvas.native.rect().center())
    event = QDropEvent(place, Qt.DropAction.CopyAction, mime, LEFT, NONE)
    window.viewer.__wrapped__.window._qt_viewer.dropEvent(event)


def test_right_click_and_x_exclude_in_3d(open_window: Any) -> None:
    window = pointing(open_window(**scan()))
    press(window, MIDDLE)
    before = window.layer("preview").data.copy()
    window.press("view.3d")
    assert window.viewer.dims.ndisplay == 3
    window.qtbot.wait(100)
    middle, zoom = window.canvas.native.rect().center(), window.viewer.scene.camera.zoom
    click_at(window, middle, RIGHT)
    answered(window)
    QTest.keyPress(window.canvas.native, Qt.Key.Key_X)
    click_at(window, middle + QPoint(30, 20))
    QTest.keyRelease(window.canvas.native, Qt.Key.Key_X)
    answered(window)
    click_at(window, middle + QPoint(-30, 20))
    answered(window)
    (one,) = window.control.state.now.preview.objects
    assert [step.kind for step in one.prompts.steps] == ["include", "exclude", "exclude", "include"]
    assert before[one.prompts.excluded[0]] == 1, "the voxel of the object that is seen there"
    assert window.viewer.scene.camera.zoom == zoom and window.viewer.dims.ndisplay == 3
    window.shoot("any-3d")


def test_clicks_wait_their_turn_and_none_is_dropped(open_window: Any) -> None:
    window = pointing(open_window(**scan()))
    said: list[str] = []
    window.control.state.status_changed.connect(lambda status: said.append(status.sentence))
    click_at(window, point_at(window, MIDDLE))
    click_at(window, point_at(window, (40, 60, 60)), RIGHT)
    click_at(window, point_at(window, (40, 50, 40)))
    assert window.control.prompting.waiting == 3
    answered(window)
    assert kinds(window) == [["include", "exclude", "include"]]
    assert "Segmenting what you clicked (2 more waiting)." in said


@pytest.mark.parametrize("change", ["deleted", "replaced", "painted"])
def test_the_image_goes_or_changes_while_a_click_is_computed(open_window: Any, change: str) -> None:
    window = pointing(open_window(**scan()))
    press(window, MIDDLE)
    click_at(window, point_at(window, (40, 50, 50)))
    click_at(window, point_at(window, (40, 30, 50)), RIGHT)
    assert window.control.prompting.waiting == 2
    image = window.viewer.layers["scan"]
    if change == "deleted":
        window.viewer.layers.remove("scan")
    elif change == "replaced":
        image.data = image.data[::-1].copy()
    else:
        image.data[:] = image.data.max() - image.data
        image.refresh()
    ended = State.NO_IMAGE if change == "deleted" else State.STALE
    window.until(lambda: window.control.status.state is ended and not window.control.busy)
    assert window.control.prompting.waiting == 0 and not window.part("click").isChecked()
    if change == "deleted":
        assert window.part("objects").topLevelItemCount() == 0
        return
    window.key(Qt.Key.Key_K)
    press(window, MIDDLE)
    assert kinds(window) == [["include"]], "an object of its own, on the image as it is now"
    assert window.control.status.state is State.PREVIEW, window.control.status


def test_prompts_are_dropped_on_the_window_and_chosen_in_a_dialog(open_window: Any, tmp_path: Path) -> None:
    window = pointing(open_window(**scan()))
    press(window, MIDDLE)
    press(window, (40, 60, 60), RIGHT)
    window.control.prompted.rename(1, "ball")
    window.control.export(tmp_path / "labels.nii.gz")
    window.until(lambda: window.part("status").text().startswith("Saved labels.nii.gz"))
    labels = window.layer("preview").data.copy()
    window.control.discard()
    assert window.part("objects").topLevelItemCount() == 0
    file, layers = tmp_path / "labels_prompts.json", len(window.viewer.layers)
    drop(window, file)
    window.until(lambda: window.part("objects").topLevelItemCount() == 1 and not window.control.busy)
    assert window.part("status").text().startswith("Read 1 object from labels_prompts.json. Ball, ")
    assert np.array_equal(window.layer("preview").data, labels)
    assert kinds(window) == [["include", "exclude"]]
    assert window.part("objects").topLevelItem(0).text(0) == "ball"
    assert not [layer for layer in window.viewer.layers if layer.name == "labels_prompts"]
    assert len(window.viewer.layers) >= layers

    values = json.loads(file.read_text())
    values["grid"]["shape"] = [7, 8, 9]
    file.write_text(json.dumps(values))
    window.press("objects.read")
    (dialog,) = window.widget.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(file))
    dialog.close()
    window.until(lambda: "belong to another scan (of 7 x 8 x 9 voxels" in window.part("status").text())
    assert np.array_equal(window.layer("preview").data, labels) and len(kinds(window)) == 1
