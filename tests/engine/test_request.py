"""Requests: ranges, per-stage ratios, hashing; cancel and progress."""

from __future__ import annotations

import pytest

from napari_scd.engine import CancelToken, Progress, Request
from napari_scd.errors import InputError


@pytest.mark.parametrize("keep", [0.04, 1.01, 0, -1, float("nan"), "0.5", True, (0.5, 0.01), (0.5, "x")])
def test_keep_out_of_range_is_refused_in_one_sentence(keep) -> None:
    with pytest.raises(InputError, match="a number from 0.05 to 1"):
        Request(keep=keep)


@pytest.mark.parametrize(
    "values",
    [
        {"device": "tpu"},
        {"precision": "int8"},
        {"blending": "max"},
        {"stride": 0},
        {"stride": 1.5},
        {"batch": -1},
        {"batch": True},
    ],
)
def test_other_values_out_of_range(values) -> None:
    with pytest.raises(InputError, match=next(iter(values))):
        Request(**values)


def test_requests_can_be_keys() -> None:
    assert {Request(keep=0.5): 1}[Request(keep=0.5)] == 1
    assert Request(keep=0.5) != Request(keep=0.25)


def test_cancel_token() -> None:
    token = CancelToken()
    assert not token.cancelled
    token.cancel()
    assert token.cancelled


def test_progress_says_how_long() -> None:
    assert Progress.of(0, 4, 0.0) == (0, 4, None, "window 0 of 4", 0)
    assert Progress.of(1, 4, 2.0, 1) == (1, 4, 6.0, "window 1 of 4, 6 s left", 1)
    assert Progress.of(4, 4, 8.0).seconds_left == 0
