"""Sharpening where labels meet: the full-size level of a `SharpDecoder` only where it can change a label.

The pyramid answers for blocks of 2 x 2 x 2 voxels. Where a block and all its neighbours have the same best
class, the block's eight voxels get that answer; everywhere else the sharp level decides each of them::

    best class of the blocks    sharpened           the voxels' labels
    1 1 1 1 2                   . . . x x           1 1 1 1 1 1 1 1 2 2
    1 1 1 1 2                   . . . x x           1 1 1 1 1 1 1 2 2 2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import batch_norm, conv3d

from napari_scd.model.kernels import roomy

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    from napari_scd.model.blocks import ResidualBlock
    from napari_scd.model.decoder_sizes import Size3

    Box = tuple[Size3, Size3]
    Decide = Callable[[Tensor, Tensor], Tensor]

NOWHERE: Box = ((0, 0, 0), (0, 0, 0))
CORNERS = 8
_CHUNK = 8192
_REACH = 2
HALO = 2  # blocks that two 3x3x3 convolutions look at on each side
_LINE_EVERY = 8


class Sharpened(NamedTuple):
    """Logits of one window: of blocks of 2 x 2 x 2 voxels, and of single voxels where labels meet.

    Attributes
    ----------
    coarse : Tensor ``(out, z/2, y/2, x/2)``
    where : Tensor ``(n,)`` int64
        Row-major indices of the sharpened blocks, ascending.
    fine : Tensor ``(n, 8, out)``
        Logits of their voxels, last axis fastest.
    """

    coarse: Tensor
    where: Tensor
    fine: Tensor

    def dense(self) -> Tensor:
        """Logits of every voxel ``(out, z, y, x)``."""
        n_classes, z, y, x = self.coarse.shape
        rows = self.coarse.permute(1, 2, 3, 0).reshape(-1, 1, n_classes).repeat(1, CORNERS, 1)
        rows[self.where] = self.fine.to(rows.dtype)
        blocks = rows.view(z, y, x, 2, 2, 2, n_classes)
        return blocks.permute(6, 0, 3, 1, 4, 2, 5).reshape(n_classes, 2 * z, 2 * y, 2 * x)


class Statistics(NamedTuple):
    """Mean and variance of each channel before a norm, ``(c,)`` float32 each."""

    mean: Tensor
    variance: Tensor


def labels_meet(coarse: Tensor) -> Tensor:
    """Find blocks with another best class near them: ``(out, z, y, x) -> (z, y, x)`` bool.

    Near is up to `_REACH` blocks away along each axis.
    """
    classes = best_class(coarse.permute(1, 2, 3, 0).flatten(0, 2)).view(coarse.shape[1:])
    low, high = classes, classes
    for axis in (0, 1, 2) * _REACH:
        low, high = _with_neighbours(low, axis, torch.minimum), _with_neighbours(high, axis, torch.maximum)
    return low != high


def best_class(rows: Tensor) -> Tensor:
    """Index of the largest value of each row, the first of equal ones: ``(n, c) -> (n,)`` int32.

    PyTorch's argmax of bfloat16 compares value by value. Here the bits of a value, put so that integers have
    the same order, and its class below them make a number whose maximum is all that is needed.
    """
    n_classes = rows.shape[1]
    if rows.dtype != torch.bfloat16 or n_classes > 2**15:
        return rows.argmax(dim=1).int()
    bits = max(n_classes - 1, 1).bit_length()
    last = (1 << bits) - 1
    places = last - torch.arange(n_classes, dtype=torch.int32, device=rows.device)
    found = torch.empty(len(rows), dtype=torch.int32, device=rows.device)
    for first in range(0, len(rows), _CHUNK):
        value = rows[first : first + _CHUNK].view(torch.int16)
        keys = (value ^ ((value >> 15) & 0x7FFF)).int().bitwise_left_shift_(bits).add_(places)
        found[first : first + _CHUNK] = last - (keys.amax(dim=1) & last)
    return found


def corner_weights(layer: nn.ConvTranspose3d) -> tuple[Tensor, Tensor | None]:
    """Write a transposed convolution of kernel and stride 2 as one product: weight ``(8 out, in)``, bias."""
    weight = layer.weight.permute(2, 3, 4, 1, 0).flatten(0, 3)
    return weight, None if layer.bias is None else layer.bias.repeat(CORNERS)


def sharpened(coarse: Tensor, detail: Callable[[Box], Tensor], decide: Decide, box: Box | None) -> Sharpened:
    """Sharpen the blocks of `box` where labels meet.

    Parameters
    ----------
    coarse : Tensor ``(out, z, y, x)``
        The answer for blocks.
    detail : callable
        Box of blocks -> features ``(f, z, y, x)`` of its blocks.
    decide : callable
        Features and answer of each block ``(n, f + out)``, and where they are ``(3, n)`` -> logits of their
        voxels ``(n, 8 out)``, last axis fastest.
    box : (low, high) or None
        Blocks; None = all, `NOWHERE` = none.
    """
    n_classes, *size = coarse.shape
    if box == NOWHERE:
        none = torch.empty(0, dtype=torch.int64, device=coarse.device)
        return Sharpened(coarse, none, coarse.new_empty(0, CORNERS, n_classes))
    low, high = box or ((0, 0, 0), (size[0], size[1], size[2]))
    here = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    active = labels_meet(coarse)[here]
    inside = active.flatten().nonzero()[:, 0]
    _, n_y, n_x = active.shape  # torch.unravel_index imports PyTorch's compiler, which takes seconds
    z, y, x = inside // (n_y * n_x) + low[0], inside // n_x % n_y + low[1], inside % n_x + low[2]
    where = (z * size[1] + y) * size[2] + x
    if not len(where):
        return Sharpened(coarse, where, coarse.new_empty(0, CORNERS, n_classes))
    details = detail((low, high)).permute(1, 2, 3, 0).flatten(0, 2)
    answers = coarse.permute(1, 2, 3, 0).flatten(0, 2)

    def some(part: slice) -> Tensor:
        rows = (details.index_select(0, inside[part]), answers.index_select(0, where[part]))
        return decide(torch.cat(rows, dim=1), torch.stack([z[part], y[part], x[part]]))

    fine = _in_chunks(some, len(where))
    return Sharpened(coarse, where, fine.view(-1, CORNERS, n_classes))


def with_statistics(block: ResidualBlock, image: Tensor, statistics: tuple[Statistics, ...]) -> Tensor:
    """Run a residual block whose norms use given statistics: a part of a map, as if the whole were there."""
    one, two, three = statistics
    found = block.lrelu(_normed(block.conv1(image), one))
    found = _normed(block.conv2(found), two)
    found += _normed(block.conv3(image), three)
    activated: Tensor = block.lrelu(found)
    return activated


def sampled_statistics(block: ResidualBlock, lines: Tensor) -> tuple[Statistics, ...]:
    """Estimate what the three norms of a residual block see on a map, from lines `sampled` from it."""
    first = conv3d(lines, _weight(block.conv1))
    one = _statistics(first)
    two = _statistics(conv3d(block.lrelu(_normed(first, one)), _weight(block.conv2)))
    return one, two, _statistics(block.conv3(lines[:, :, HALO:-HALO, HALO:-HALO]))


def grown(box: Box, size: Size3) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices of a box with a halo inside a map of `size`, and of the box within that."""
    outer = [(max(a - HALO, 0), min(b + HALO, n)) for a, b, n in zip(*box, size, strict=True)]
    inner = (slice(a - o, b - o) for a, b, (o, _) in zip(*box, outer, strict=True))
    return tuple(slice(a, b) for a, b in outer), tuple(inner)


def halved(box: Box) -> Box:
    """Box of voxels -> box of blocks."""
    (z, y, x), (end_z, end_y, end_x) = box
    return (z // 2, y // 2, x // 2), (end_z // 2, end_y // 2, end_x // 2)


def sampled(image: Tensor) -> Tensor:
    """Lines that lie evenly on a map, and what lies around them: ``(1, c, z, y, x) -> (n, c, 5, 5, x)``.

    One for each 8 x 8 blocks: so many that they meet everything large as often as it is there.
    """
    edge = 1 + 2 * HALO
    starts = []
    for n in image.shape[2:4]:
        n_lines = max(n // _LINE_EVERY, 1)
        starts.append([(n - edge) * (2 * i + 1) // (2 * n_lines) for i in range(n_lines)])
    return torch.cat([image[:, :, z : z + edge, y : y + edge] for z in starts[0] for y in starts[1]])


def _in_chunks(some: Callable[[slice], Tensor], n_rows: int) -> Tensor:
    """Fill rows part by part, so that what is in between stays in the cache."""
    first = some(slice(0, _CHUNK))
    shape = (n_rows, *first.shape[1:])
    found = roomy(shape, first.dtype) if first.device.type == "cpu" else first.new_empty(shape)
    found[:_CHUNK] = first
    for low in range(_CHUNK, n_rows, _CHUNK):
        part = slice(low, low + _CHUNK)
        found[part] = some(part)
    return found


def _weight(conv: nn.Sequential) -> Tensor:
    weight: Tensor = conv[0].weight  # type: ignore[assignment]
    return weight


def _statistics(values: Tensor) -> Statistics:
    variance, mean = torch.var_mean(values.float(), dim=(0, 2, 3, 4), correction=0)
    return Statistics(mean, variance)


def _normed(values: Tensor, statistics: Statistics) -> Tensor:
    return batch_norm(values, statistics.mean, statistics.variance, eps=1e-5)


def _with_neighbours(values: Tensor, axis: int, pick: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Smallest or largest of each value and its two neighbours along an axis."""
    n = values.shape[axis]
    found = values.clone()
    before, after = values.narrow(axis, 0, n - 1), values.narrow(axis, 1, n - 1)
    ahead = found.narrow(axis, 1, n - 1)
    ahead.copy_(pick(ahead, before))
    behind = found.narrow(axis, 0, n - 1)
    behind.copy_(pick(behind, after))
    return found
