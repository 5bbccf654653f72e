"""The share of each label in a block of voxels: the target for tokens and coarse levels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def label_shares(label: Tensor, n_classes: int, blocks: tuple[int, ...]) -> Tensor:
    """Share of each label in every block of a window.

    Parameters
    ----------
    label : Tensor ``(b, 1, z, y, x)`` uint8
        Labels of `n_classes` and above are left out.
    n_classes : int
    blocks : (z, y, x) int
        Blocks along each axis; they divide the window evenly.

    Returns
    -------
    Tensor ``(b, blocks, classes)`` float32
        Blocks in row-major order; shares of voxels, so that a block sums to 1 unless some were left out.

    Examples
    --------
    >>> label = torch.tensor([0, 0, 0, 2, 1, 1, 1, 9], dtype=torch.uint8).reshape(1, 1, 2, 2, 2)
    >>> label_shares(label, 3, (2, 1, 1)).tolist()
    [[[0.75, 0.0, 0.25], [0.0, 0.75, 0.0]]]
    """
    b = len(label)
    edges = [size // n for size, n in zip(label.shape[2:], blocks, strict=True)]
    split = label.reshape(b, *(part for pair in zip(blocks, edges, strict=True) for part in pair))
    voxels = split.permute(0, 1, 3, 5, 2, 4, 6).reshape(b * math.prod(blocks), -1).long()
    counted = voxels < n_classes
    counts = torch.zeros(len(voxels), n_classes, device=label.device)
    counts.scatter_add_(1, torch.where(counted, voxels, 0), counted.float())
    return (counts / voxels.shape[1]).view(b, -1, n_classes)


def region_shares(masks: Tensor, blocks: tuple[int, ...]) -> Tensor:
    """Share of each region in every block: masks ``(b, regions, z, y, x)`` -> ``(b, blocks, regions)``."""
    edges = [size // n for size, n in zip(masks.shape[2:], blocks, strict=True)]
    pooled = torch.nn.functional.avg_pool3d(masks.float(), edges)
    return pooled.flatten(2).transpose(1, 2)
