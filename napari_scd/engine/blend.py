"""Overlapping windows added up, and finished planes handed on so that memory stays bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.engine.windows import PatchGrid, Size3

FULL_PRECISION_BYTES = 2**29


class Canvas:
    """Weighted sum of window logits over a box of the image; planes that are done are taken off in order.

    Parameters
    ----------
    grid : PatchGrid
    weights : Tensor ``roi`` float32
        Of the voxels of a window, > 0.
    n_classes : int
    low, high : (z, y, x) int
        The box, in image voxels of the model grid.
    depth : int or None
        Planes held at once (windows must then come first axis slowest, each row `take`-n before the next);
        None = the whole box.

    Notes
    -----
    Sums are kept in float32 while they stay under 512 MiB and in float16 above; logits are of order ten, so
    float16 moves them by less than 0.01.
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
        n_values = n_classes * shape[0] * shape[1] * shape[2]
        dtype = torch.float32 if n_values * 4 <= FULL_PRECISION_BYTES else torch.float16
        self._sum = torch.zeros((n_classes, *shape), dtype=dtype)
        self._weight = torch.zeros(shape)
        self._first = self.low[0]

    @property
    def next_plane(self) -> int:
        """First image plane not yet taken."""
        return self._first

    def add(self, start: Size3, logits: Tensor) -> None:
        """Add the logits ``(classes, *roi)`` of the window at `start` (padded voxels)."""
        low, high = self.grid.image_box(start)
        inside = tuple(
            slice(a + lead - at, b + lead - at)
            for a, b, lead, at in zip(low, high, self.grid.lead, start, strict=True)
        )
        origin = (self._first, self.low[1], self.low[2])
        here = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, origin, strict=True))
        weights = self.weights[inside]
        weighted = logits[(slice(None), *inside)].float() * weights
        self._sum[(slice(None), *here)] += weighted.to(self._sum.dtype)
        self._weight[here] += weights

    def take(self, end: int) -> tuple[int, Tensor]:
        """Take off the planes before image plane `end`: their first plane and mean logits.

        Returns
        -------
        int, Tensor ``(classes, planes, y, x)`` float32
            Zero where no window came.
        """
        first, count = self._first, min(end, self.high[0]) - self._first
        if count <= 0:
            return first, self._sum[:, :0].float()
        count_held = min(count, self._sum.shape[1])
        done = self._sum[:, :count_held].float() / self._weight[:count_held].clamp_min(1e-12)
        left = self._sum.shape[1] - count_held
        for held, axis in ((self._sum, 1), (self._weight, 0)):
            if left:
                rest = held.narrow(axis, count_held, left).clone()
                held.narrow(axis, 0, left).copy_(rest)
            held.narrow(axis, left, count_held).zero_()
        self._first += count_held
        return first, done

    def mean(self) -> Tensor:
        """Mean logits of everything held, ``(classes, planes, y, x)`` float32, without taking it off."""
        return self._sum.float() / self._weight.clamp_min(1e-12)

    def grown(self, box: tuple[Size3, Size3]) -> Canvas:
        """Copy over a box that holds this one's; only for a canvas that holds its whole box."""
        larger = Canvas(self.grid, self.weights, len(self._sum), box)
        here = tuple(slice(a - o, b - o) for a, b, o in zip(self.low, self.high, larger.low, strict=True))
        larger._sum[(slice(None), *here)] = self._sum.to(larger._sum.dtype)
        larger._weight[here] = self._weight
        return larger

    @property
    def seen(self) -> Tensor:
        """Where a window came, bool ``(planes, y, x)``."""
        return self._weight > 0
