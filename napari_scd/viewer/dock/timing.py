"""How long the dock makes a person wait: operates its own controls in a real window, and takes the time.

Every wait ends when the answer is *painted*: the layers hold it and Qt has nothing more to draw. The process
prints one JSON document, which `napari_scd.benchmarks.latency` reads: no other room may import this one.

Every wait is told on stderr. A kind of wait is measured less often than asked for once it has taken `PART_S`,
so that slow machines and large windows end too.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer.dock.elapsed import Elapsed, Ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.viewer.dock.widget import ScdWidget

PATIENCE_S = 600.0
PART_S, WHOLE_S = 8.0, 60.0
MOST_PLACES = 3  # for each click that finds a structure
TOLD = "waited: "  # begins a line of stderr that tells of a wait
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
        elapsed, began = Elapsed(), time.perf_counter()
        self.widget: ScdWidget = ScdWidget(self.viewer)
        self.viewer.window.add_dock_widget(self.widget, name="SCD")
        self._paint()
        self._note("dock opens", elapsed)
        self.control = self.widget.controller
        self._found: list[tuple[int, int, int]] = []
        if model is not None:
            self._choose(model)
        self._opened = began

    def cold(self) -> dict[str, Any]:
        """Click at once; return how long that took, and how long since the dock opened."""
        clicked = time.perf_counter()
        self._click(self._places(1)[0], "cold click")
        self.waits["cold window"] = [clicked - self._opened + self.waits["cold click"][0]]
        self._leave()
        return {"waits_s": self.waits}

    def all(self, rounds: int) -> dict[str, Any]:
        """Measure everything; return waits in seconds by name, and what ran."""
        self._until(lambda: self.control.ready is not None and not self.control.busy)
        self.waits["ready and warmed up"] = [time.perf_counter() - self._opened]
        first, *places = self._places(1 + MOST_PLACES * rounds)
        click_model = not self.control.state.can_segment
        self._click(first, "first window")
        with Ticks() as while_clicking:
            self._click_about(places, rounds)
        engine = [self.control.result.report["seconds"]["total"] if self.control.result is not None else 0.0]
        self.control.discard()
        if not self._found:
            raise InputError("No click found a structure: give a scan that suits the model.")
        self._click(self._found[-1])  # one structure, however many were clicked
        self.waits["token preview"] = [self._estimate(keep) for keep in KEEPS * rounds]
        with Ticks() as while_sliding:
            self._slide_about(rounds, "slider, a clicked structure")
        with Ticks() as while_running:
            if not click_model:
                self._segment()
                self._slide_about(rounds, "slider")
        self._dense(rounds)
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

    def _note(self, name: str, elapsed: Elapsed) -> None:
        """Keep a wait, also in processor time of all threads, and tell it."""
        elapsed.stop()
        assert elapsed.stopped_s is not None
        for title, seconds in zip((name, f"{name}, processor"), elapsed.stopped_s, strict=True):
            self.waits.setdefault(title, []).append(seconds)
        print(f"{TOLD}{name}: {elapsed.stopped_s[0]:.2f} s", file=sys.stderr, flush=True)

    def _click_about(self, places: Sequence[tuple[int, int, int]], rounds: int) -> None:
        """Click until structures were found as often as wanted, or there is no time left."""
        began = time.perf_counter()
        for place in places:
            self._click(place, "click")
            late = time.perf_counter() - began > PART_S
            if len(self.waits.get("click", ())) >= rounds or (late and self._found):
                return

    def _slide_about(self, rounds: int, name: str) -> None:
        """Move the slider as often as wanted, or while there is time left."""
        began = time.perf_counter()
        for number in range(rounds):
            self._slide(KEEPS[number % len(KEEPS)], name)
            if time.perf_counter() - began > PART_S:
                return

    def _click(self, index: tuple[int, int, int], name: str = "") -> None:
        """From a click to the painted mask, or to the sentence that nothing was found.

        A click on what the model does not know, which is answered by the promptable one, is another wait.
        """
        shown = self.control.state.previewed
        if shown is not None and shown.labels[index]:
            self.control.discard()  # it would take the structure away instead
        heard: list[Any] = []
        state, elapsed = self.control.state, Elapsed()
        state.result_changed.connect(heard.append)
        state.mask_drawn.connect(elapsed.stop)  # the dock has painted it by then
        self.control.click(index)
        self._until(lambda: bool(heard))
        self._paint()
        elapsed.stop()
        state.result_changed.disconnect(heard.append)
        state.mask_drawn.disconnect(elapsed.stop)
        found = bool(heard[-1].clicks) and heard[-1].clicks[-1].place == index
        if found:
            self._found.append(index)
        if name:
            self._note(name if found or name != "click" else "click elsewhere", elapsed)

    def _estimate(self, keep: float) -> float:
        """One event of the slider: tokens, counts and costs painted, nothing computed."""
        began = time.perf_counter()
        self.control.slider.set_keep(keep)
        self._paint()
        return time.perf_counter() - began

    def _slide(self, keep: float, name: str) -> None:
        """From the slider's last event to the first painted answer: what is on screen, or the clicks."""
        slider = self.widget.tokens.keep
        target = round(100 * keep) if slider.value() != round(100 * keep) else round(100 * keep) + 1
        heard: list[Any] = []
        self.control.state.result_changed.connect(heard.append)
        elapsed = Elapsed()
        slider.setValue(target)
        self._until(lambda: bool(heard))
        self._paint()
        self._note(name, elapsed)
        self.control.state.result_changed.disconnect(heard.append)
        self._until(lambda: not self.control.busy)  # where the slice on screen comes first, the rest follows

    def _segment(self) -> None:
        """From **Segment volume** until everything is painted; stopped where that takes too long."""
        from napari_scd.viewer.state import State

        self.control.discard()
        elapsed, began = Elapsed(), time.perf_counter()
        self.control.segment()
        ended = (State.DONE, State.ERROR)
        self._until(lambda: self.control.status.state in ended or time.perf_counter() - began > WHOLE_S)
        self._paint()
        if self.control.status.state in ended:
            self._note("whole volume", elapsed)
        else:
            self.control.cancel()
            self._until(lambda: not self.control.busy)

    def _dense(self, rounds: int) -> None:
        """One window with every token, from the image on: what the slider's answer is compared with."""
        from napari_scd.engine import Request, Session
        from napari_scd.viewer.logic import resolve

        view, ready = self.control.view, self.control.ready
        assert view is not None and ready is not None
        session = Session(*ready.checkpoint, cache_bytes=0)
        began = time.perf_counter()
        for number in range(rounds + 1):
            session.set_volume(view.volume())
            request: Request = resolve(self.widget.choices, keep=1.0)
            elapsed = Elapsed()
            session.preview(request, centre_index=self.control.state.centre())
            if number:
                self._note("dense window", elapsed)
            if number and time.perf_counter() - began > PART_S:
                return

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
