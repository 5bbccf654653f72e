"""Estimates of a run over the volume: right at an even pace, and put right while the run goes on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from napari_scd.engine import Progress
from napari_scd.viewer.logic.run_clock import BesideWindows, RunClock

N_WINDOWS, ON_SCREEN = 40, 12


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def drive(clock: RunClock, time: Time, window_s: float, beside_s: float) -> list[tuple[float, Progress]]:
    """Run like the dock: a window ahead, the slice on screen, everything; return (moment, progress)."""
    said: list[tuple[float, Progress]] = []

    def windows(n: int, n_known: int, *, last: bool) -> None:
        for done in range(n + 1):
            known = min(done, n_known)
            if done:
                time.now += (window_s if done > n_known else 0.0) + (beside_s / 2 / n if last else 0.0)
            said.append((time.now, clock.told(Progress.of(done, n, 0.0, known), last=last)))

    time.now += 0.3 * window_s
    clock.skip(1)
    windows(ON_SCREEN, 1, last=False)
    clock.next_pass()
    windows(N_WINDOWS, ON_SCREEN, last=True)
    time.now += beside_s / 2
    return said


@pytest.mark.parametrize("expected_s", [None, 0.2, 0.5, 2.0])
@pytest.mark.parametrize("beside_s", [0.0, 6.0])
def test_an_even_pace_is_estimated_whatever_was_expected(expected_s: float | None, beside_s: float) -> None:
    time = Time()
    beside_as_expected = beside_s / 0.5 * (expected_s or 0.0)
    clock = RunClock(N_WINDOWS, expected_s, beside_as_expected, time)
    said = drive(clock, time, 0.5, beside_s)
    done = [progress.done for _, progress in said]
    assert done == sorted(done) and done[0] == 1 and done[-1] == N_WINDOWS
    assert {progress.total for _, progress in said} == {N_WINDOWS}
    if expected_s is None and beside_s:
        return  # nothing ran before, so what comes beside the windows is not known
    for moment, progress in said[9:]:
        left = time.now - moment
        assert progress.seconds_left is not None
        assert abs(progress.seconds_left - left) < max(0.35 * left, 1.5), progress


def test_windows_that_an_earlier_run_has_computed_cost_nothing() -> None:
    time = Time()
    clock = RunClock(N_WINDOWS, 0.5, 0.0, time)
    clock.skip(1)
    first = clock.told(Progress.of(ON_SCREEN, ON_SCREEN, 0.0, ON_SCREEN), last=False)
    assert first.done == ON_SCREEN and first.seconds_left == pytest.approx(0.5 * (N_WINDOWS - ON_SCREEN))
    clock.next_pass()
    assert clock.told(Progress.of(5, N_WINDOWS, 0.0, 5), last=True).done == ON_SCREEN
    time.now += 4.0
    later = clock.told(Progress.of(ON_SCREEN + 8, N_WINDOWS, 0.0, ON_SCREEN), last=True)
    assert later.done == 20 and later.seconds_left == pytest.approx(10.0), "half a second each"


def test_nothing_is_said_before_anything_is_known() -> None:
    clock = RunClock(4, None, 0.0, Time())
    assert clock.told(Progress.of(0, 4, 0.0), last=True).message == "window 0 of 4"


def test_what_comes_beside_windows_grows_with_the_voxels() -> None:
    beside, plan = BesideWindows(), SimpleNamespace(grid_shape=(40, 50, 60), seconds=8.0)
    whole: Any = plan
    assert beside.whole_run_s("m", whole) == 8.0
    seconds = SimpleNamespace(other=0.5)
    answer: Any = SimpleNamespace(complete=True, report=SimpleNamespace(model="m", seconds=seconds))
    beside.learn(answer, (20, 25, 30))
    assert beside.whole_run_s("m", whole) == pytest.approx(12.0) and beside.of("another", whole) == 0
    beside.learn(SimpleNamespace(**vars(answer) | {"complete": False}), (1, 1, 1))  # type: ignore[arg-type]
    assert beside.of("m", whole) == pytest.approx(4.0), "a run that was stopped says nothing"
