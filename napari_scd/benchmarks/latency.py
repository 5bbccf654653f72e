"""How long the dock makes a person wait, measured in a real window of another process.

This room knows no window system. The dock times itself in a process of its own, through the controller and
the session that a user's clicks go through, and prints one JSON document.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TIMEOUT_S = 1800
COLD_S = 20.0  # no further cold start after this time
TOLD = "waited: "  # as the dock begins a line that tells of a wait
REST_S = 0.2  # the slider waits this long for another event before it answers

# by the name the dock gives a wait: number of the goal, what it is, goal in seconds, share that must keep it
GOALS: dict[str, tuple[str, str, float | None, float]] = {
    "slider": ("P5", "keep slider at rest -> visible window painted", 0.3, 0.5),
    "slider, processor": ("", "the same in processor time of all threads", None, 0.5),
    "slider, a clicked structure": ("P5", "keep slider at rest -> clicked structure painted", 0.3, 0.5),
    "slider, a clicked structure, processor": ("", "the same in processor time of all threads", None, 0.5),
    "token preview": ("P6", "slider event -> tokens, counts, costs painted", 0.016, 0.5),
    "tick in a whole-volume run": ("P6", "window frozen, whole-volume run", 0.020, 0.95),
    "tick while clicking": ("P6", "window frozen, clicks", 0.020, 0.95),
    "tick while sliding": ("P6", "window frozen, slider", 0.020, 0.95),
    "click": ("P7", "click -> mask painted, warm", 0.3, 0.5),
    "click, processor": ("", "the same in processor time of all threads", None, 0.5),
    "click elsewhere": ("P7", "click where `any` stands in -> mask painted, warm", 0.3, 0.5),
    "click elsewhere, processor": ("", "the same in processor time of all threads", None, 0.5),
    "import": ("P10", "import napari_scd", 0.1, 0.5),
    "dock opens": ("P10", "dock opens", 0.3, 0.5),
    "dock opens, processor": ("", "the same in processor time of all threads", None, 0.5),
    "first window": ("P10", "first click after the background preload", 0.5, 0.5),
    "first window, processor": ("", "the same in processor time of all threads", None, 0.5),
    "ready and warmed up": ("", "background preload and first plan", None, 0.5),
    "cold window": ("P10", "dock opened -> mask of a click at once, nothing preloaded", 3.0, 0.5),
    "cold click": ("", "the same from the click on", None, 0.5),
    "cold click, processor": ("P10", "the same in processor time of all threads", 3.0, 0.5),
    "dense window": ("", "one dense window, without cache", None, 0.5),
    "whole volume": ("", "Segment volume -> painted", None, 0.5),
}


class Wait(NamedTuple):
    """One kind of wait.

    Attributes
    ----------
    goal : str
        Number of the goal, such as "P7"; empty when there is none.
    what : str
    n : int
        How often it was measured.
    median_s, p95_s : float
    goal_s : float or None
        What the wait should stay below.
    share : float
        Share of the waits that should: 0.5 = the median, 0.95 = the 95th percentile.
    """

    goal: str
    what: str
    n: int
    median_s: float
    p95_s: float
    goal_s: float | None
    share: float

    @property
    def met(self) -> bool | None:
        """Whether the goal was met; None when there is none."""
        if self.goal_s is None:
            return None
        return (self.median_s if self.share == 0.5 else self.p95_s) <= self.goal_s


class LatencyBenchmark(NamedTuple):
    """All waits on one machine, and what ran."""

    waits: tuple[Wait, ...]
    slider_of_dense: float | None  # the slider's answer, without its rest, as a share of a dense window pass
    machine: dict[str, Any]
    notes: tuple[str, ...] = ()  # why something was not measured


def _ignore(_wait: str) -> None:
    """Hear nothing."""


def time_dock(
    command: Callable[[int], Sequence[str]], *, rounds: int, tell: Callable[[str], None] = _ignore
) -> LatencyBenchmark:
    """Let the dock time itself in a window of its own.

    Parameters
    ----------
    command : callable
        Number of rounds -> the words that start a dock which times itself; 0 rounds = one click before
        anything else.
    rounds : int
        How often each wait is measured at most: less often where it takes long.
    tell : callable, optional
        Hears of every wait, such as "click: 0.31 s".

    Raises
    ------
    InputError
        If no window can be opened here, or the scan or model cannot be used.
    """
    measured = _answer_of(command(rounds), tell)
    cold: list[dict[str, list[float]]] = []
    began = time.perf_counter()
    while len(cold) < min(rounds, 3) and (not cold or time.perf_counter() - began < COLD_S):
        cold.append(_answer_of(command(0), tell)["waits_s"])
    for name in (name for name in GOALS if name.startswith("cold")):
        measured["waits_s"][name] = [wait for waits in cold for wait in waits[name]]
    return summarise(measured, import_s=_time_imports(rounds))


def summarise(measured: dict[str, Any], *, import_s: Sequence[float] = ()) -> LatencyBenchmark:
    """Put the dock's measurements into a table, goals first.

    Parameters
    ----------
    measured
        The dock's JSON: ``waits_s`` by name, and what ran.
    import_s
        Seconds that ``import napari_scd`` took, in processes of their own.
    """
    times = {**measured["waits_s"], **({"import": list(import_s)} if len(import_s) else {})}
    waits = tuple(_wait(name, times[name]) for name in GOALS if times.get(name))
    dense, slider = times.get("dense window"), times.get("slider")
    share = float((np.median(slider) - REST_S) / np.median(dense)) if dense and slider else None
    machine = {key: value for key, value in measured.items() if key != "waits_s"}
    return LatencyBenchmark(waits, share, machine)


def _answer_of(command: Sequence[str], tell: Callable[[str], None]) -> dict[str, Any]:
    """Run a dock that times itself; pass on what it tells meanwhile, and read what it prints last."""
    with TemporaryFile("w+") as printed:  # a pipe would fill up, and nobody reads it meanwhile
        dock = subprocess.Popen(command, stdout=printed, stderr=subprocess.PIPE, text=True)
        patience = threading.Timer(TIMEOUT_S, dock.kill)
        patience.start()
        said = "it printed nothing"
        assert dock.stderr is not None
        with dock.stderr as lines:
            for line in lines:
                if line.startswith(TOLD):
                    tell(line.removeprefix(TOLD).strip())
                else:
                    said = line.strip() or said
        code = dock.wait()
        late = not patience.is_alive()
        patience.cancel()
        printed.seek(0)
        answer = printed.read().strip().splitlines()
    if late:
        raise InputError(f"The dock did not finish within {TIMEOUT_S // 60} minutes.")
    if code or not answer:
        raise InputError(f"The dock could not be timed: {said}")
    return dict(json.loads(answer[-1]))


def _wait(name: str, times_s: Sequence[float]) -> Wait:
    goal, what, goal_s, share = GOALS[name]
    median, p95 = np.percentile(times_s, (50, 95)).tolist()
    return Wait(goal, what, len(times_s), median, p95, goal_s, share)


def _time_imports(rounds: int) -> list[float]:
    code = "import time; t = time.perf_counter(); import napari_scd; print(time.perf_counter() - t)"
    return [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(min(rounds, 5))
    ]
