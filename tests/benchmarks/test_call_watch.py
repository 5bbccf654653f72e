"""Seconds of chosen functions, on a clock that counts its own readings."""

from __future__ import annotations

import itertools
import sys

import pytest

from napari_scd.benchmarks.call_watch import CallWatch


@pytest.fixture
def now():
    """Return a clock that is one second later at each look."""
    seconds = itertools.count()
    return lambda: float(next(seconds))


def _inner():
    return "inner"


def _outer():
    return [_inner(), _inner()]


def _steps():
    yield _inner()
    yield 2


def test_time_inside_another_stage_counts_there_only(now):
    with CallWatch({"outer": [_outer], "inner": [_inner]}, now) as watch:
        assert _outer() == ["inner", "inner"]
    assert watch.seconds == {"outer": 5.0 - 2.0, "inner": 2.0}


def test_functions_of_one_stage_add_up(now):
    with CallWatch({"both": [_outer, _inner], "none": []}, now) as watch:
        _outer()
    assert watch.seconds == {"both": 5.0, "none": 0.0}


def test_a_generator_counts_while_it_runs(now):
    with CallWatch({"steps": [_steps]}, now) as watch:
        for _ in _steps():
            now()
    assert watch.seconds == {"steps": 3.0}


def test_an_error_ends_its_stage(now):
    def failing():
        raise ValueError("wrong")

    with CallWatch({"failing": [failing], "inner": [_inner]}, now) as watch:
        with pytest.raises(ValueError, match="wrong"):
            failing()
        _inner()
    assert watch.seconds == {"failing": 1.0, "inner": 1.0}


def test_nothing_is_watched_afterwards(now):
    before = sys.gettrace()
    with CallWatch({"inner": [_inner]}, now) as watch:
        pass
    _inner()
    assert watch.seconds == {"inner": 0.0}
    assert sys.gettrace() is before
