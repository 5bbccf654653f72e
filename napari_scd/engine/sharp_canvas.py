"""Windows that answer coarsely and, where labels meet, finely: added up without ever holding all logits.

A plane of blocks, each of 2 x 2 x 2 voxels, holds sums of the coarse answers, and for the blocks that were
sharpened what the fine answer adds for each of their voxels::

    coarse   a a b b      slot   . 0 1 .      fine   0: what the eight voxels of the second block add
                                                     1: of the third
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import avg_pool3d

from napari_scd.engine.block_plane import BlockPlane
from napari_scd.engine.postprocess import certainty, label_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.engine.windows import PatchGrid, Size3
    from napari_scd.model import Sharpened
    from napari_scd.volume import Recipe

_CHUNK_VALUES = 2**18


@dataclass(frozen=True)
class SharpPlanes:
    """One or two finished planes of voxels: those of one plane of blocks, within the canvas's box.

    Attributes
    ----------
    first : int
        Image plane of the model grid they begin with.
    cut : three slices
        The box's voxels among those of the blocks.
    """

    first: int
    cut: tuple[slice, slice, slice]
    shape: tuple[int, int]
    plane: BlockPlane
    offsets: Tensor | None

    @property
    def n_planes(self) -> int:
        """How many."""
        return int(self.cut[0].stop - self.cut[0].start)

    @property
    def logits(self) -> Tensor:
        """Mean logits ``(classes, planes, y, x)`` float32; 0 where there is no window."""
        means = self._means
        rows = means[:, None].repeat(1, 8, 1)
        blocks, fine = self._sharp
        rows[blocks] = fine
        return self._voxels(rows)[self.cut].permute(3, 0, 1, 2)

    @property
    def seen(self) -> Tensor:
        """Where a window was added, bool ``(planes, y, x)``."""
        return self._voxels((self.plane.weights > 0)[:, None, None].repeat(1, 8, 1))[self.cut][..., 0]

    def labels(self, recipe: Recipe) -> NDArray[np.uint8]:
        """Label of every voxel ``(planes, y, x)``: blocks first, voxels where they were sharpened."""
        means = self._means
        found = torch.from_numpy(_labels(means, recipe))[:, None].repeat(1, 8)
        blocks, fine = self._sharp
        found[blocks] = torch.from_numpy(_labels(fine.flatten(0, 1), recipe)).view(-1, 8)
        return self._voxels(found[..., None])[self.cut][..., 0].numpy()

    def certainty(self, recipe: Recipe) -> NDArray[np.uint8]:
        """Probability of every voxel's label in per cent ``(planes, y, x)``; 0 where there is no window."""
        means = self._means
        found = torch.from_numpy(certainty(means.t(), recipe))[:, None].repeat(1, 8)
        blocks, fine = self._sharp
        found[blocks] = torch.from_numpy(certainty(fine.flatten(0, 1).t(), recipe)).view(-1, 8)
        found[self.plane.weights == 0] = 0
        return self._voxels(found[..., None])[self.cut][..., 0].numpy()

    @cached_property
    def _sharp(self) -> tuple[Tensor, Tensor]:
        return self.plane.sharp_blocks(self._means)

    @cached_property
    def _means(self) -> Tensor:
        means = self.plane.means()
        if self.offsets is None:
            return means
        return torch.where(self.plane.weights[:, None] > 0, means + self.offsets, means)

    def _voxels(self, rows: Tensor) -> Tensor:
        """Rows of blocks ``(y x, 8, c)`` -> planes of voxels ``(2, 2 y, 2 x, c)``."""
        y, x = self.shape
        return rows.view(y, x, 2, 2, 2, -1).permute(2, 0, 3, 1, 4, 5).reshape(2, 2 * y, 2 * x, -1)


class SharpCanvas:
    """Weighted sum of `Sharpened` windows over a box of the image; as `Canvas`, for networks that sharpen.

    The coarse answers of all windows are averaged; to that comes the average of what fine answers add to the
    coarse ones, over the windows that have one there. Planes are held from the first window that reaches them
    until they are taken.

    Parameters
    ----------
    grid : PatchGrid
    weights : Tensor ``roi`` float32
        Of the voxels of a window, > 0.
    n_classes : int
    box : (low, high)
        Image voxels of the model grid.
    offsets : tuple of float
        Added to the logits of each class wherever there is a window; empty = nothing is added.
    """

    def __init__(
        self,
        grid: PatchGrid,
        weights: Tensor,
        n_classes: int,
        box: tuple[Size3, Size3],
        offsets: tuple[float, ...] = (),
    ) -> None:
        self.grid = grid
        self.weights = weights
        self.n_classes = n_classes
        self.low, self.high = box
        self._offsets = torch.tensor(offsets, dtype=torch.float32) if offsets else None
        self._block_weights = avg_pool3d(weights[None, None], 2)[0, 0]
        # blocks are those of the padded grid, on which every window starts at a block
        self._begin = tuple((a + lead) // 2 for a, lead in zip(self.low, grid.lead, strict=True))
        ends = ((b + lead + 1) // 2 for b, lead in zip(self.high, grid.lead, strict=True))
        self._size = tuple(b - a for a, b in zip(self._begin, ends, strict=True))
        self._planes: dict[int, BlockPlane] = {}
        self._taken = 0

    @property
    def box(self) -> tuple[Size3, Size3]:
        """Low and high (exclusive) image voxels."""
        return self.low, self.high

    def add(self, start: Size3, logits: Tensor | Sharpened) -> None:
        """Add the `Sharpened` window at `start` (padded voxels) within the box."""
        assert not isinstance(logits, torch.Tensor)
        coarse = logits.coarse.permute(1, 2, 3, 0)
        edges = coarse.shape[:3]
        offset = [at // 2 - begin for at, begin in zip(start, self._begin, strict=True)]
        low = [max(at, 0) for at in offset]
        high = [min(at + edge, n) for at, edge, n in zip(offset, edges, self._size, strict=True)]
        if any(a >= b for a, b in zip(low, high, strict=True)):
            return
        inside = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, offset, strict=True))
        n_plane = edges[1] * edges[2]
        bounds = torch.searchsorted(logits.where, torch.arange(edges[0] + 1) * n_plane).tolist()
        for z in range(max(low[0], self._taken), high[0]):
            own = z - offset[0]
            plane = self._plane(z)
            weight = self._block_weights[own]
            held = plane.sums.view(*self._size[1:], -1)[low[1] : high[1], low[2] : high[2]]
            values = coarse[own][inside[1:]]
            held.addcmul_(values.to(held.dtype), weight[inside[1:]][..., None])
            plane.weights.view(*self._size[1:])[low[1] : high[1], low[2] : high[2]] += weight[inside[1:]]
            here = slice(bounds[own], bounds[own + 1])
            blocks = logits.where[here] - own * n_plane
            y, x = blocks // edges[2] + offset[1], blocks % edges[2] + offset[2]
            kept = (y >= low[1]) & (y < high[1]) & (x >= low[2]) & (x < high[2])
            blocks, at = blocks[kept], (y * self._size[2] + x)[kept]
            fine = logits.fine[here][kept].float()
            fine -= coarse[own].reshape(n_plane, -1)[blocks].float()[:, None]
            shares = weight.flatten()[blocks]
            plane.sharpen(at, fine.mul_(shares[:, None, None]), shares)

    def take(self, end: int, *, means: bool = True) -> Iterator[SharpPlanes]:
        """Take off the planes before image plane `end`, one plane of blocks at a time.

        Only at the border of blocks, or at the end of the box. `means` makes no difference.
        """
        del means
        last = (min(end, self.high[0]) + self.grid.lead[0] + (end >= self.high[0])) // 2 - self._begin[0]
        while self._taken < last:
            z = self._taken
            yield self._finished(z, self._plane(z))
            del self._planes[z]
            self._taken += 1

    def labels(self, recipe: Recipe) -> NDArray[np.uint8]:
        """Labels of the whole box ``(z, y, x)``; only before anything is taken."""
        return np.concatenate([planes.labels(recipe) for planes in self._all()])

    def mean_at(self, voxel: Size3) -> Tensor:
        """Mean logits ``(classes,)`` float32 of one voxel of the box."""
        z, y, x = voxel
        block = (z + self.low[0] + self.grid.lead[0]) // 2 - self._begin[0]
        planes = self._finished(block, self._plane(block))
        return planes.logits[:, z + self.low[0] - planes.first, y, x]

    @property
    def seen(self) -> Tensor:
        """Where a window was added, bool ``(z, y, x)``."""
        return torch.cat([planes.seen for planes in self._all()])

    def grown(self, box: tuple[Size3, Size3]) -> SharpCanvas:
        """Copy over a box that holds this one's; what is held is shared where it can be."""
        offsets = () if self._offsets is None else tuple(self._offsets.tolist())
        larger = SharpCanvas(self.grid, self.weights, self.n_classes, box, offsets)
        shift = [a - b for a, b in zip(self._begin, larger._begin, strict=True)]
        index = torch.arange(math.prod(larger._size[1:])).view(*larger._size[1:])
        here = index[shift[1] : shift[1] + self._size[1], shift[2] : shift[2] + self._size[2]].flatten()
        for z, plane in self._planes.items():
            wider = larger._plane(z + shift[0])
            wider.sums[here], wider.weights[here] = plane.sums, plane.weights
            wider.slots[here] = plane.slots
            wider.fine, wider.fine_weights = plane.fine.clone(), plane.fine_weights.clone()
        return larger

    def _plane(self, z: int) -> BlockPlane:
        if z not in self._planes:
            self._planes[z] = BlockPlane.empty(math.prod(self._size[1:]), self.n_classes)
        return self._planes[z]

    def _all(self) -> Iterator[SharpPlanes]:
        return (self._finished(z, self._plane(z)) for z in range(self._size[0]))

    def _finished(self, z: int, plane: BlockPlane) -> SharpPlanes:
        corner = [2 * begin - lead for begin, lead in zip(self._begin, self.grid.lead, strict=True)]
        corner[0] += 2 * z
        sizes = (2, 2 * self._size[1], 2 * self._size[2])
        cut = [
            slice(max(a - c, 0), min(b - c, n))
            for a, b, c, n in zip(self.low, self.high, corner, sizes, strict=True)
        ]
        first = corner[0] + cut[0].start
        return SharpPlanes(
            first, (cut[0], cut[1], cut[2]), (self._size[1], self._size[2]), plane, self._offsets
        )


def _labels(rows: Tensor, recipe: Recipe) -> NDArray[np.uint8]:
    """Labels of logits ``(n, classes)``, a part at a time so that it stays in the cache."""
    step = max(1, _CHUNK_VALUES // rows.shape[1])
    found = np.empty(len(rows), np.uint8)
    for first in range(0, len(rows), step):
        found[first : first + step] = label_map(rows[first : first + step].t().contiguous(), recipe)
    return found
