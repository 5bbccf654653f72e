"""Where a benchmark runs, and which clock it reads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from napari_scd.engine import Hardware


class Timer(NamedTuple):
    """Hardware and clock.

    Attributes
    ----------
    hardware : Hardware
        Device, precision and windows at a time.
    processor_time : bool
        Measure the seconds that processors spent on this process instead of wall time. On the CPU, with
        one thread, they hardly change when other programs are running.
    """

    hardware: Hardware
    processor_time: bool = False

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        return self.hardware.device

    @property
    def clock(self) -> str:
        """Name of the clock: "wall" or "processor"."""
        return "processor" if self.processor_time else "wall"

    def now(self) -> float:
        """Seconds on the clock, once the device has finished its work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        elif self.device.type == "mps":
            torch.mps.synchronize()
        return time.process_time() if self.processor_time else time.perf_counter()
