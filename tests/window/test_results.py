"""Results, undo and painting in a real window, by mouse and keyboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import Qt  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402

from .conftest import CONTROL, SHIFT, Window, scan  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]


def rows(window: Window) -> dict[str, str]:
    """Names and volumes in the legend."""
    legend = window.part("legend")
    items = [legend.topLevelItem(row) for row in range(legend.topLevelItemCount())]
    return {item.text(0): item.text(1) for item in items}


def test_each_volume_has_its_own_legend_and_preview(open_window: Any) -> None:
    window: Window = open_window(**scan())
    other = window.viewer.add_image(scan()["data"][::-1].copy(), name="other", scale=(2, 2, 2), units="mm")
    window.use("aa-whole")
    window.choose("volume", "scan")
    window.wait(State.READY)
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    first = rows(window)
    assert first and window.part("accept").isEnabled()
    window.choose("volume", "other")
    window.wait(State.READY)
    assert rows(window) == {} and not window.part("accept").isEnabled()
    assert not window.part("export").isEnabled() and not window.layer("preview").visible
    image = window.viewer.layers["scan"]
    assert other.visible and not image.visible, "no outlines on a scan that they do not belong to"
    window.key(Qt.Key.Key_U)
    assert "Nothing to accept" in window.part("status").text() and window.layer("seg") is None
    window.choose("volume", "scan")
    window.wait(State.PREVIEW)
    assert rows(window) == first and window.layer("preview").visible
    assert image.visible and not other.visible
    window.key(Qt.Key.Key_U)
    assert window.layer("seg").name == "scan [SCD seg]" and rows(window) == first
    window.viewer.layers.clear()
    window.until(lambda: rows(window) == {})


def test_ctrl_z_brings_the_preview_back_whichever_layer_is_selected(open_window: Any) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    shown = window.layer("preview").data.copy()
    for selected in ("scan", "scan [SCD seg]"):
        window.key(Qt.Key.Key_U)
        assert window.layer("preview") is None
        window.viewer.layers.selection.active = window.viewer.layers[selected]
        window.key(Qt.Key.Key_Z, CONTROL)
        assert np.array_equal(window.layer("preview").data, shown) and window.layer("preview").visible
        assert not window.layer("seg").data.any()
        assert window.part("status").text().startswith("Undid Accept. Preview: ")
        assert window.part("accept").isEnabled()
    window.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert np.array_equal(window.layer("seg").data, shown) and window.layer("preview") is None


def test_a_brush_stroke_changes_the_legend_and_is_undone(open_window: Any) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    window.until(lambda: not window.control.busy)
    before, preview = rows(window), window.layer("preview")
    name = next(iter(before))
    window.viewer.layers.selection.active = preview
    preview.mode, preview.brush_size = "erase", 30  # millilitres, so that rounding does not hide them
    inside = np.argwhere(preview.data[19] == preview.data[19].max())
    middle = inside[np.square(inside - inside.mean(axis=0)).sum(axis=1).argmin()] * 2.0
    window.click((38, *middle))
    window.until(lambda: rows(window) != before)
    assert name in window.control.result.table.names
    painted = sum(one.voxels for one in window.control.result.found().values())
    assert painted == int((preview.data > 0).sum())
    window.key(Qt.Key.Key_Z, CONTROL)
    assert rows(window) == before


def test_frames_of_a_series(open_window: Any) -> None:
    data = np.stack([scan()["data"], np.roll(scan()["data"], 6, axis=2)])
    window: Window = open_window(data=data, scale=(1, 2, 2, 2), units=("pixel", "mm", "mm", "mm"))
    window.use("aa-whole")
    window.viewer.dims.set_point(0, 0)
    window.until(lambda: window.part("status").text().startswith("Frame 1 of 2"))
    assert window.part("frames").isVisible()
    window.choose("frames", "all")
    window.press("run")
    window.until(lambda: "all 2 frames are segmented" in window.part("status").text())
    preview = window.layer("preview").data.copy()
    assert preview[0].any() and preview[1].any()
    first = rows(window)
    window.viewer.dims.set_point(0, 1)
    window.until(lambda: window.part("status").text().startswith("Frame 2 of 2"))
    window.wait(State.PREVIEW)
    assert first and rows(window)
    window.key(Qt.Key.Key_U)
    assert np.array_equal(window.layer("seg").data, preview)


def test_a_model_chosen_and_left_again_and_the_story_of_a_result(open_window: Any, tmp_path: Path) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    window.drag("keep", (40, 30))
    window.wait(State.STALE)
    window.until(lambda: not window.control.busy)
    window.choose("model", "aa-click")
    window.until(lambda: window.part("status").text().startswith("The model changed since this result"))
    window.choose("model", "aa-whole")
    window.wait(State.PREVIEW)
    assert window.part("status").text().startswith("Preview: "), "the model is the one of the result again"
    window.key(Qt.Key.Key_U)
    window.control.export(tmp_path / "out.nii.gz")
    window.until(lambda: window.part("status").text().startswith("Saved out.nii.gz"))
    story = json.loads((tmp_path / "out.json").read_text())
    actions = [entry["action"] for entry in story["history"]]
    assert actions[0] == "segment" and actions[-1] == "accept" and "keep slider" in actions
    assert story["history"][0]["n_windows"] == 8, "the run over the volume is told, not the slider alone"
    data = window.layer("seg").data
    assert {one["index"]: one["voxels"] for one in story["structures"]} == {
        label: int((data == label).sum()) for label in (1, 2)
    }
