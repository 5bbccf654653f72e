"""Maps of several sizes in one tensor: each is a row, channels last, and the rows lie one behind the other.

A prefix is remembered, batched and rounded as plain tensors, so a decoder that looks at the image at several
sizes packs its levels. With levels of 4 x 4 x 4 voxels of one channel and 2 x 2 x 2 of two::

    level 0                     level 1             shapes (4, 4, 4, 1) and (2, 2, 2, 2)
    [v0 v1 v2 ......... v63]    [v0a v0b v1a ... v7b]
    |<-------- 64 -------->|    |<------ 16 ------->|    -> one row of 80 numbers for each window
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


def packed(levels: Sequence[Tensor]) -> Tensor:
    """Lay maps ``(b, c, z, y, x)`` into one row for each window, ``(b, m)``.

    Examples
    --------
    >>> levels = [torch.arange(64.0).view(1, 1, 4, 4, 4), torch.arange(16.0).view(1, 2, 2, 2, 2)]
    >>> row = packed(levels)
    >>> row.shape, row[0, 64:68].tolist()  # channels of a voxel lie side by side
    (torch.Size([1, 80]), [0.0, 8.0, 1.0, 9.0])
    >>> back = unpacked(row, [(4, 4, 4, 1), (2, 2, 2, 2)])
    >>> all(torch.equal(one, other) for one, other in zip(levels, back))
    True
    """
    return torch.cat([as_row(level) for level in levels], dim=1)


def unpacked(row: Tensor, shapes: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Take maps of the shapes ``(z, y, x, c)`` off the front of a row, without a copy."""
    levels, start = [], 0
    for shape in shapes:
        part = row.narrow(1, start, math.prod(shape))
        levels.append(from_row(part, shape))
        start += part.shape[1]
    return levels


def as_row(features: Tensor) -> Tensor:
    """``(b, c, z, y, x) -> (b, m)`` with channels last, as it usually lies there."""
    return features.permute(0, 2, 3, 4, 1).flatten(1)


def from_row(row: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``(b, m)`` of shape ``(z, y, x, c)`` each -> ``(b, c, z, y, x)``."""
    return row.reshape(-1, *shape).permute(0, 4, 1, 2, 3)
