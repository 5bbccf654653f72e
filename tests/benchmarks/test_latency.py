from __future__ import annotations

import sys

import pytest

from napari_scd.benchmarks.latency import GOALS, summarise, time_dock
from napari_scd.errors import InputError

MEASURED = {
    "waits_s": {
        "slider": [0.3, 0.5, 0.4],
        "dense window": [1.0, 1.2, 0.9],
        "tick while clicking": [0.005] * 97 + [0.2] * 3,
        "click": [0.8, 0.9],
        "window opens": [2.0],
        "whole volume": [],
    },
    "model": "fake",
}


def test_waits_are_set_beside_their_goals() -> None:
    result = summarise(MEASURED, import_s=[0.1])
    found = {wait.what: wait for wait in result.waits}
    slider = found["keep slider at rest -> visible window painted"]
    assert (slider.n, slider.median_s, slider.met) == (3, 0.4, False)
    assert found["click -> mask painted, warm"].met is False
    ticks = found["window frozen, clicks"]
    assert ticks.share == 0.95 and ticks.met is True and ticks.median_s == 0.005
    assert found["one dense window, without cache"].met is None
    assert found["import napari_scd"].goal == "P10" and len(found) == 5
    assert result.slider_of_dense == pytest.approx(0.2)
    assert result.machine == {"model": "fake"}


DOCK = """
import json, sys
rounds = int(sys.argv[1])
print("a warning of a library", file=sys.stderr)
print("waited: click: 0.40 s", file=sys.stderr)
if rounds == 7:
    sys.exit("no scan there")
cold = {"cold window": [4.0], "cold click": [3.0], "cold click, processor": [2.0]}
waits = {"click": [0.4] * rounds} if rounds else cold
print("x" * 200_000)
print(json.dumps({"waits_s": waits, "model": "fake"}))
"""


def dock(rounds: int) -> list[str]:
    return [sys.executable, "-c", DOCK, str(rounds)]


def test_waits_are_told_while_they_are_measured() -> None:
    told: list[str] = []
    result = time_dock(dock, rounds=2, tell=told.append)
    assert told == ["click: 0.40 s"] * 3, "of the dock that is warm and of two cold ones"
    found = {wait.what: wait.n for wait in result.waits}
    assert found["click -> mask painted, warm"] == 2 and found["the same from the click on"] == 2


def test_slow_cold_starts_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_scd.benchmarks.latency.COLD_S", 0.0)
    waits = {wait.what: wait.n for wait in time_dock(dock, rounds=2).waits}
    assert waits["the same from the click on"] == 1


def test_a_dock_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="The dock could not be timed: no scan there"):
        time_dock(dock, rounds=7)
    monkeypatch.setattr("napari_scd.benchmarks.latency.TIMEOUT_S", 0.5)
    endless = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(InputError, match="did not finish"):
        time_dock(lambda rounds: endless, rounds=1)


def test_every_goal_has_a_number_or_none() -> None:
    for goal, what, goal_s, share in GOALS.values():
        assert what and bool(goal) == (goal_s is not None) and share in (0.5, 0.95)
