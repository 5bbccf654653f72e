"""Adds up overlapping windows and hands on finished planes, so that memory stays bounded.

A ring of 4 planes for windows of 4 planes, a new row of windows every 2::

    image plane     0 1 2 3 4 5 6 7
    first row       x x x x           lie in the ring at  0 1 2 3
    take(2)         - -               finished: no later window reaches them
    second row          x x x x       lie in the ring at  2 3 0 1
    take(4)             - -
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_scd.engine.postprocess import certainty, label_map
from napari_scd.model import roomy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.engine.windows import PatchGrid, Size3
    from napari_scd.model import Sharpened
    from napari_scd.volume import Recipe

FULL_PRECISION_BYTES = 2**29
CHUNK_VALUES = 2**22
_SPREAD_VALUES = 2**23


class Planes(NamedTuple):
    """Finished planes of a canvas.

    Attributes
    ----------
    first : int
        First image plane, on the model grid.
    logits : Tensor ``(classes, planes, y, x)``
        Weighted mean of the windows in float32, or their weighted sum as held; 0 where there is none.
    seen : Tensor ``(planes, y, x)`` bool
        Where a window was added.
    """

    first: int
    logits: Tensor
    seen: Tensor

    @property
    def n_planes(self) -> int:
        """How many."""
        return len(self.seen)

    def labels(self, recipe: Recipe) -> NDArray[np.uint8]:
        """Label of every voxel ``(planes, y, x)``."""
        return label_map(self.logits, recipe)

    def certainty(self, recipe: Recipe) -> NDArray[np.uint8]:
        """Probability of every voxel's label in per cent ``(planes, y, x)``; 0 where there is no window."""
        return np.asarray(certainty(self.logits, recipe) * self.seen.numpy())


class Canvas:
    """Weighted sum of window logits over a box of the image; finished planes are taken in order.

    Parameters
    ----------
    grid : PatchGrid
    weights : Tensor ``roi`` float32
        Weight of each voxel of a window, > 0.
    n_classes : int
    box : (low, high)
        Image voxels of the model grid.
    depth : int or None
        Planes held at once, in a ring: windows must then arrive with the first axis slowest, and the planes
        before a row of windows be taken before the row is added. None = the whole box.
    offsets : tuple of float
        Added to the logits of each class wherever there is a window; empty = nothing is added.

    Notes
    -----
    Sums are kept in float32 while they stay under 512 MiB and in float16 above; logits are of order ten, so
    float16 moves them by about 0.01. The classes of a voxel lie side by side, as in the network's logits. A
    window that covers the whole box is its own mean: it is kept unchanged, and nothing is weighted unless a
    second one follows.

    Examples
    --------
    >>> from napari_scd.engine.windows import PatchGrid
    >>> grid = PatchGrid(size=(8, 2, 2), roi=(4, 2, 2), patch=2)
    >>> canvas = Canvas(grid, torch.ones(4, 2, 2), 1, ((0, 0, 0), grid.size), depth=4)
    >>> for value, start in enumerate(grid.starts((2, 2, 2))):
    ...     for planes in canvas.take(start[0]):
    ...         print(planes.first, planes.logits[0, :, 0, 0].tolist())
    ...     canvas.add(start, torch.full((1, 4, 2, 2), float(value)))
    0 [0.0, 0.0]
    2 [0.5, 0.5]
    >>> for planes in canvas.take(8):
    ...     print(planes.first, planes.logits[0, :, 0, 0].tolist())
    4 [1.5, 1.5, 2.0, 2.0]
    """

    def __init__(
        self,
        grid: PatchGrid,
        weights: Tensor,
        n_classes: int,
        box: tuple[Size3, Size3],
        depth: int | None = None,
        offsets: tuple[float, ...] = (),
    ) -> None:
        self.grid = grid
        self.weights = weights
        # multiplying is twice as fast where each class has a weight of its own, as long as they are few
        spread = n_classes if n_classes * weights.numel() <= _SPREAD_VALUES else 1
        self._by_class = weights[..., None].expand(*weights.shape, spread).contiguous()
        self.n_classes = n_classes
        self.low, self.high = box
        self._depth = depth
        self._offsets = torch.tensor(offsets, dtype=torch.float32) if offsets else None
        self._only: tuple[Size3, Tensor] | None = None
        self._sums: tuple[Tensor, Tensor] | None = None
        self._first = self.low[0]

    @property
    def box(self) -> tuple[Size3, Size3]:
        """Low and high (exclusive) image voxels."""
        return self.low, self.high

    def add(self, start: Size3, logits: Tensor | Sharpened) -> None:
        """Add the logits ``(classes, *roi)`` of the window at `start` (padded voxels) within the box.

        They may come in any precision.
        """
        assert isinstance(logits, torch.Tensor)
        if self._only is None and self._sums is None and self._within(start) == self.box:
            self._only = (start, logits)
            return
        self._weigh_in()
        self._add(start, logits)

    def take(self, end: int, *, means: bool = True) -> Iterator[Planes]:
        """Take the planes before image plane `end`, a few at a time.

        They are valid until the next ones are requested. Without `means` their logits are `sums`: enough for
        labels.
        """
        end = min(end, self.high[0])
        step = max(1, CHUNK_VALUES // max(self.n_classes * self._size[1] * self._size[2], 1))
        while self._first < end:
            if self._only is not None:
                first, last = self._first, min(self._first + step, end)
                logits = self._covering(first - self.low[0], last - self.low[0])
                logits = logits.float() if means else logits
                yield Planes(first, logits, torch.ones(logits.shape[1:], dtype=torch.bool))
                self._first = last
                continue
            sums, weights = self._weigh_in()
            ring, first, count = next(self._in_ring(self._first, min(self._first + step, end)))
            weight = weights[ring]
            held = self._shifted(sums[ring], weight)
            logits = _divided(held, weight) if means else held.permute(3, 0, 1, 2)
            yield Planes(first, logits, weight > 0)
            sums[ring] = 0
            weight.zero_()
            self._first += count

    def mean_at(self, voxel: Size3) -> Tensor:
        """Mean logits ``(classes,)`` float32 of one voxel of the box."""
        z, y, x = voxel
        if self._only is not None:
            return self._covering(z, z + 1)[:, 0, y, x].float()
        sums, weights = self._weigh_in()
        weight = weights[z, y, x]
        return self._shifted(sums[z, y, x], weight).float() / weight.clamp_min(1e-12)

    @property
    def sums(self) -> Tensor:
        """Mean logits of the box up to a positive factor for each voxel, ``(classes, z, y, x)``.

        Only when all of it is held. Sums give the same labels as means. They have the precision of the
        canvas. Without offsets this is not a copy.
        """
        if self._only is not None:
            return self._covering()
        return self._shifted(*self._weigh_in()).permute(3, 0, 1, 2)

    def labels(self, recipe: Recipe) -> NDArray[np.uint8]:
        """Labels of the box ``(z, y, x)``; only when all of it is held."""
        return label_map(self.sums, recipe)

    @property
    def seen(self) -> Tensor:
        """Where a window was added, bool ``(z, y, x)``; only when the whole box is held."""
        if self._only is not None:
            return torch.ones(self._size, dtype=torch.bool)
        return self._weigh_in()[1] > 0

    def grown(self, box: tuple[Size3, Size3]) -> Canvas:
        """Copy over a box that holds this one's; only when the whole box is held."""
        offsets = () if self._offsets is None else tuple(self._offsets.tolist())
        larger = Canvas(self.grid, self.weights, self.n_classes, box, offsets=offsets)
        if self._only is not None:
            larger._add(*self._only)
            return larger
        sums, weights = larger._weigh_in()
        own_sums, own_weights = self._weigh_in()
        z, y, x = (slice(a - o, b - o) for a, b, o in zip(self.low, self.high, larger.low, strict=True))
        sums[z, y, x] = own_sums.to(sums.dtype)
        weights[z, y, x] = own_weights
        return larger

    @property
    def _size(self) -> Size3:
        z, y, x = (b - a for a, b in zip(self.low, self.high, strict=True))
        return z, y, x

    def _within(self, start: Size3) -> tuple[Size3, Size3]:
        """Low and high (exclusive) image voxels that a window and the box share."""
        low, high = self.grid.image_box(start)
        return _size3(map(max, low, self.low)), _size3(map(min, high, self.high))

    def _covering(self, first: int = 0, last: int | None = None) -> Tensor:
        """Cut planes of the box out of the one window that covers it, ``(classes, z, y, x)``; all if None."""
        assert self._only is not None
        start, logits = self._only
        z, y, x = (
            slice(lead - at + low, lead - at + high)
            for lead, at, low, high in zip(self.grid.lead, start, self.low, self.high, strict=True)
        )
        covering = logits[:, z, y, x][:, first:last]
        return covering if self._offsets is None else covering + self._offsets.view(-1, 1, 1, 1)

    def _shifted(self, sums: Tensor, weights: Tensor) -> Tensor:
        """Add offsets to sums ``(..., classes)`` of logits, as if each window had included them."""
        return sums if self._offsets is None else sums + weights[..., None] * self._offsets

    def _weigh_in(self) -> tuple[Tensor, Tensor]:
        """Hold sums ``(z, y, x, classes)`` and weights ``(z, y, x)``, also of a window kept unchanged."""
        if self._sums is None:
            planes, rows, columns = self._size
            planes = planes if self._depth is None else min(self._depth, planes)
            n_bytes = 4 * self.n_classes * planes * rows * columns
            dtype = torch.float32 if n_bytes <= FULL_PRECISION_BYTES else torch.float16
            sums = roomy((planes, rows, columns, self.n_classes), dtype, zeroed=True)
            self._sums = (sums, torch.zeros((planes, rows, columns)))
        if self._only is not None:
            only, self._only = self._only, None
            self._add(*only)
        return self._sums

    def _add(self, start: Size3, logits: Tensor) -> None:
        sums, total = self._weigh_in()
        low, high = self._within(start)
        _, y, x = (slice(a - o, b - o) for a, b, o in zip(low, high, self.low, strict=True))
        offset = [lead - at for lead, at in zip(self.grid.lead, start, strict=True)]
        _, from_y, from_x = (slice(a + o, b + o) for a, b, o in zip(low, high, offset, strict=True))
        voxels = logits.permute(1, 2, 3, 0)
        for ring, first, count in self._in_ring(low[0], high[0]):
            here = (slice(first + offset[0], first + offset[0] + count), from_y, from_x)
            # plane by plane, so that what is converted stays in the cache
            for plane, values, weight in zip(
                sums[ring, y, x], voxels[here], self._by_class[here], strict=True
            ):
                plane.addcmul_(values.to(plane.dtype), weight.to(plane.dtype))
            total[ring, y, x] += self.weights[here]

    def _in_ring(self, low: int, high: int) -> Iterator[tuple[slice, int, int]]:
        """Image planes ``[low, high)`` as pieces: where in the ring, first image plane, how many."""
        depth = len(self._weigh_in()[0])
        while low < high:
            at = (low - self.low[0]) % depth
            count = min(high - low, depth - at)
            yield slice(at, at + count), low, count
            low += count


def _size3(values: Iterable[int]) -> Size3:
    z, y, x = values
    return z, y, x


def _divided(sums: Tensor, weight: Tensor) -> Tensor:
    """Mean ``(classes, z, y, x)`` float32 of sums ``(z, y, x, classes)``; 0 where there is no window."""
    return (sums / weight.clamp_min(1e-12)[..., None]).permute(3, 0, 1, 2)
