"""The dock in a real napari window, driven by mouse and keyboard."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import Qt  # noqa: E402
from qtpy.QtTest import QTest  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402

from .conftest import CONTROL, SHIFT, Window, scan  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]


def test_a_volume_from_button_to_file(open_window: Any, tmp_path: Path) -> None:
    window = open_window(**scan())
    window.use("aa-whole")
    assert window.part("status").text().startswith("48x44x40 at 2x2x2 mm: 8 windows")
    before = (window.viewer.layers.selection.active, window.viewer.scene.camera.center)
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    window.shoot("done")
    assert before == (window.viewer.layers.selection.active, window.viewer.scene.camera.center)
    preview, tokens, score = (window.layer(kind) for kind in ("preview", "tokens", "score"))
    assert preview.data.shape == (40, 44, 48) and not tokens.visible and not score.visible
    ends = np.array(
        [np.asarray(layer.data_to_world([-0.5] * 3)) for layer in (preview, window.viewer.layers["scan"])]
    )
    assert np.allclose(ends[0], ends[1])
    window.key(Qt.Key.Key_H)
    assert window.part("show").currentText() == "Dim pruned"
    window.part("keep").setValue(25)
    window.wait(State.STALE)
    assert "16 -> " not in window.part("counts").text() and "tokens" in window.part("counts").text()
    window.key(Qt.Key.Key_U)
    seg = window.layer("seg")
    accepted = seg.data.copy()
    assert accepted.any() and window.layer("preview") is None
    window.key(Qt.Key.Key_Z, CONTROL)
    assert not seg.data.any()
    window.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert np.array_equal(seg.data, accepted)
    window.control.export(tmp_path / "out.nii.gz")
    window.until(lambda: window.part("status").text().startswith("Saved out.nii.gz"))
    (reopened,) = window.viewer.open(str(tmp_path / "out.nii.gz"), plugin="napari-scd")
    assert np.array_equal(reopened.data, accepted) and np.allclose(reopened.scale, (2, 2, 2))


def kinds(window: Any) -> set[str]:
    """Kinds of our layers."""
    return {layer.name.split("[SCD ")[1][:-1] for layer in window.viewer.layers if "[SCD " in layer.name}


def test_clicking_structures(open_window: Any) -> None:
    window = open_window(**scan())
    window.use("aa-click")
    assert not window.part("run").isEnabled() and "one structure at a time" in window.part("run").toolTip()
    window.key(Qt.Key.Key_K)
    assert window.part("click").isChecked() and str(window.viewer.cursor.style) == "cross"
    painted: list[set[str]] = []
    window.canvas._scene_canvas.events.draw.connect(lambda event: painted.append(kinds(window)))
    window.click((40, 40, 44))
    window.wait(State.PREVIEW)
    window.shoot("clicked")
    assert {"preview"} in painted, "the mask is painted before its other layers are there"
    clicks = window.layer("clicks")
    assert clicks is None or np.allclose(clicks.data[0], (20, 20, 22), atol=1)
    assert window.layer("tokens").data.any()
    window.key(Qt.Key.Key_Escape)
    assert not window.part("click").isChecked() and str(window.viewer.cursor.style) != "cross"


def test_cancel_stops_after_a_window_and_keeps_the_part(
    open_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_scd.engine import Session

    whole, gate = Session.segment, threading.Event()

    def slow(self: Any, request: Any, *, progress: Any, cancel: Any, **part: Any) -> Any:
        def tell(step: Any) -> None:
            progress(step)
            if step.done == 1:
                gate.wait(60)

        return whole(self, request, progress=tell, cancel=cancel, **part)

    monkeypatch.setattr(Session, "segment", slow)
    window = open_window(**scan())
    window.use("aa-whole")
    window.press("run")
    window.until(lambda: window.part("status").text().startswith("Window "))
    assert window.part("cancel").isVisible()
    window.key(Qt.Key.Key_Q)
    assert window.part("status").text() == "Stopping after this window."
    gate.set()
    window.wait(State.CANCELLED)
    assert window.layer("preview") is not None and not window.part("cancel").isVisible()


def test_an_error_in_the_worker_is_said_and_the_window_goes_on(
    open_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_scd.engine import Session

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    window = open_window(**scan())
    window.use("aa-whole")
    with monkeypatch.context() as broken:
        broken.setattr(Session, "segment", fail)
        window.press("run")
        window.until(lambda: window.control.status.state is State.ERROR)
    assert "mat1 and mat2" in window.part("status").text()
    window.press("remedy")
    window.wait(State.DONE)


def test_the_x_lets_go_of_everything_and_the_dock_opens_again(open_window: Any) -> None:
    window = open_window(**scan())
    viewer = window.viewer
    window.use("aa-whole")
    window.key(Qt.Key.Key_K)
    window.press("run")
    queue = window.control.state.jobs
    window.dock.destroyOnClose()
    window.until(lambda: queue.running is None)
    assert len(viewer.keymap) == 0 and len(viewer.mouse_drag_callbacks) == 1
    assert not viewer.mouse_move_callbacks
    viewer.add_image(np.zeros((4, 4, 4)))
    assert window.layer("preview") is None, "a late answer is dropped"
    again = Window(viewer, window.qtbot, window.shots)
    again.wait(State.READY)
    again.widget.tear_down()


def test_an_image_deleted_while_it_runs(open_window: Any) -> None:
    window = open_window(**scan())
    window.use("aa-whole")
    window.press("run")
    window.viewer.layers.remove("scan")
    window.wait(State.NO_IMAGE)
    window.until(lambda: not window.control.busy)
    assert len(window.viewer.layers) == 0
    window.viewer.add_image(**scan())
    window.wait(State.READY)


def test_two_viewers_do_not_know_each_other(open_window: Any) -> None:
    first, second = open_window(**scan()), open_window(**scan((36, 40, 44)))
    for window in (first, second):
        window.use("aa-whole")
    first.press("run")
    first.wait(State.DONE)
    assert len(first.viewer.layers) == 4 and len(second.viewer.layers) == 1
    assert second.control.status.state is State.READY


def test_flipped_and_rotated_images_are_overlaid_exactly(open_window: Any) -> None:
    from napari_scd.viewer.layers import layer_matrix

    place = scan()
    affine = np.array([[2, 0.1, 0, 5], [0.1, -2, 0.1, 3], [0, 0, -2, 90], [0, 0, 0, 1.0]])
    window = open_window(data=place["data"], affine=affine, units="mm")
    window.wait(State.READY)
    assert "Orientation unknown" in window.part("warnings").text()
    window.choose("model", "aa-whole")
    window.wait(State.READY)
    window.press("run")
    window.wait(State.DONE)
    image, preview = window.viewer.layers["scan"], window.layer("preview")
    assert np.allclose(layer_matrix(image), layer_matrix(preview))
    tokens = window.layer("tokens")
    assert np.allclose(np.linalg.norm(layer_matrix(tokens)[:3, :3], axis=0), 16, atol=0.1), "8 voxels of 2 mm"
    window.viewer.theme = "light"
    window.shoot("light")


def test_a_click_as_soon_as_the_dock_is_there_is_answered(open_window: Any) -> None:
    window = open_window(**scan())
    heard: list[Any] = []
    window.control.state.result_changed.connect(heard.append)
    window.control.click((20, 22, 24))
    window.until(lambda: bool(heard))


def test_a_click_in_3d_goes_along_the_ray(open_window: Any) -> None:
    data = np.zeros((40, 44, 48), np.float32)
    data[18:24, 20:26, 22:28] = 100
    window = open_window(data=data, scale=(2, 2, 2), units="mm")
    window.use("aa-click")
    window.viewer.dims.ndisplay = 3
    window.key(Qt.Key.Key_K)
    heard: list[Any] = []
    window.control.click = lambda index, everything=False: heard.append((index, everything))
    window.qtbot.wait(100)
    middle = window.canvas.native.rect().center()
    QTest.mouseClick(window.canvas.native, Qt.MouseButton.LeftButton, SHIFT, middle)
    window.until(lambda: bool(heard))
    index, everything = heard[0]
    assert everything and data[index] == 100, "the bright block in the middle, not its surroundings"


def test_keys_work_from_the_dock_too(open_window: Any) -> None:
    window = open_window(**scan())
    window.use("aa-whole")
    before = window.part("model").currentText()
    expected = ["Dim pruned", "Exit stage", "Score", "Off"]
    for name, title in zip(("run", "model", "volume", "keep"), expected, strict=True):
        QTest.keyClick(window.part(name), Qt.Key.Key_H)
        assert window.part("show").currentText() == title, f"after {name} was used"
    QTest.keyClick(window.part("model"), Qt.Key.Key_G)
    window.wait(State.DONE)
    assert window.part("model").currentText() == before, "the list was not searched for a letter"
    QTest.keyClick(window.part("legend"), Qt.Key.Key_U)
    assert window.layer("seg") is not None and window.layer("preview") is None
    QTest.keyClick(window.part("model"), Qt.Key.Key_Z, CONTROL)
    assert window.layer("preview") is not None


@pytest.mark.parametrize("points", [9, 16])
def test_accept_and_export_never_leave_the_screen(open_window: Any, points: int) -> None:
    from napari_scd.viewer.logic.status import error

    window = open_window(**scan())
    window.use("aa-whole")
    window.viewer.window.resize(1280, 720)
    font = window.widget.font()
    font.setPointSize(points)
    window.widget.setFont(font)
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    window.qtbot.wait(100)
    places = {}
    for sentence in ("Short.", "A very long sentence. " * 20):
        window.control.say(error(sentence))
        window.qtbot.wait(50)
        status = window.part("status")
        assert status.toolTip() == sentence.strip() or status.toolTip() == sentence
        for name in ("accept", "discard", "export"):
            button = window.part(name)
            corner = button.mapTo(window.main, button.rect().bottomRight())
            assert button.isVisible() and 0 < corner.y() <= window.main.height()
            assert corner == places.setdefault(name, corner), "nothing jumps under the mouse"
            assert button.width() >= button.fontMetrics().horizontalAdvance(button.text())
    window.shoot(f"footer-{points}")


def test_a_structure_shown_alone_stays_so_after_a_stroke(open_window: Any) -> None:
    window = open_window(**scan())
    window.use("aa-whole")
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    legend = window.part("legend")
    legend.itemDoubleClicked.emit(legend.topLevelItem(0), 0)
    preview = window.layer("preview")
    assert preview.show_selected_label and legend.topLevelItem(0).font(0).bold()
    preview.data_setitem(tuple(np.array([0]) for _ in range(3)), 1)
    window.control.edits.look()
    assert preview.show_selected_label and legend.topLevelItem(0).font(0).bold()
    legend.itemDoubleClicked.emit(legend.topLevelItem(0), 0)
    assert not preview.show_selected_label and not legend.topLevelItem(0).font(0).bold()


def test_preferences_count_without_a_restart(open_window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_scd.viewer.dock.preferences import Preferences

    window = open_window(**scan())
    window.use("aa-whole")
    window.widget._apply_preferences(Preferences(device="cpu", keep=0.35, live_preview=False, autosave=True))
    choices = window.widget.choices
    assert (choices.device, choices.keep, choices.live, choices.autosave) == ("cpu", 0.35, False, True)
    assert window.part("keep").value() == 35 and window.part("device").currentText() == "cpu"
    assert not window.part("live").isChecked() and window.part("autosave").isChecked()


LAB_CONFIG = {
    "roi": [16, 24, 32], "patch_size": 8, "in_channels": 4, "num_classes": 3, "embed_dim": 24, "depth": 2,
    "num_heads": 3, "prune_after_block": [0, 1], "prune_ratio": 0.5, "completion": "FusionNet",
    "completion_dim": 12, "completion_depth": 1, "completion_heads": 2, "decoder": "UNETRx8_decoder",
    "feature_size": 4,
}  # fmt: skip
LAB_RECIPE = {
    "modality": "MR", "axes": "RAS", "normalisation": "zscore-nonzero", "activation": "sigmoid",
    "channels": ["flair", "t1", "t1gd", "t2"], "precedence": [3, 1, 2],
}  # fmt: skip


@pytest.fixture
def lab_model(models: Path) -> Iterator[Path]:
    """A random checkpoint as the reference saves it, converted into the folder of models."""
    import torch

    from napari_scd.checkpoints.foreign import reference_name
    from napari_scd.checkpoints.foreign_config import reference_config
    from napari_scd.cli.run.convert import ConvertOrder, convert_checkpoint
    from napari_scd.model import build_network
    from napari_scd.model.embedding import sincos_positions

    torch.manual_seed(0)
    config = reference_config(LAB_CONFIG)
    network = build_network(config)
    for name, weight in network.named_parameters():
        if "norm" not in name and weight.ndim > 1:
            torch.nn.init.normal_(weight, std=max(weight.shape[1], 4) ** -0.5)
    state = {reference_name(name): value for name, value in network.state_dict().items()}
    state["encoder.policy"] = torch.ones(1, 1 + config.n_tokens)
    state["completion_net.completion.pos_embed"] = sincos_positions(config.grid, 12)
    source, output = models / "lab.pth.tar", models / "aa-lab.safetensors"
    torch.save({"epoch": 9, "state_dict": state, "metric": np.float64(0.8)}, source)
    written = {"config": LAB_CONFIG, "recipe": LAB_RECIPE, "labels": ["core", "whole", "enhancing"]}
    for name, values in written.items():
        (models / f"{name}.json").write_text(json.dumps(values))
    convert_checkpoint(ConvertOrder(source, output, *(models / f"{name}.json" for name in written)))
    yield output
    output.unlink()


def test_a_labs_checkpoint_segments_four_layers(open_window: Any, lab_model: Path) -> None:
    from napari_scd.checkpoints import load
    from napari_scd.engine import Request, Session
    from napari_scd.volume import Volume

    window: Window = open_window()
    shape = (32, 24, 16)  # (S, P, L): one window of the network, whose axes run to R, A and S
    scans = np.random.default_rng(0).normal(100, 20, (4, *shape)).astype(np.float32)
    for name, channel in zip(LAB_RECIPE["channels"], scans, strict=True):
        window.viewer.add_image(channel, name=name, scale=(2, 2, 2), units="mm")
    window.use("aa-lab")
    choosers = (window.part(name) for name in ("volume", "volume.1", "volume.2", "volume.3"))
    assert [chooser.currentText() for chooser in choosers] == LAB_RECIPE["channels"]
    window.press("run")
    window.wait(State.DONE)
    session = Session(*load(lab_model))
    session.set_volume(Volume(scans, np.diag([2.0, 2.0, 2.0, 1.0])))
    expected = session.segment(Request()).labels.array
    assert set(np.unique(expected)) >= {1, 2, 3}, "overlapping outputs, the first of the precedence on top"
    assert np.array_equal(window.layer("preview").data, expected)
