"""What the dock shows while the user waits: progress, a busy sign, and what was asked for too early."""

from __future__ import annotations

import threading
from typing import Any

import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import Qt  # noqa: E402
from qtpy.QtTest import QTest  # noqa: E402

from napari_scd.viewer.logic import Backend  # noqa: E402
from napari_scd.viewer.state import State  # noqa: E402

from .conftest import LEFT, Window, scan  # noqa: E402

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]


class Held:
    """Holds a method of the backend until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.gate, self.begun, method = threading.Event(), threading.Event(), getattr(Backend, name)

        def hold(*args: Any) -> Any:
            self.begun.set()
            self.gate.wait(60)
            return method(*args)

        monkeypatch.setattr(Backend, name, hold)


def test_progress_counts_once_and_a_run_asked_for_early_is_told(
    open_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    window: Window = open_window(**scan())
    window.use("aa-click")
    window.until(lambda: not window.control.busy)
    loading = Held(monkeypatch, "prepare")
    window.choose("model", "aa-whole")
    window.until(loading.begun.is_set)
    window.key(Qt.Key.Key_G)
    assert window.part("status").text() == "Loading the model, then segmenting the volume."
    window.key(Qt.Key.Key_Q)
    assert not window.part("status").text().startswith("Loading the model, then")
    window.key(Qt.Key.Key_G)
    steps: list[tuple[int, int]] = []
    bar = window.part("progress")
    window.control.state.progress_changed.connect(
        lambda step: None if step is None else steps.append((bar.value(), bar.maximum()))
    )
    told: list[str] = []
    window.control.state.status_changed.connect(lambda status: told.append(status.sentence))
    loading.gate.set()
    window.wait(State.DONE)
    assert {total for _, total in steps} == {8} and steps[-1] == (8, 8)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps), "once from 0 to the end"
    windows = [text for text in told if text.startswith("Window ")]
    assert windows == sorted(windows) and windows[-1].startswith("Window 8 of 8")
    assert not window.part("cancel").isVisible()


def test_slider_and_compare_show_that_they_are_at_work(
    open_window: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    window.key(Qt.Key.Key_G)
    window.wait(State.DONE)
    window.until(lambda: not window.control.busy)
    for name, ask in (("preview", lambda: window.drag("keep", (40, 20))), ("compare", None)):
        with monkeypatch.context() as patch:
            held = Held(patch, name)
            if ask is None:
                window.press("compare")
            else:
                ask()
            window.until(held.begun.is_set)
            window.until(lambda: window.part("progress").isVisible())
            assert window.part("progress").swings and window.part("cancel").isVisible()
            held.gate.set()
            window.until(lambda: not window.control.busy)
            assert not window.part("progress").isVisible()
    assert "agrees" in window.part("status").text() or "nothing to compare" in window.part("status").text()


def test_keys_work_right_after_a_list_was_used(open_window: Any) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    show = window.part("show")
    QTest.mouseClick(show, LEFT)
    window.until(lambda: show.view().isVisible())
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Return):
        QTest.keyClick(show.view(), key)
    window.until(lambda: show.currentText() == "Exit stage" and not show.view().isVisible())
    QTest.keyClick(show, Qt.Key.Key_H)
    assert show.currentText() == "Score", "H is a key of the dock, and does not search the list"
    QTest.keyClick(show, Qt.Key.Key_G)
    window.wait(State.DONE)
    QTest.keyClick(show, Qt.Key.Key_U)
    assert window.layer("seg") is not None and window.layer("preview") is None
