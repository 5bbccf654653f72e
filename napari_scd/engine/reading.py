"""Reads boxes of a scan that is not held in memory, and normalises them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_scd.volume import normalise

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.volume import Recipe, Volume

HELD_VOXELS = 2**27
"""A larger scan in memory is not copied in single precision either."""


class ReadImage:
    """A scan as an image tensor ``(c, z, y, x)`` float32 that only ever exists in boxes.

    Parameters
    ----------
    volume : Volume
        In the recipe's axes; its array may be memory-mapped or a dask array.
    recipe : Recipe
        One that `can_read` accepts.
    """

    def __init__(self, volume: Volume, recipe: Recipe) -> None:
        self._array = volume.array
        self._recipe = recipe
        self.shape = (volume.n_channels, *volume.spatial_shape)
        self.dtype = torch.float32

    def __getitem__(self, box: tuple[slice, ...]) -> Tensor:
        """Read a box; `box` has a slice for each of the four axes."""
        return torch.from_numpy(self._normalised(self._read(box)))

    def lowest(self) -> Tensor:
        """Smallest value of each channel, ``(c,)``, found plane by plane."""
        lows = [self._read((slice(None), slice(z, z + 1), slice(None), slice(None))).min(axis=(1, 2, 3))
                for z in range(self.shape[1])]  # fmt: skip
        lowest = np.min(lows, axis=0).astype(np.float32)
        return torch.from_numpy(self._normalised(lowest[:, None, None, None])[:, 0, 0, 0].copy())

    def _read(self, box: tuple[slice, ...]) -> NDArray[np.generic]:
        if self._array.ndim == 3:
            return np.asarray(self._array[box[1:]])[None]
        return np.asarray(self._array[box])

    def _normalised(self, values: NDArray[np.generic]) -> NDArray[np.float32]:
        if self._recipe.normalise_over == "window":
            return np.array(values, np.float32, order="C")
        return np.asarray(normalise(values, self._recipe), np.float32)


def can_read(volume: Volume, recipe: Recipe) -> bool:
    """Whether boxes can be normalised on their own, and reading them saves memory.

    They can if the recipe's numbers are fixed; statistics of the whole scan need all of it.
    """
    fixed = recipe.normalisation == "none" or (recipe.normalisation == "range" and recipe.clip is not None)
    if recipe.field == "prompt" and recipe.cuts_windows_freely:
        return True  # only a few windows of it are ever needed
    by_itself = recipe.normalise_over == "window" or (fixed and recipe.clip_percentiles is None)
    large = volume.n_channels * int(np.prod(volume.spatial_shape)) > HELD_VOXELS
    return by_itself and (volume.lies_elsewhere or large)
