"""How long a run over the volume takes: before it starts, and while its windows finish."""

from __future__ import annotations

import time
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.engine import Plan, Progress, Segmentation

WHILE_BLENDING = 0.5  # share of the work beside the windows that is done while they are blended


class BesideWindows:
    """Seconds that runs spend beside their windows: on blending, labels and the way back to the scan.

    They grow with the voxels of the answer, so one window tells what a whole volume will take.
    """

    def __init__(self) -> None:
        self._per_voxel: dict[str, float] = {}

    def learn(self, segmentation: Segmentation, voxels: Sequence[int]) -> None:
        """Take note of what a run took whose answer has that many voxels along each axis of its grid."""
        report = segmentation.report
        if segmentation.complete:
            self._per_voxel[report.model] = report.seconds.other / max(prod(voxels), 1)

    def of(self, model: str, plan: Plan) -> float:
        """Seconds of a run over the whole volume; 0 while nothing has run."""
        return self._per_voxel.get(model, 0.0) * prod(plan.grid_shape)

    def whole_run_s(self, model: str, plan: Plan) -> float | None:
        """Seconds of a run over the whole volume with its windows; None while nothing has run."""
        return None if plan.seconds is None else plan.seconds + self.of(model, plan)


class RunClock:
    """Counts a run in several passes once from 0 to the end, and estimates what is left.

    Work is counted in windows: each that is computed is one, and what a run does beside them is as many more
    as it is expected to take. The pace is that of the run so far. What was expected of it counts as one
    window, so it hardly matters once a few are done.

    Parameters
    ----------
    n_windows
        Of the whole run.
    window_s
        Seconds that a window is expected to take, None = not known.
    beside_s
        Seconds that everything else is expected to take.
    now
        The clock.

    Examples
    --------
    Of ten windows at an expected second each, two take four seconds:

    >>> from napari_scd.engine import Progress
    >>> clock = RunClock(10, 1.0, 0.0, now=iter([0.0, 4.0]).__next__)
    >>> clock.told(Progress.of(2, 10, 4.0), last=True).seconds_left
    13.333333333333334
    """

    def __init__(
        self,
        n_windows: int,
        window_s: float | None,
        beside_s: float,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._n_windows, self._window_s = n_windows, window_s
        self._beside = beside_s / window_s if window_s else 0.0
        self._now = now
        self._began = now()
        self._n_remembered = self._n_done = 0  # from earlier passes; in all
        self._n_before = self._n_computed = 0  # in earlier passes; in this one too

    def skip(self, n_windows: int) -> None:
        """Count windows that were computed ahead; their time is not that of the windows to come."""
        self._n_done = self._n_remembered = n_windows
        self._began = self._now()

    def next_pass(self) -> None:
        """Count on from what the pass that is over has computed."""
        self._n_remembered, self._n_before = self._n_done, self._n_computed

    def told(self, step: Progress, *, last: bool) -> Progress:
        """Return how far the whole run is.

        Parameters
        ----------
        step
            How far a pass is.
        last
            Whether it is the pass over all windows, which also blends those that were computed before.
        """
        self._n_computed = self._n_before + step.done - step.known
        not_reached = max(self._n_remembered - step.known, 0)
        self._n_done = min(max(self._n_done, step.done + not_reached), self._n_windows)
        blended = self._beside * WHILE_BLENDING * step.done / max(step.total, 1) if last else 0.0
        work, elapsed = self._n_computed + blended, self._now() - self._began
        if self._window_s is not None:
            work, elapsed = work + 1, elapsed + self._window_s
        left = self._n_windows - self._n_done + self._beside - blended
        seconds = left * elapsed / work if work > 0 else None
        return step.at(self._n_done, self._n_windows, seconds)
