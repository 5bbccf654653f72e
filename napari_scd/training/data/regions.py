"""Targets without a label: regions of similar intensity, and random shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from scipy import ndimage
from skimage.segmentation import slic
from torch.nn.functional import interpolate

from napari_scd.training.data.sets import WITHHELD

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.training.data.levels import Level
    from napari_scd.training.data.sets import PromptCase

_SEGMENTS = 220
_COMPACTNESS = 0.08
_MOST_VOXELS = 500_000
_FEWEST_VOXELS = 40
_DARK = 0.08
_WITHHELD_SHARE = 0.02
_COARSE_SHAPE = 7


class Supervoxels(NamedTuple):
    """Regions of one case.

    Attributes
    ----------
    level : Level
        The resolution they were found at.
    number : Tensor ``(1, z, y, x)`` int16
        Of the region that each voxel belongs to, from 1.
    usable : NDArray ``(k,)`` int
        Regions that may be asked for: no dark background, no part of a withheld structure.
    boxes : list of three slices
        Of each region.
    """

    level: Level
    number: Tensor
    usable: NDArray[np.int64]
    boxes: list[tuple[slice, slice, slice]]

    def place(self, region: int, draw: float) -> tuple[float, float, float]:
        """Return a voxel of a region on the case's finest level; `draw` from [0, 1) chooses which."""
        box = self.boxes[region - 1]
        places = np.argwhere(self.number[0].numpy()[box] == region)
        chosen = places[int(draw * len(places))] + [part.start for part in box]
        z, y, x = (chosen * np.asarray(self.level.stride)).tolist()
        return z, y, x

    def extent_mm(self, region: int) -> float:
        """Return the longest edge of a region's box."""
        edges = zip(self.boxes[region - 1], self.level.spacing_mm, strict=True)
        return float(max((part.stop - part.start) * mm for part, mm in edges))


def supervoxels(case: PromptCase) -> Supervoxels:
    """Divide a case into some hundred regions by SLIC, on a level that takes about half a second."""
    level = next((one for one in case.levels if one.label.numel() <= _MOST_VOXELS), case.levels[-1])
    assert level.image is not None
    image = level.image[0].numpy().astype(np.float32)
    image /= max(float(image.max()), 1.0)
    number = slic(
        image,
        n_segments=_SEGMENTS,
        compactness=_COMPACTNESS,
        max_num_iter=4,
        sigma=0.7,
        spacing=np.asarray(level.spacing_mm) / min(level.spacing_mm),
        channel_axis=None,
        start_label=1,
    ).astype(np.int16)
    flat = number.ravel()
    voxels = np.bincount(flat)
    brightness = np.bincount(flat, weights=image.ravel()) / np.maximum(voxels, 1)
    withheld = np.bincount(flat, weights=level.label[0].numpy().ravel() == WITHHELD) / np.maximum(voxels, 1)
    usable = (voxels >= _FEWEST_VOXELS) & (brightness > _DARK) & (withheld <= _WITHHELD_SHARE)
    usable[0] = False
    return Supervoxels(
        level, torch.from_numpy(number)[None], np.flatnonzero(usable), ndimage.find_objects(number)
    )


def refined_region(region: NDArray[np.bool_], image: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Let a coarse region follow the window's own intensities: its largest part of similar ones, smoothed.

    Both are ``(z, y, x)``; intensities in any unit.
    """
    if not region.any():
        return region
    smooth = ndimage.uniform_filter(image, 3)
    mean, spread = float(smooth[region].mean()), float(smooth[region].std())
    alike = np.abs(smooth - mean) <= 1.5 * spread + 1e-6
    near = ndimage.uniform_filter(region.astype(np.float32), 5) > 0.1
    kept = ndimage.uniform_filter((alike & near).astype(np.float32), 3) > 0.5
    parts, n_parts = ndimage.label(kept)
    if not n_parts:
        return region
    largest = 1 + int(np.bincount(parts.ravel())[1:].argmax())
    found = np.asarray(parts == largest)
    return found if 3 * np.count_nonzero(found) > np.count_nonzero(region) else region


def random_shape(roi: tuple[int, int, int], generator: torch.Generator) -> NDArray[np.bool_]:
    """Draw a blob near the middle of a window: a smooth random field above a threshold, one part of it."""
    n = _COARSE_SHAPE
    field = torch.randn((1, 1, n, n, n), generator=generator)
    axis = torch.linspace(-1, 1, n)
    z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
    field += 1.5 - 3.0 * (z**2 + y**2 + x**2)
    smooth = interpolate(field, size=roi, mode="trilinear", align_corners=True)[0, 0].numpy()
    level = float(torch.rand((), generator=generator)) * 1.2
    parts, n_parts = ndimage.label(smooth > level)
    if not n_parts:
        return np.zeros(roi, bool)
    return np.asarray(parts == 1 + int(np.bincount(parts.ravel())[1:].argmax()))
