"""Finds the body in a scan, so that windows need not look at the air around it, nor at the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import ndimage
from torch.nn.functional import max_pool3d

if TYPE_CHECKING:
    from torch import Tensor

    Size3 = tuple[int, int, int]

_EDGE = 2  # voxels along an edge of the blocks that are looked at
_DARK_SHARE = 0.05
_BRIGHTEST = 0.995
_LARGE_SHARE = 0.05
_TOUCHING = np.ones((3, 3, 3), bool)


def body_box(image: Tensor, fill: Tensor) -> tuple[Size3, Size3]:
    """Return the box around what is brighter than air, low and high (exclusive) voxels.

    Bright is what exceeds the darkest value by 5 % of the range, in any channel. What is thinner than about
    six voxels, such as most tables, does not count; nor does a part of less than a twentieth of the largest
    one. An image without anything bright is taken as a whole.

    Parameters
    ----------
    image : Tensor ``(c, z, y, x)``
    fill : Tensor ``(c,)``
        Smallest value of each channel.
    """
    blocks = max_pool3d(image, _EDGE, ceil_mode=True)
    dark = fill[:, None, None, None]
    sample = blocks.flatten(1)[:, :: max(1, blocks[0].numel() // 2**16)].float()
    brightest = torch.quantile(sample, _BRIGHTEST, dim=1)[:, None, None, None]
    bright = (blocks > dark + _DARK_SHARE * (brightest - dark)).any(dim=0).numpy()
    thick = ndimage.binary_opening(np.pad(bright, 1, mode="edge"))[1:-1, 1:-1, 1:-1]
    parts, n_parts = ndimage.label(thick, structure=_TOUCHING)
    n_z, n_y, n_x = image.shape[1:]
    if not n_parts:
        return (0, 0, 0), (n_z, n_y, n_x)
    sizes = np.bincount(parts.ravel())[1:]
    large = sizes >= _LARGE_SHARE * sizes.max()
    boxes = [box for box, counts in zip(ndimage.find_objects(parts), large, strict=True) if counts]
    z, y, x = (_EDGE * min(box[axis].start for box in boxes) for axis in range(3))
    end_z, end_y, end_x = (_EDGE * max(box[axis].stop for box in boxes) for axis in range(3))
    return (z, y, x), (min(end_z, n_z), min(end_y, n_y), min(end_x, n_x))
