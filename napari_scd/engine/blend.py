"""Overlapping windows added up, and finished planes handed on so that memory stays bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor

    from napari_scd.engine.windows import PatchGrid, Size3

FULL_PRECISION_BYTES = 2**29
CHUNK_VALUES = 2**24


class Planes(NamedTuple):
    """Finished planes of a canvas.

    Attributes
    ----------
    first : int
        Image plane of the model grid they begin with.
    logits : Tensor ``(classes, planes, y, x)`` float32
        Weighted mean of the windows; 0 where none came.
    seen : Tensor ``(planes, y, x)`` bool
        Where a window came.
    """

    first: int
    logits: Tensor
    seen: Tensor


class Canvas:
    """Weighted sum of window logits over a box of the image; planes that are done are taken off in order.

    Parameters
    ----------
    grid : PatchGrid
    weights : Tensor ``roi`` float32
        Of the voxels of a window, > 0.
    n_classes : int
    box : (low, high)
        Image voxels of the model grid.
    depth : int or None
        Planes held at once, in a ring: windows must then come first axis slowest, and the planes before a row
        of windows be taken before the row is added. None = the whole box.

    Notes
    -----
    Sums are kept in float32 while they stay under 512 MiB and in float16 above; logits are of order ten, so
    float16 moves them by about 0.01.
    """

    def __init__(
        self,
        grid: PatchGrid,
        weights: Tensor,
        n_classes: int,
        box: tuple[Size3, Size3],
        depth: int | None = None,
    ) -> None:
        self.grid = grid
        self.weights = weights
        self.low, self.high = box
        planes, rows, columns = (b - a for a, b in zip(self.low, self.high, strict=True))
        shape = (planes if depth is None else min(depth, planes), rows, columns)
        n_bytes = 4 * n_classes * shape[0] * shape[1] * shape[2]
        dtype = torch.float32 if n_bytes <= FULL_PRECISION_BYTES else torch.float16
        self._sum = torch.zeros((n_classes, *shape), dtype=dtype)
        self._weight = torch.zeros(shape)
        self._first = self.low[0]

    @property
    def n_classes(self) -> int:
        """Channels of the logits."""
        return len(self._sum)

    @property
    def box(self) -> tuple[Size3, Size3]:
        """Low and high (exclusive) image voxels."""
        return self.low, self.high

    def add(self, start: Size3, logits: Tensor) -> None:
        """Add the logits ``(classes, *roi)`` of the window at `start` (padded voxels) within the box."""
        low, high = self.grid.image_box(start)
        low = _size3(map(max, low, self.low))
        high = _size3(map(min, high, self.high))
        _, y, x = (slice(a - o, b - o) for a, b, o in zip(low, high, self.low, strict=True))
        offset = [lead - at for lead, at in zip(self.grid.lead, start, strict=True)]
        _, from_y, from_x = (slice(a + o, b + o) for a, b, o in zip(low, high, offset, strict=True))
        for ring, first, count in self._in_ring(low[0], high[0]):
            from_z = slice(first + offset[0], first + offset[0] + count)
            weights = self.weights[from_z, from_y, from_x]
            window = logits[:, from_z, from_y, from_x]
            for total, values in zip(self._sum[:, ring, y, x], window, strict=True):
                total.addcmul_(values.to(total.dtype), weights.to(total.dtype))
            self._weight[ring, y, x] += weights

    def take(self, end: int) -> Iterator[Planes]:
        """Take off the planes before image plane `end`, a few at a time."""
        end = min(end, self.high[0])
        step = max(1, CHUNK_VALUES // max(self._sum[:, 0].numel(), 1))
        while self._first < end:
            ring, first, count = next(self._in_ring(self._first, min(self._first + step, end)))
            weight = self._weight[ring]
            yield Planes(first, self._sum[:, ring] / weight.clamp_min(1e-12), weight > 0)
            self._sum[:, ring] = 0
            self._weight[ring] = 0
            self._first += count

    def mean(self) -> Tensor:
        """Mean logits of the whole box, ``(classes, z, y, x)`` float32; only when all of it is held."""
        return self._sum / self._weight.clamp_min(1e-12)

    @property
    def seen(self) -> Tensor:
        """Where a window came, bool ``(z, y, x)``; only when the whole box is held."""
        return self._weight > 0

    def grown(self, box: tuple[Size3, Size3]) -> Canvas:
        """Copy over a box that holds this one's; only when the whole box is held."""
        larger = Canvas(self.grid, self.weights, self.n_classes, box)
        z, y, x = (slice(a - o, b - o) for a, b, o in zip(self.low, self.high, larger.low, strict=True))
        larger._sum[:, z, y, x] = self._sum.to(larger._sum.dtype)
        larger._weight[z, y, x] = self._weight
        return larger

    def _in_ring(self, low: int, high: int) -> Iterator[tuple[slice, int, int]]:
        """Image planes ``[low, high)`` as pieces: where in the ring, first image plane, how many."""
        depth = self._sum.shape[1]
        while low < high:
            at = (low - self.low[0]) % depth
            count = min(high - low, depth - at)
            yield slice(at, at + count), low, count
            low += count


def _size3(values: Iterable[int]) -> Size3:
    z, y, x = values
    return z, y, x
