"""Where a napari layer's voxels lie, whatever reader it came from; no napari.

Layers of any reader are welcome: flipped, permuted, rotated, sheared, 4D. The full matrix is built from the
public ``data_to_world`` on unit vectors: ``layer.scale`` and ``layer.affine.scale`` are not the spacing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


def find_layer(viewer: Any, uid: Hashable | None) -> Any | None:
    """Return the viewer's layer with a `unique_id`, None when it is gone."""
    for layer in viewer.layers:
        if uid is not None and layer.unique_id == uid:
            return layer
    return None


def finest(layer: Any) -> Any:
    """Return the layer's array: the largest one of a multiscale layer."""
    return layer.data[0] if getattr(layer, "multiscale", False) else layer.data


def frame_lengths(data: Any) -> tuple[int, ...]:
    """Lengths of the axes before the three spatial ones, without those of length 1."""
    return tuple(int(n) for n in data.shape[:-3] if n > 1)


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


def mm_per_unit(units: Sequence[Any]) -> tuple[np.ndarray, bool]:
    """Millimetres per world unit of the last three axes, and whether the units are lengths."""
    factors = []
    for unit in units[-3:]:
        try:
            factors.append(float((1 * unit).to("mm").magnitude))
        except Exception:  # noqa: BLE001 - pixels, or no length at all; each unit library has its own error
            return np.ones(3), False
    return np.asarray(factors), True


def frame_at(layer: Any, world_point: Sequence[float], n_leading: int) -> tuple[int, ...]:
    """Return the index into a layer's leading axes that is nearest a world point."""
    if n_leading == 0 or len(world_point) == 0:
        return (0,) * n_leading
    index = np.asarray(layer.world_to_data(np.asarray(world_point, float)))[:n_leading]
    limits = np.asarray(finest(layer).shape[:n_leading]) - 1
    return tuple(int(i) for i in np.clip(np.round(index), 0, limits))
