"""The machine's own matrix-product peak: what a network's arithmetic is measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.benchmarks.timer import Timer

_EDGE = {"cuda": 8192, "mps": 4096, "cpu": 2048}
_REPEATS = 3
_PROBE = 256
_LONGEST_S = 2.0


def product_peak(timer: Timer) -> Callable[[], float]:
    """Return a function that measures multiply-accumulates per second of one large square product.

    The best of three products counts, in the precision the networks run in. A precision that the processor
    only emulates is measured with smaller matrices, so that a product takes seconds instead of a minute.
    """
    edge = _EDGE[timer.device.type]
    if edge > _PROBE:
        pace = _best_pace(timer, _PROBE)()
        while edge > _PROBE and edge**3 > pace * _LONGEST_S:
            edge //= 2
    return _best_pace(timer, edge)


def _best_pace(timer: Timer, edge: int) -> Callable[[], float]:
    generator = torch.Generator().manual_seed(0)
    matrices = torch.randn(2, edge, edge, generator=generator)
    left, right = matrices.to(timer.device, timer.hardware.dtype)
    result = torch.empty_like(left)

    def measure() -> float:
        best = 0.0
        with torch.inference_mode():
            for _ in range(_REPEATS):
                start = timer.now()
                torch.mm(left, right, out=result)
                best = max(best, edge**3 / (timer.now() - start))
        return best

    return measure
