"""Time of a run: over all starts, per step, since the last checkpoint."""

from __future__ import annotations

import math
import time


class Clock:
    """Stop watch of one start.

    Parameters
    ----------
    before_s : float
        What earlier starts of the run took.
    max_minutes : float or None
        Limit of this start.
    """

    def __init__(self, before_s: float, max_minutes: float | None) -> None:
        self._began = self._saved = self._from = time.monotonic()
        self._before = before_s
        self._limit = math.inf if max_minutes is None else 60 * max_minutes
        self._steps = 0

    def total(self) -> float:
        """Seconds of the run so far."""
        return self._before + time.monotonic() - self._began

    def is_up(self) -> bool:
        """Whether this start has used its time."""
        return time.monotonic() - self._began >= self._limit

    def step_done(self) -> None:
        """Count a step."""
        self._steps += 1

    def seconds_per_step(self) -> float:
        """Mean since the last call, without pauses."""
        now = time.monotonic()
        mean = (now - self._from) / max(self._steps, 1)
        self._from, self._steps = now, 0
        return mean

    def leave_out(self, seconds: float) -> None:
        """Leave time that was not a step, such as a validation, out of the mean."""
        self._from += seconds

    def saved(self) -> None:
        """Note a checkpoint."""
        self._saved = time.monotonic()

    def since_save(self) -> float:
        """Seconds since the last checkpoint of this start."""
        return time.monotonic() - self._saved
