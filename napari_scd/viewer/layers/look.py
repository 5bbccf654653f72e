"""From a napari layer to a `SourceView`: what cannot be segmented and why, frames, channels, records."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer.layers.axes import SPL, axes_matrix
from napari_scd.viewer.layers.layer_place import (
    finest,
    frame_at,
    layer_matrix,
    look_of,
    mm_per_unit,
    spatial_part,
)
from napari_scd.viewer.layers.source_view import SourceView

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_VOXELS = 2**32


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
    factors, sized = mm_per_unit(layer.units)
    scaled = not np.allclose(np.linalg.norm(matrix[-4:-1, -4:-1], axis=0), 1.0)
    to_mm = axes_matrix(world_axes or SPL)
    to_mm[:3, :3] = to_mm[:3, :3] * factors
    return SourceView(
        uid=layer.unique_id,
        name=layer.name,
        data=data,
        frame=frame_at(layer, world_point, len(data.shape) - 3),
        matrix=matrix,
        world_to_mm=to_mm,
        orientation_known=world_axes is not None or (source is not None and source.get("oriented", True)),
        voxel_size_known=source is not None or sized or scaled,
        source=source,
        look=look_of(layer),
    )


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


def as_channels(view: SourceView) -> SourceView:
    """Take the leading axis of a layer for channels instead of frames."""
    matrix = spatial_part(view.matrix, (0,) * view.n_leading)
    look = {"affine": matrix, "units": view.look["units"][-3:], "axis_labels": view.look["axis_labels"][-3:]}
    return replace(view, matrix=matrix, frame=(), look=look, stacked=True)


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
