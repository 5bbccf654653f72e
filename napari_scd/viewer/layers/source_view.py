"""A layer's place in the patient: layer -> Volume, and engine geometry -> layer transforms; no napari.

Layers of any reader are welcome: flipped, permuted, rotated, sheared, 4D. The full matrix is built from the
public ``data_to_world`` on unit vectors: ``layer.scale`` and ``layer.affine.scale`` are not the spacing.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer.layers.axes import SPL, axes_matrix
from napari_scd.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


MOST_VOXELS = 2**32
_CHECK_COLUMNS = 8191  # a prime, so that no plane of a scan is a whole number of rows


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


def fingerprint_of(array: np.ndarray, start: int = 0) -> int:
    """Return a checksum of an array's bytes, at the speed of memory.

    The bytes are laid out as a table whose rows and columns are summed, and the sums are hashed.

    >>> a = np.arange(65536.0).reshape(4, 128, 128)
    >>> fingerprint_of(a) == fingerprint_of(a.copy()), fingerprint_of(a) == fingerprint_of(a[::-1])
    (True, False)
    """
    raw = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    n_whole = raw.size // (8 * _CHECK_COLUMNS) * 8 * _CHECK_COLUMNS
    table = raw[:n_whole].view(np.uint64).reshape(-1, _CHECK_COLUMNS)
    for sums in (table.sum(axis=0, dtype=np.uint64), table.sum(axis=1, dtype=np.uint64)):
        start = zlib.crc32(sums.tobytes(), start)
    return zlib.crc32(raw[n_whole:].tobytes(), start)


def problem_of(layer: Any) -> str | None:
    """Say why a layer cannot be segmented and what to do, or None when it can."""
    if getattr(layer, "rgb", False):
        return f"'{layer.name}' is a colour image: convert it to grey values (one number per voxel) first."
    data = finest(layer)
    shape = "x".join(str(n) for n in data.shape)
    if len(data.shape) < 3:
        return f"'{layer.name}' is 2D ({shape}): open the whole volume (3D)."
    if sum(n > 1 for n in data.shape[:-3]) > 1:
        return f"'{layer.name}' has {len(data.shape)} axes ({shape}): give 3D, or 4D with the frames first."
    if 0 in data.shape:
        return f"'{layer.name}' is empty ({shape}): open a volume with voxels."
    if np.dtype(data.dtype).kind not in "buif":
        return f"'{layer.name}' holds {data.dtype} values: real numbers are needed, convert it first."
    matrix = layer_matrix(layer)
    n = matrix.shape[0] - 4
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[n:-1, n:-1])) < 1e-12:
        return f"'{layer.name}' has a singular transform: give every axis a voxel size above zero."
    if np.abs(matrix[:n, n:-1]).max(initial=0) > 1e-6 or np.abs(matrix[n:-1, :n]).max(initial=0) > 1e-6:
        return f"'{layer.name}' mixes its first axis with space: put frames first, untransformed."
    if np.prod(data.shape[-3:], dtype=float) > MOST_VOXELS:
        return f"'{layer.name}' is too large ({shape} voxels): cut out the part you need."
    if data.shape[-3:] == (1, 1, 1) or min(data.shape[-3:]) < 2:
        return f"'{layer.name}' is a single slice ({shape}): open the whole volume (3D)."
    return None


def look_at(layer: Any, world_point: Sequence[float] = (), world_axes: str | None = None) -> SourceView:
    """Return the 3D view of an image layer at the viewer's current frame.

    Parameters
    ----------
    layer
        An image layer (or proxy) for which `problem_of` found nothing.
    world_point
        The viewer's current position (``viewer.dims.point``); chooses the frame of a 4D layer.
    world_axes
        Where the user says the last three world axes point, such as "SPL" or "SAR".
    """
    data = finest(layer)
    matrix = layer_matrix(layer)
    source = record_in(layer.metadata)
    factors, sized = _mm_per_unit(layer.units)
    scaled = not np.allclose(np.linalg.norm(matrix[-4:-1, -4:-1], axis=0), 1.0)
    to_mm = axes_matrix(world_axes or SPL)
    to_mm[:3, :3] = to_mm[:3, :3] * factors
    return SourceView(
        uid=layer.unique_id,
        name=layer.name,
        data=data,
        frame=_frame(layer, world_point, len(data.shape) - 3),
        matrix=matrix,
        world_to_mm=to_mm,
        orientation_known=world_axes is not None or (source is not None and source.get("oriented", True)),
        voxel_size_known=source is not None or sized or scaled,
        source=source,
        look=look_of(layer),
    )


def record_in(metadata: Any) -> dict[str, Any] | None:
    """Return the reader's record of a layer's file, None when there is none or it is not as we write it."""
    record: Any = (metadata or {}).get("scd_source")
    try:
        place = np.asarray(record["affine_spl"], float)
        shape = [int(n) for n in record["shape"]]
        path = record.get("path")
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    sound = place.shape == (4, 4) and bool(np.isfinite(place).all()) and len(shape) == 3
    return record if sound and (path is None or isinstance(path, str)) else None


def with_channels(view: SourceView, others: Sequence[Any], world_point: Sequence[float] = ()) -> SourceView:
    """Add further channels' layers to a view; each must lie on the same grid.

    Raises
    ------
    InputError
        If a channel's layer is missing, unusable or on another grid.
    """
    channels = []
    for layer in others:
        problem = (
            "A channel has no image: choose one layer for every channel."
            if layer is None
            else problem_of(layer)
        )
        if problem is not None:
            raise InputError(problem)
        other = look_at(layer, world_point)
        if other.shape != view.shape or not np.allclose(other.matrix, view.matrix, atol=1e-3):
            raise InputError(
                f"'{other.name}' lies on another grid than '{view.name}': choose channels of one scan."
            )
        channels.append(other.data)
    return replace(view, channels=tuple(channels))


def frame_lengths(data: Any) -> tuple[int, ...]:
    """Lengths of the axes before the three spatial ones, without those of length 1."""
    return tuple(int(n) for n in data.shape[:-3] if n > 1)


def as_channels(view: SourceView) -> SourceView:
    """Take the leading axis of a layer for channels instead of frames."""
    matrix = spatial_part(view.matrix, (0,) * view.n_leading)
    look = {"affine": matrix, "units": view.look["units"][-3:], "axis_labels": view.look["axis_labels"][-3:]}
    return replace(view, matrix=matrix, frame=(), look=look, stacked=True)


def look_of(layer: Any) -> dict[str, Any]:
    """Layer keywords that lay another array of the same shape exactly onto a layer."""
    return {
        "scale": np.array(layer.scale),
        "translate": np.array(layer.translate),
        "rotate": np.array(layer.rotate),
        "shear": np.array(layer.shear),
        "affine": np.array(layer.affine.affine_matrix),
        "units": tuple(str(unit) for unit in layer.units),
        "axis_labels": tuple(layer.axis_labels),
    }


def finest(layer: Any) -> Any:
    """Return the layer's array: the largest one of a multiscale layer."""
    return layer.data[0] if getattr(layer, "multiscale", False) else layer.data


def layer_matrix(layer: Any) -> np.ndarray:
    """(n+1, n+1), a layer's voxel index -> world, whatever transforms it is made of."""
    n = len(finest(layer).shape)
    origin = np.asarray(layer.data_to_world(np.zeros(n)), float)
    matrix = np.eye(n + 1)
    matrix[:n, n] = origin
    for axis, unit_vector in enumerate(np.eye(n)):
        matrix[:n, axis] = np.asarray(layer.data_to_world(unit_vector), float) - origin
    return matrix


def spatial_part(matrix: np.ndarray, frame: Sequence[int] = ()) -> np.ndarray:
    """(4, 4), the last three axes of an (n+1, n+1) matrix at a frame of the leading axes."""
    n = matrix.shape[0] - 4
    part = np.eye(4)
    part[:3, :3] = matrix[n:-1, n:-1]
    part[:3, 3] = matrix[n:-1, -1] + matrix[n:-1, :n] @ np.asarray(frame, float)
    return part


def _mm_per_unit(units: Sequence[Any]) -> tuple[np.ndarray, bool]:
    """Millimetres per world unit of the last three axes, and whether the units are lengths."""
    factors = []
    for unit in units[-3:]:
        try:
            factors.append(float((1 * unit).to("mm").magnitude))
        except Exception:  # noqa: BLE001 - pixels, or no length at all; each unit library has its own error
            return np.ones(3), False
    return np.asarray(factors), True


def _frame(layer: Any, world_point: Sequence[float], n_leading: int) -> tuple[int, ...]:
    if n_leading == 0 or len(world_point) == 0:
        return (0,) * n_leading
    index = np.asarray(layer.world_to_data(np.asarray(world_point, float)))[:n_leading]
    limits = np.asarray(finest(layer).shape[:n_leading]) - 1
    return tuple(int(i) for i in np.clip(np.round(index), 0, limits))
