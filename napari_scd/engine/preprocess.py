"""From a volume as read to the network's own grid, and the way back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_scd.engine.body import body_box
from napari_scd.engine.reading import ReadImage, can_read
from napari_scd.engine.windows import PatchGrid, Size3
from napari_scd.errors import InputError, WrongChannels
from napari_scd.volume import Volume, normalise, reorient, resample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.volume import Recipe

MAX_MODEL_VOXELS = 2**31
ROOM_MM = 70.0  # that a shared window shows on each side of a click


@dataclass(frozen=True, eq=False)
class Prepared:
    """A volume on the model grid, and how that grid lies on the source grid.

    Attributes
    ----------
    source : Volume
        As read; its values must be finite.
    image : Tensor or ReadImage ``(c, z, y, x)`` float32
        In the recipe's axes and spacing, not padded; normalised, unless the recipe normalises each window.
    fill : Tensor ``(c,)``
        Value around the image: its own minimum.
    affine : ``(4, 4)``
        Model voxel index -> (S, P, L) mm.
    oriented_affine, oriented_shape
        The source turned into the recipe's axes, before resampling.
    turn_back : callable
        Array on the oriented grid -> source axis order.
    grid : PatchGrid
    recipe : Recipe
    """

    source: Volume
    image: Tensor | ReadImage
    fill: Tensor
    affine: NDArray[np.float64]
    oriented_affine: NDArray[np.float64]
    oriented_shape: Size3
    turn_back: Callable[[NDArray[np.generic]], NDArray[np.generic]]
    grid: PatchGrid
    recipe: Recipe

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Voxel edges of the model grid in its axis order."""
        z, y, x = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(z), float(y), float(x)

    @property
    def resampled(self) -> bool:
        """Whether the voxels of the model grid differ from those of the source."""
        same_shape = self.oriented_shape == self.grid.size
        return not (same_shape and np.allclose(self.affine, self.oriented_affine))

    @property
    def token_affine(self) -> NDArray[np.float64]:
        """Token index -> (S, P, L) mm for the tokens that touch the image.

        ``M @ P``: M the affine of the padded model grid, P = ``diag(patch)`` and ``(patch - 1) / 2``, shifted
        by the whole tokens cut off outside the image.
        """
        patch, low = self.grid.patch, self.grid.token_box[0]
        on_padded = np.diag([patch, patch, patch, 1.0])
        on_padded[:3, 3] = (patch - 1) / 2 + patch * np.asarray(low)
        padded = np.eye(4)
        padded[:3, 3] = -np.asarray(self.grid.lead, float)
        return self.affine @ padded @ on_padded

    def model_index(self, source_index: Sequence[float]) -> tuple[float, float, float]:
        """Source voxel index (in the source's axis order) -> model voxel index without padding."""
        to_model = np.linalg.inv(self.affine) @ self.source.affine
        z, y, x = to_model[:3, :3] @ np.asarray(source_index, float) + to_model[:3, 3]
        return float(z), float(y), float(x)

    def model_voxel(self, source_voxel: Sequence[int]) -> Size3:
        """Image voxel of the model grid nearest to a source voxel."""
        place = np.rint(self.model_index(source_voxel)).astype(int)
        return _size3(np.clip(place, 0, np.asarray(self.grid.size) - 1).tolist())

    def model_box(self, source_box: Sequence[slice]) -> tuple[Size3, Size3]:
        """Image voxels of the model grid that the labels of a box of the source array depend on.

        One voxel more on each side than linear interpolation needs. `source_box` holds plain slices of the
        source array, without steps and not empty.
        """
        spans = [part.indices(n)[:2] for part, n in zip(source_box, self.source.spatial_shape, strict=True)]
        corners = [self.model_index([a for a, _ in spans]), self.model_index([b - 1 for _, b in spans])]
        low = np.clip(np.floor(np.min(corners, axis=0)) - 1, 0, np.asarray(self.grid.size) - 1)
        high = np.clip(np.ceil(np.max(corners, axis=0)) + 2, 1, self.grid.size)
        return _size3(low.tolist()), _size3(high.tolist())

    def source_region(self, low: Sequence[int], high: Sequence[int]) -> tuple[slice, slice, slice]:
        """Box ``[low, high)`` on the oriented grid -> the same voxels as slices of the source array."""
        to_source = np.linalg.inv(self.source.affine) @ self.oriented_affine
        corners = np.array([low, np.asarray(high) - 1], float) @ to_source[:3, :3].T + to_source[:3, 3]
        first, last = np.rint(corners.min(axis=0)).astype(int), np.rint(corners.max(axis=0)).astype(int)
        z, y, x = (slice(int(a), int(b) + 1) for a, b in zip(first, last, strict=True))
        return z, y, x

    @cached_property
    def content(self) -> tuple[Size3, Size3]:
        """Low and high (exclusive) image voxels of the body, or of the box around all that is not `fill`.

        The whole image when it is read window by window, or when nothing in it differs from `fill`.
        """
        if self.grid.body is not None:
            return self.grid.body
        if not isinstance(self.image, ReadImage):
            there = (self.image != self.fill[:, None, None, None]).any(dim=0)
            lines = [torch.nonzero(there.amax(dim=axes)).flatten() for axes in ((1, 2), (0, 2), (0, 1))]
            if len(lines[0]):
                low, high = ([int(line[end]) for line in lines] for end in (0, -1))
                return _size3(low), _size3([edge + 1 for edge in high])
        return (0, 0, 0), self.grid.size

    def click_start(self, voxel: Size3, stride: Size3) -> Size3:
        """Return the start of the window that answers a click at an image voxel of the model grid.

        Clicks at different places share windows where they can, axis by axis: all content in the middle, if
        it fits into one window; else the nearest of the windows that `stride` spreads over the volume, if it
        holds 70 mm on both sides of the voxel or ends with the volume; else the voxel in the middle. Models
        of one structure always see it in the middle.
        """
        alone = self.grid.start_around(voxel)
        if self.recipe.field == "click":
            return alone
        low, high = self.content
        spread = self.grid.nearest(self.grid.starts(stride), voxel)
        filled = self.grid.start_around([(a + b - 1) / 2 for a, b in zip(low, high, strict=True)])
        starts = []
        for axis, edge in enumerate(self.grid.roi):
            middle = (low[axis] + high[axis] - 1) / 2
            if high[axis] - low[axis] <= edge and abs(voxel[axis] - middle) < (edge - self.grid.patch) / 2:
                starts.append(filled[axis])
            else:
                starts.append(spread[axis] if self._roomy(spread, voxel, axis) else alone[axis])
        return _size3(starts)

    def _roomy(self, start: Size3, voxel: Size3, axis: int) -> bool:
        """Whether a window shows enough of an axis on both sides of an image voxel."""
        room = ROOM_MM / self.spacing_mm[axis]
        low, high = (ends[axis] for ends in self.grid.image_box(start))
        before, after = low == 0 or voxel[axis] - low >= room, high - 1 - voxel[axis] >= room
        return before and (after or high == self.grid.size[axis])

    def raw_window(self, start: Size3) -> Tensor:
        """One window ``(c, *roi)`` float32 as it lies in `image`; `start` counts padded model voxels."""
        return self.grid.cut(self.image, start, self.fill)

    def window(self, start: Size3) -> Tensor:
        """One normalised window ``(c, *roi)`` float32; `start` counts padded model voxels."""
        window = self.raw_window(start)
        if self.recipe.normalise_over != "window":
            return window
        return torch.from_numpy(np.ascontiguousarray(normalise(window.numpy(), self.recipe), np.float32))


def prepare(volume: Volume, recipe: Recipe, roi: Size3, patch: int) -> Prepared:
    """Turn, resample and normalise a checked volume for a network with windows of `roi`.

    Raises
    ------
    InputError
        If, with this voxel size, the resampled volume would be absurdly large.
    """
    oriented, turn_back = reorient(volume, recipe.axes)
    placed = oriented
    if recipe.spacing_mm is not None:
        _check_resampled_size(oriented, recipe.spacing_mm)
        placed, _ = resample(oriented, recipe.spacing_mm)
    image, fill = _image_of(placed, recipe)
    body = None
    if recipe.look_at == "body" and isinstance(image, torch.Tensor):
        body = body_box(image, fill)
    return Prepared(
        source=volume,
        image=image,
        fill=fill,
        affine=np.asarray(placed.affine, float),
        oriented_affine=np.asarray(oriented.affine, float),
        oriented_shape=_size3(oriented.spatial_shape),
        turn_back=turn_back,
        grid=PatchGrid(_size3(placed.spatial_shape), roi, patch, body, recipe.overlap),
        recipe=recipe,
    )


def _image_of(placed: Volume, recipe: Recipe) -> tuple[Tensor | ReadImage, Tensor]:
    """Image on the model grid and the smallest value of each channel."""
    if can_read(placed, recipe):
        read = ReadImage(placed, recipe)
        return read, read.lowest()
    array = np.asarray(placed.array)
    array = array if array.ndim == 4 else array[None]
    by_window = recipe.normalise_over == "window"
    image = np.array(array, np.float32, order="C") if by_window else normalise(array, recipe)
    tensor = torch.from_numpy(image)
    return tensor, tensor.flatten(1).amin(dim=1)


def checked_volume(volume: Volume, n_channels: int) -> tuple[Volume, tuple[str, ...]]:
    """Return a volume fit for `prepare`, and warnings about values that were replaced.

    Non-finite voxels are replaced by the smallest finite value of their channel, with a warning. That the
    array is a non-empty 3D one of real numbers with an affine that can be inverted is guaranteed by `Volume`.

    Raises
    ------
    WrongChannels
        If the model needs another number of channels.
    InputError
        If a channel has no finite value.
    """
    if volume.n_channels != n_channels:
        raise WrongChannels(n_channels, volume.n_channels)
    array = volume.array
    if array.dtype.kind == "b":
        return volume.with_array(array.astype(np.uint8)), ()
    return _finite(volume, array)


def _finite(volume: Volume, array: NDArray[np.generic]) -> tuple[Volume, tuple[str, ...]]:
    if array.dtype.kind != "f":
        return volume, ()
    channels = array if array.ndim == 4 else array[None]
    bad_in = [sum(int(_not_finite(plane).sum()) for plane in channel) for channel in channels]
    count = sum(bad_in)
    if count == math.prod(array.shape):
        raise InputError("The volume has no finite values (all are NaN or infinite): check how it was saved.")
    if not count:
        return volume, ()
    repaired = np.array(array)
    for channel, n_bad in zip(repaired if repaired.ndim == 4 else repaired[None], bad_in, strict=True):
        if n_bad == channel.size:
            raise InputError("A channel of the volume has no finite values: check how it was saved.")
        if n_bad:
            bad = _not_finite(channel)
            channel[bad] = channel[~bad].min()
    voxels = f"{count} voxel{'s were' if count > 1 else ' was'}"
    return volume.with_array(repaired), (f"{voxels} not finite and replaced by the minimum.",)


def _not_finite(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Find the values that are not finite in single precision."""
    with np.errstate(over="ignore"):
        return ~np.isfinite(np.asarray(values).astype(np.float32, copy=False))


def _check_resampled_size(volume: Volume, spacing_mm: Sequence[float]) -> None:
    extent_mm = np.asarray(volume.spatial_shape) * np.asarray(volume.spacing_mm)
    voxels = float(np.prod(np.maximum(extent_mm / np.asarray(spacing_mm), 1)))
    if voxels > MAX_MODEL_VOXELS:
        size = " x ".join(f"{edge:.0f}" for edge in extent_mm)
        raise InputError(f"The volume measures {size} mm, too large to segment: check its voxel size.")


def _size3(values: Sequence[int]) -> Size3:
    z, y, x = (int(value) for value in values)
    return z, y, x
