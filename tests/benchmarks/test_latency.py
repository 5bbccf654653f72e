from __future__ import annotations

import pytest

from napari_scd.benchmarks.latency import GOALS, summarise

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


def test_every_goal_has_a_number_or_none() -> None:
    for goal, what, goal_s, share in GOALS.values():
        assert what and bool(goal) == (goal_s is not None) and share in (0.5, 0.95)
