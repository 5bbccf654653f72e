"""Signals that ask a run for a checkpoint."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from napari_scd.training.run.stopping import StopSignal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals differ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_is_remembered(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with StopSignal() as stop:
        assert not stop.received
        os.kill(os.getpid(), number)
        assert (stop.received, stop.number) == (True, number)
        assert signal.getsignal(number) == before  # a second one ends the run at once
    assert signal.getsignal(number) == before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignal() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.received
    finally:
        signal.signal(signal.SIGHUP, before)
