from __future__ import annotations

import pytest

from napari_scd.benchmarks.rounds import in_turn, paired_ratio, spread


def test_every_round_runs_each_once_and_the_first_does_not_count() -> None:
    calls: list[str] = []
    told: list[tuple[int, int]] = []

    def subject(name: str):
        return lambda: calls.append(name) or len(calls)

    subjects = {name: subject(name) for name in "abcd"}
    measured = in_turn(subjects, 5, progress=lambda *now: told.append(now))
    rounds = [calls[start : start + 4] for start in range(0, 24, 4)]
    assert [sorted(one) for one in rounds] == [list("abcd")] * 6
    assert len({tuple(one) for one in rounds}) > 1, "the order changes"
    assert min(min(values) for values in measured.values()) == 5, "the first four calls warm up"
    assert told == [(done, 5) for done in range(6)]


def test_warm_subjects_need_no_extra_round() -> None:
    measured = in_turn({"a": lambda: 1.0}, 3, warm=True)
    assert measured == {"a": [1.0, 1.0, 1.0]}


def test_a_machine_that_slows_down_slows_both() -> None:
    """Times grow tenfold from round to round: the ratio within each stays."""
    pace = [10.0**place for place in range(5)]
    assert paired_ratio([3 * one for one in pace], pace) == pytest.approx(3.0)
    assert paired_ratio([2.0, 8.0, 3.0], [1.0, 2.0, 1.0]) == 3.0


def test_spread_is_median_and_distance_of_quartiles() -> None:
    assert spread([4.0, 1.0, 2.0, 3.0, 5.0]) == (3.0, 2.0)
