"""Open the dock, segment, drag, click, accept and close it, 500 times in one napari: what is left behind?

    xvfb-run -a -s "-screen 0 1600x1000x24" nice -n 10 python -m tests.robustness.long_window --rounds 500

Counts of threads, layers, callbacks and Qt widgets must be those after round 1; memory may grow by 0.1 MiB
a round at most after 100 rounds. pytest does not collect this file; `test_windows.py` makes a few rounds.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from napari_scd.viewer.state import State

from .long_session import Footprint, growth_mib
from .tiny import save_tiny

if TYPE_CHECKING:
    from collections.abc import Callable

WARM_UP = 100
MOST_GROWTH_MIB = 0.1
KEEPS = (20, 60, 35)


class Counts(NamedTuple):
    """What must be the same after every round."""

    threads: int
    layers: int
    callbacks: int
    widgets: int
    docks: int


class Rounds:
    """A viewer with one image, in which the dock comes and goes.

    Parameters
    ----------
    viewer
        A napari viewer with a window.
    process_events
        Lets Qt work.
    """

    def __init__(self, viewer: Any, process_events: Callable[[], object]) -> None:
        self.viewer = viewer
        self.process_events = process_events
        grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (18, 20, 22)), indexing="ij"))
        ball = (np.linalg.norm(grid, axis=0) < 0.6) * 100.0
        noise = np.random.default_rng(0).normal(0, 5, ball.shape)
        self.image = viewer.add_image(
            (ball + noise).astype(np.float32), name="scan", scale=(2, 2, 2), units="mm"
        )

    def one(self) -> None:
        """Open, segment, move the slider, click, accept, take back, discard, close."""
        from qtpy.QtCore import QCoreApplication, QEvent

        self._use_dock()
        for layer in [layer for layer in self.viewer.layers if layer.name != "scan"]:
            self.viewer.layers.remove(layer)
        for _ in range(5):
            self.process_events()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # no event loop runs that would
        gc.collect()

    def _use_dock(self) -> None:
        dock, widget = self.viewer.window.add_plugin_dock_widget("napari-scd", "SCD")
        widget, dock = getattr(widget, "__wrapped__", widget), getattr(dock, "__wrapped__", dock)
        control, queue = widget.controller, widget.controller.state.jobs
        self.until(lambda: control.status.state is State.READY, control)
        control.segment()
        self.until(lambda: control.status.state is State.DONE, control)
        for keep in KEEPS:
            widget.tokens.keep_moved.emit(keep / 100)
            self.process_events()
        last = f"{KEEPS[-1] / 100:.2f}"
        self.until(lambda: queue.running is None and last in control.status.sentence, control)
        widget.run.click.setChecked(True)
        control.click((9, 10, 11))
        said = ("Nothing", "Removed")  # a click on what is on screen removes it
        self.until(
            lambda: (
                queue.running is None
                and (control.result.clicks != [] or control.status.sentence.startswith(said))
            ),
            control,
        )
        widget.run.click.setChecked(False)
        if control.status.sentence.startswith("Removed"):
            control.undo()
        control.accept()
        control.undo()
        control.discard()
        dock.destroyOnClose()
        self.until(lambda: queue.running is None and widget.gone, control)

    def until(self, condition: Callable[[], bool], control: Any, timeout_s: float = 120.0) -> None:
        """Let Qt work until something holds."""
        end = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"still waiting, the dock says: {control.status}")
            self.process_events()
            time.sleep(0.002)

    def counts(self) -> Counts:
        """Count what a forgotten dock would leave."""
        from qtpy.QtWidgets import QApplication

        from napari_scd.viewer.dock.widget import ScdWidget

        viewer = self.viewer
        emitters = [*vars_of(viewer.layers.events), *vars_of(viewer.dims.events), *vars_of(self.image.events)]
        emitters += [*vars_of(viewer.cursor.events), *vars_of(viewer.scene.camera.events)]
        lists = (
            viewer.mouse_drag_callbacks,
            viewer.mouse_move_callbacks,
            viewer.mouse_wheel_callbacks,
            viewer.keymap,
        )
        return Counts(
            threading.active_count(),
            len(viewer.layers),
            sum(map(n_alive, emitters)) + sum(map(len, lists)),
            len(QApplication.allWidgets()),
            sum(type(thing) is ScdWidget for thing in gc.get_objects()),
        )


def n_alive(emitter: Any) -> int:
    """Count callbacks whose owner lives; napari drops the others at the next event."""
    owners = (callback[0] if isinstance(callback, tuple) else None for callback in emitter.callbacks)
    return sum(owner is None or owner() is not None for owner in owners)


def vars_of(events: Any) -> list[Any]:
    """Every emitter of a group."""
    return [events[name] for name in events.emitters]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    order = parser.parse_args()
    torch.set_num_threads(1)
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")  # napari's helper would set torch's threads anew
    with tempfile.TemporaryDirectory() as folder:
        save_tiny(Path(folder) / "aa-tiny.safetensors", spacing_mm=2.0, answer=1)
        os.environ["NAPARI_SCD_MODELS"] = folder
        import napari
        from qtpy.QtWidgets import QApplication

        from napari_scd.checkpoints import zoo

        zoo.WEIGHTS = Path(folder) / "none"  # the tiny model alone is on offer
        viewer = napari.Viewer(show=True)
        rounds = Rounds(viewer, QApplication.processEvents)
        began = time.monotonic()
        numbers: list[int] = []
        memory: list[float] = []
        first = None
        for number in range(1, order.rounds + 1):
            rounds.one()
            counts = rounds.counts()
            first = first or counts
            if counts != first:
                print(f"round {number}: {counts} instead of {first}", flush=True)
            if number > min(WARM_UP, order.rounds // 5):
                numbers.append(number)
                memory.append(Footprint.now().memory_mib)
            if number % 20 == 0:
                print(f"round {number}: {Footprint.now()} {counts}", flush=True)
        growth = growth_mib(numbers, memory)
        viewer.close()
    print(
        f"{order.rounds} rounds in {(time.monotonic() - began) / 60:.1f} minutes: {growth:.4f} MiB a round "
        f"after {numbers[0] - 1}, {memory[0]:.0f} -> {memory[-1]:.0f} MiB; {first} -> {counts}"
    )
    sys.exit(growth > MOST_GROWTH_MIB or counts != first)


if __name__ == "__main__":
    main()
