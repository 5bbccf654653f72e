"""The dock among other things: fast hands, images that change or go, windows that close, little memory."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtWidgets import QWidget  # noqa: E402

from napari_scd.errors import OutOfMemory  # noqa: E402
from napari_scd.viewer.state import State  # noqa: E402

from .conftest import Window, scan  # noqa: E402

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]


def test_a_hundred_quick_drags_leave_one_result_and_nothing_else(open_window: Any) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.press("run")
    window.wait(State.DONE)
    layers, threads = len(window.viewer.layers), threading.active_count()
    widgets = len(window.widget.findChildren(QWidget))
    session = window.control.backend._main._session
    random = np.random.default_rng(0)
    for values in random.integers(10, 95, (20, 5)):
        window.drag("keep", values)
    window.wait(State.STALE)
    window.until(lambda: not window.control.busy and not window.control.state.jobs._queue)
    keep = window.part("keep").value() / 100
    assert window.part("status").text().startswith(f"Keep {keep:.2f} in the visible window only")
    gc.collect()
    assert len(window.viewer.layers) == layers and len(window.widget.findChildren(QWidget)) == widgets
    assert threading.active_count() <= threads + 1
    counts = session._memory.prefixes.counts
    assert counts.n_bytes <= session._memory.prefixes.max_bytes and counts.hits > 0
    assert {"hits", "misses", "evictions", "n_bytes"} == set(window.control.result.report["cache"])


def test_a_removed_layer_leaves_nothing_in_opengl(open_window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """napari deletes its programs and textures with no context current, which deletes nothing."""
    from qtpy.QtCore import Qt
    from qtpy.QtGui import QOpenGLContext
    from vispy.gloo import glir

    deleted: list[bool] = []
    for kind in (glir.GlirProgram, glir.GlirTexture2D):
        delete = kind.delete

        def note(self: Any, delete: Any = delete) -> None:
            deleted.append(QOpenGLContext.currentContext() is not None)
            delete(self)

        monkeypatch.setattr(kind, "delete", note)
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.press("run")
    window.wait(State.DONE)
    window.key(Qt.Key.Key_H)  # tokens on screen too
    window.qtbot.wait(200)
    window.control.discard()
    window.viewer.add_image(np.zeros((4, 5, 6)), name="another")
    window.qtbot.wait(50)
    window.viewer.layers.remove("another")
    assert len(deleted) > 4 and all(deleted)
    assert QOpenGLContext.currentContext() is None


def test_an_image_renamed_and_replaced_while_it_runs(open_window: Any) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.press("run")
    window.viewer.layers["scan"].name = "another name " * 8
    window.wait(State.DONE)
    assert window.part("volume").currentText().startswith("another name")
    window.press("run")
    window.viewer.layers[0].data = scan((36, 40, 44))["data"]
    window.until(lambda: window.control.status.state in (State.STALE, State.READY))
    window.until(lambda: not window.control.busy)
    assert window.control.view.shape == (36, 40, 44)
    window.press("run")
    window.wait(State.DONE)
    assert window.layer("preview").data.shape == (36, 40, 44)


@pytest.mark.parametrize("script", ["removing_layers.py", "closing_one_of_two.py"])
def test_what_is_removed_or_closed_does_not_take_the_process_with_it(script: str) -> None:
    script = str(Path(__file__).with_name(script))
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=200, check=False)
    assert run.returncode == 0 and run.stdout.endswith("all drawn\n"), run.stderr[-2000:]


def test_napari_may_be_closed_while_it_runs(open_window: Any) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.press("run")
    queue = window.control.state.jobs
    window.viewer.close()
    window.until(lambda: queue.running is None)
    assert window.widget.gone


@pytest.mark.parametrize(
    ("problem", "button"),
    [
        (MemoryError(), "Run one window at a time"),
        (OutOfMemory("cpu"), "Run one window at a time"),
    ],
)
def test_too_little_memory_is_said_and_the_button_helps(
    open_window: Any, monkeypatch: pytest.MonkeyPatch, problem: Exception, button: str
) -> None:
    from napari_scd.engine import Session

    window: Window = open_window(**scan())
    window.use("aa-whole")

    def fail(*args: Any, **options: Any) -> None:
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr(Session, "segment", fail)
        window.press("run")
        window.until(lambda: window.control.status.state is State.ERROR)
    assert window.part("status").text() == (
        "Not enough memory for this run. Nothing was lost; run one window at a time."
    )
    assert window.part("remedy").text() == button
    window.press("remedy")
    window.wait(State.DONE)
    assert window.widget.choices.batch == 1


def test_preferences_are_heard_by_an_open_dock(open_window: Any) -> None:
    from napari.settings import get_plugin_settings

    window: Window = open_window(**scan())
    window.use("aa-whole")
    section = get_plugin_settings("napari-scd").segmentation
    before = {name: getattr(section, name) for name in ("keep", "autosave", "live_preview")}
    try:
        section.keep, section.autosave, section.live_preview = 0.35, True, False
        assert window.part("keep").value() == 35
        assert window.part("autosave").isChecked() and not window.part("live").isChecked()
        assert window.widget.choices.autosave and not window.widget.choices.live
    finally:
        for name, value in before.items():
            setattr(section, name, value)


def test_a_click_in_a_4d_viewer_is_for_the_frame_on_screen(open_window: Any) -> None:
    one = scan()["data"]
    frames = np.stack([one, one[:, :, ::-1]])
    window: Window = open_window(data=frames, scale=(1, 2, 2, 2), units=("pixel", "mm", "mm", "mm"))
    window.use("aa-click")
    window.viewer.dims.set_point(0, 1)
    window.until(lambda: window.control.view.frame == (1,) and window.control.ready is not None)
    window.press("click")
    window.click((40, 40, 44))
    window.wait(State.PREVIEW)
    tokens = window.layer("tokens")
    assert tokens.ndim == 4 and tokens.data_to_world((0, 0, 0, 0))[0] == 1
