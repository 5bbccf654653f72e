"""How long the dock makes a person wait: operates its own controls in a real window, and takes the time.

Every wait ends when the answer is *painted*: the layers hold it and Qt has nothing more to draw. The process
prints one JSON document, which `napari_scd.benchmarks.latency` reads: no other room may import this one.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.viewer.dock.widget import ScdWidget

TICK_MS = 5
PATIENCE_S = 600.0
KEEPS = (0.5, 0.35, 0.25, 0.6)


def time_dock(files: Sequence[str], model: str | None, rounds: int) -> int:
    """Open a window, drive the dock, print what it took as JSON, and return an exit code.

    Parameters
    ----------
    files
        The scan; none = the ICBM152 sample.
    model
        Name or file of the model; None = the one the dock suggests.
    rounds
        How often each wait is measured; 0 = only the first click, made as soon as the dock is open, before
        anything was loaded ahead.
    """
    try:
        drive = _Drive(files, model)
        waits = drive.all(rounds) if rounds else drive.cold()
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(json.dumps(waits))
    return 0


class Ticks:
    """Gaps between ticks of a timer in the GUI thread: how long the window froze each time."""

    def __init__(self) -> None:
        from qtpy.QtCore import QTimer

        self.gaps_s: list[float] = []
        self._last = 0.0
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Ticks:
        """Start counting."""
        self._last = time.perf_counter()
        self._timer.start(TICK_MS)
        return self

    def __exit__(self, *problem: object) -> None:
        """Stop counting."""
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps_s.append(now - self._last)
        self._last = now


class _Drive:
    """A window with the dock and a scan, and the waits measured in it."""

    def __init__(self, files: Sequence[str], model: str | None) -> None:
        began = time.perf_counter()
        import napari
        from qtpy.QtWidgets import QApplication

        from napari_scd.viewer.dock.widget import ScdWidget
        from napari_scd.viewer.plugin import read_layers, sample_icbm152

        self.viewer = napari.Viewer()
        self.app = QApplication.instance() or QApplication([])
        layers = read_layers(list(files)) if files else sample_icbm152()
        for data, keywords, kind in layers:
            getattr(self.viewer, f"add_{kind}")(data, **keywords)
        self._paint()
        self.waits: dict[str, list[float]] = {"window opens": [time.perf_counter() - began]}
        began = time.perf_counter()
        self.widget: ScdWidget = ScdWidget(self.viewer)
        self.viewer.window.add_dock_widget(self.widget, name="SCD")
        self._paint()
        self.waits["dock opens"] = [time.perf_counter() - began]
        self.control = self.widget.controller
        self._found: list[tuple[int, int, int]] = []
        if model is not None:
            self._choose(model)
        self._opened = began

    def cold(self) -> dict[str, Any]:
        """Click at once; return how long that took, and how long since the dock opened."""
        self._first_click("cold click", self._places(1)[0])
        self.waits["cold window"] = [time.perf_counter() - self._opened]
        self._leave()
        return {"waits_s": self.waits}

    def all(self, rounds: int) -> dict[str, Any]:
        """Measure everything; return waits in seconds by name, and what ran."""
        self._until(lambda: self.control.ready is not None and not self.control.busy)
        self.waits["ready and warmed up"] = [time.perf_counter() - self._opened]
        places = self._places(rounds + 1)
        click_model = not self.control.state.can_segment
        self._first_click("first window", places[0])
        with Ticks() as while_clicking:
            self.waits["click"] = [self._click(place) for place in places[1:]]
        engine = [self.control.result.report["seconds"]["total"] if self.control.result is not None else 0.0]
        self.control.discard()
        if not self._found:
            raise InputError("No click found a structure: give a scan that suits the model.")
        self._click(self._found[-1])  # one structure, however many were clicked
        self.waits["token preview"] = [self._estimate(keep) for keep in KEEPS * rounds]
        with Ticks() as while_sliding:
            self.waits["slider"] = [self._slide(KEEPS[i % len(KEEPS)]) for i in range(rounds)]
        with Ticks() as while_running:
            if not click_model:
                self.waits["whole volume"] = [self._segment()]
                self.waits["slider"] = [self._slide(KEEPS[(i + 1) % len(KEEPS)]) for i in range(rounds)]
        self.waits["dense window"] = self._dense(rounds)
        for name, ticks in (
            ("tick while clicking", while_clicking),
            ("tick while sliding", while_sliding),
            ("tick in a whole-volume run", while_running),
        ):
            if len(ticks.gaps_s) > 1:
                self.waits[name] = ticks.gaps_s
        answer = {"waits_s": self.waits, "engine_click_s": engine, **self._machine()}
        self._leave()
        return answer

    def _choose(self, model: str) -> None:
        """Choose a model of the list as a user does, or add a file to the list."""
        chooser = self.widget.input.model
        chooser.choose(model)
        if chooser.value == model:
            self.widget.input.model_chosen.emit(model)
        else:
            self.widget.add_model_file(_path_of(model))

    def _leave(self) -> None:
        self._until(lambda: not self.control.busy)
        self.widget.tear_down()
        self.viewer.close()

    # -- the waits -------------------------------------------------------------------------------------------

    def _first_click(self, name: str, index: tuple[int, int, int]) -> None:
        """Measure the first click of a process, also in seconds of processor time of all threads."""
        before = time.process_time()
        self.waits[name] = [self._click(index)]
        self.waits[f"{name}, processor"] = [time.process_time() - before]

    def _click(self, index: tuple[int, int, int]) -> float:
        """From a click to the painted mask (or the sentence that nothing was found)."""
        shown = self.control.state.previewed
        if shown is not None and shown.labels[index]:
            self.control.discard()  # it would take the structure away instead
        heard: list[Any] = []
        self.control.state.result_changed.connect(heard.append)
        began = time.perf_counter()
        self.control.click(index)
        self._until(lambda: bool(heard))
        self._paint()
        waited = time.perf_counter() - began
        self.control.state.result_changed.disconnect(heard.append)
        if heard[-1].clicks and heard[-1].clicks[-1].place == index:
            self._found.append(index)
        return waited

    def _estimate(self, keep: float) -> float:
        """One event of the slider: tokens, counts and costs painted, nothing computed."""
        began = time.perf_counter()
        self.control.slider.set_keep(keep)
        self._paint()
        return time.perf_counter() - began

    def _slide(self, keep: float) -> float:
        """From the slider's last event to the first painted answer: what is on screen, or the clicks."""
        slider = self.widget.tokens.keep
        target = round(100 * keep) if slider.value() != round(100 * keep) else round(100 * keep) + 1
        heard: list[Any] = []
        self.control.state.result_changed.connect(heard.append)
        began = time.perf_counter()
        slider.setValue(target)
        self._until(lambda: bool(heard))
        self._paint()
        waited = time.perf_counter() - began
        self.control.state.result_changed.disconnect(heard.append)
        self._until(lambda: not self.control.busy)  # where the slice on screen comes first, the rest follows
        return waited

    def _segment(self) -> float:
        from napari_scd.viewer.state import State

        self.control.discard()
        began = time.perf_counter()
        self.control.segment()
        self._until(lambda: self.control.status.state in (State.DONE, State.ERROR))
        self._paint()
        return time.perf_counter() - began

    def _dense(self, rounds: int) -> list[float]:
        """One window with every token, from the image on: what the slider's answer is compared with."""
        from napari_scd.engine import Request, Session
        from napari_scd.viewer.logic import resolve

        view, ready = self.control.view, self.control.ready
        assert view is not None and ready is not None
        session = Session(*ready.checkpoint, cache_bytes=0)
        times = []
        for number in range(rounds + 1):
            session.set_volume(view.volume())
            request: Request = resolve(self.widget.choices, keep=1.0)
            began = time.perf_counter()
            session.preview(request, centre_index=self.control.state.centre())
            if number:
                times.append(time.perf_counter() - began)
        return times

    # -- waiting ---------------------------------------------------------------------------------------------

    def _places(self, count: int) -> list[tuple[int, int, int]]:
        """Voxels spread over the middle of the scan, so that every click needs a window of its own."""
        view = self.control.view
        assert view is not None
        random = np.random.default_rng(0)
        shape = np.asarray(view.shape)
        chosen = (shape * random.uniform(0.35, 0.65, (count, 3))).astype(int)
        return [tuple(place) for place in chosen.tolist()]

    def _until(self, condition: Callable[[], bool]) -> None:
        began = time.perf_counter()
        while True:
            self.app.processEvents()
            if condition():
                return
            waited = time.perf_counter() - began
            if waited > PATIENCE_S:
                raise InputError(f"The dock did not answer within {PATIENCE_S:.0f} s.")
            time.sleep(0.001 + min(waited / 200, 0.02))  # looking takes processor time too

    def _paint(self) -> None:
        for _ in range(2):
            self.app.processEvents()

    def _machine(self) -> dict[str, Any]:
        import torch

        assert self.control.ready is not None
        plan = self.control.ready.plan
        return {
            "model": self.control.ready.checkpoint.provenance.name,
            "shape": list(self.control.view.shape) if self.control.view is not None else [],
            "device": plan.device,
            "precision": plan.precision,
            "threads": ThreadPoolExecutor(1).submit(torch.get_num_threads).result(),  # as the worker has them
            "torch": str(torch.__version__),
        }


def _path_of(model: str) -> str:
    from napari_scd.checkpoints import describe

    return str(describe(model).path)
