"""What takes the time of the dock: of one wait, and of the window while it stands still."""

from __future__ import annotations

import time

TICK_MS = 5


class Elapsed:
    """Seconds since it was made, of wall time and of processors, until it is stopped for the first time."""

    def __init__(self) -> None:
        self._began = (time.perf_counter(), time.process_time())
        self.stopped_s: tuple[float, float] | None = None

    def stop(self) -> None:
        """Stop, unless it was stopped before."""
        if self.stopped_s is None:
            wall, processor = self._began
            self.stopped_s = (time.perf_counter() - wall, time.process_time() - processor)


class Ticks:
    """Gaps between ticks of a timer in the GUI thread: how long the window froze each time."""

    def __init__(self) -> None:
        from qtpy.QtCore import QTimer

        self.gaps_s: list[float] = []
        self._last = 0.0
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)

    def __enter__(self) -> Ticks:
        """Start counting."""
        self._last = time.perf_counter()
        self._timer.start(TICK_MS)
        return self

    def __exit__(self, *problem: object) -> None:
        """Stop counting."""
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.gaps_s.append(now - self._last)
        self._last = now
