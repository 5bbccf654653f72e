"""An image layer as the engine sees it: three axes of voxels in the patient, and layers laid back onto it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.viewer.layers.fingerprint import fingerprint_of
from napari_scd.viewer.layers.layer_place import spatial_part
from napari_scd.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


@dataclass(frozen=True, eq=False)
class SourceView:
    """A 3D view onto an image layer: its voxels, where they lie, and how layers are laid onto it.

    Parameters
    ----------
    uid, name
        The layer's `unique_id` and its name when it was looked at.
    data
        The layer's (full resolution) array, ndim >= 3; spatial axes last.
    frame
        Index into the leading axes (empty for 3D).
    matrix
        (n+1, n+1), voxel index -> napari world, of the whole layer.
    world_to_mm
        (4, 4), the last three world axes -> (S, P, L) mm.
    orientation_known, voxel_size_known
        Whether the reader (or the user) said so.
    source
        The reader's record of the file (JSON values), or None.
    look
        Layer keywords of the image: scale, translate, rotate, shear, affine, units, axis_labels.
    channels
        Further channels' arrays, each of the same shape.
    stacked
        The channels are the leading axis of `data`, and `matrix` is that of the other three.
    window
        Intensities (low, high) that the user gives in place of the model's own limits, or None.
    version
        Counts how often the voxels were found changed in place.
    """

    uid: Hashable
    name: str
    data: Any
    frame: tuple[int, ...]
    matrix: np.ndarray
    world_to_mm: np.ndarray
    orientation_known: bool
    voxel_size_known: bool
    source: dict[str, Any] | None
    look: dict[str, Any] = field(default_factory=dict)
    channels: tuple[Any, ...] = ()
    stacked: bool = False
    window: tuple[float, float] | None = None
    version: int = 0

    @property
    def n_leading(self) -> int:
        """Axes before the three spatial ones."""
        return int(self.matrix.shape[0]) - 4

    @property
    def frames_shape(self) -> tuple[int, ...]:
        """Lengths of the leading axes."""
        return () if self.stacked else tuple(int(n) for n in self.data.shape[:-3])

    @property
    def n_frames(self) -> int:
        """Frames of the scan, 1 for a 3D one."""
        return int(np.prod(self.frames_shape, dtype=int))

    @property
    def frame_number(self) -> int:
        """The frame, counted from 0."""
        return int(np.ravel_multi_index(self.frame, self.frames_shape)) if self.frame else 0

    @property
    def frame_title(self) -> str:
        """The frame as a person counts it, such as "Frame 2 of 5"."""
        return f"Frame {self.frame_number + 1} of {self.n_frames}"

    def at_frame(self, number: int) -> SourceView:
        """Return the same view at another frame, counted from 0."""
        frame = np.unravel_index(number, self.frames_shape) if self.frames_shape else ()
        return replace(self, frame=tuple(int(i) for i in frame))

    @property
    def layer_shape(self) -> tuple[int, ...]:
        """Shape of Labels laid on the image."""
        return self.shape if self.stacked else tuple(int(n) for n in self.data.shape)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the spatial axes."""
        z, y, x = self.data.shape[-3:]
        return int(z), int(y), int(x)

    @property
    def affine(self) -> np.ndarray:
        """(4, 4), voxel index of the three spatial axes -> (S, P, L) mm."""
        return np.asarray(self.world_to_mm @ spatial_part(self.matrix, self.frame))

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along the spatial array axes."""
        z, y, x = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return z, y, x

    @property
    def key(self) -> tuple[Any, ...]:
        """Everything the prepared volume depends on."""
        arrays = (self.version, id(self.data), *(id(channel) for channel in self.channels))
        return self.uid, arrays, self.shape, self.frame, self.window, self.affine.round(6).tobytes()

    def fingerprint(self) -> int:
        """Return a number that changes when voxels of this frame are changed in place; 0 for lazy arrays."""
        arrays = [self.data] if self.stacked else [array[self.frame] for array in (self.data, *self.channels)]
        stamp = 0
        for array in arrays:
            stamp = fingerprint_of(array, stamp) if isinstance(array, np.ndarray) else stamp
        return stamp

    def volume(self) -> Volume:
        """Read the voxels and return them with their place; slow for lazy arrays: call it in the worker."""
        if self.stacked:
            channels = np.asarray(self.data)
            return Volume(channels.reshape(-1, *channels.shape[-3:]), self.affine)
        chosen = [np.asarray(array[self.frame]) for array in (self.data, *self.channels)]
        array = chosen[0] if len(chosen) == 1 else np.stack(chosen)
        return Volume(array, self.affine)

    def whole_index(self, index: Sequence[int]) -> tuple[int, ...]:
        """Return the layer's full index for a spatial one."""
        return (*self.frame, *(int(i) for i in index))

    def layer_affine(self, affine_mm: np.ndarray) -> np.ndarray:
        """Return the (n+1, n+1) layer affine of a grid given by its (4, 4) affine to (S, P, L) mm.

        Leading axes have length 1 and lie at the current frame.
        """
        n = self.n_leading
        whole = np.eye(n + 4)
        whole[:n, :n] = self.matrix[:n, :n]
        whole[:n, -1] = self.matrix[:n, -1] + self.matrix[:n, :n] @ np.asarray(self.frame, float)
        spatial = np.linalg.solve(self.world_to_mm, affine_mm)
        whole[n:-1, n:-1] = spatial[:3, :3]
        whole[n:-1, -1] = spatial[:3, 3]
        return whole
