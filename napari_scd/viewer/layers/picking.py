"""Which voxel a click means: the one under the mouse in 2D, the one that is shown along a ray in 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.viewer.layers.layer_place import finest

if TYPE_CHECKING:
    from collections.abc import Sequence

    Index = tuple[int, int, int]

STEP_VOX = 0.5  # distance of samples along a ray


class Ray(NamedTuple):
    """Samples of a layer along the ray of a click, nearest the camera first.

    Parameters
    ----------
    voxels : (n, ndim) int
        Voxels of the layer.
    depth_mm : (n,) float
        Distance from where the click lies in the world, along the ray, in world units.
    """

    voxels: np.ndarray
    depth_mm: np.ndarray


def voxel_under(
    image: Any, drawn: Sequence[Any], position: np.ndarray, direction: Any, displayed: Sequence[int]
) -> Index | None:
    """Return the spatial voxel (z, y, x) of an image layer under a click, None outside of it.

    In 3D the first voxel of the Labels drawn on the image counts; where there is none, the voxel that the
    image's rendering shows. A plane counts before the labels behind it.

    Parameters
    ----------
    drawn
        Labels layers on the image's grid, topmost first.
    position
        World coordinates of the click, in viewer dimensions.
    direction
        The camera's direction in viewer dimensions; used in 3D.
    displayed
        Viewer dimensions on screen.
    """
    if len(displayed) == 2:
        shape = np.asarray(finest(image).shape)
        index = np.floor(np.asarray(image.world_to_data(position)) + 0.5).astype(int)
        return _spatial(index) if ((index >= 0) & (index < shape)).all() else None
    ray = ray_through(image, position, direction, displayed)
    shown = None if ray is None else _shown_in_image(image, ray)
    plane_mm = np.inf
    if ray is not None and shown is not None and _is_plane(image):
        plane_mm = ray.depth_mm[shown]
    for layer in drawn:
        path = ray_through(layer, position, direction, displayed)
        if path is None:
            continue
        hits = np.flatnonzero(_shown_labels(layer, path))
        if len(hits) and path.depth_mm[hits[0]] <= plane_mm:
            return _spatial(path.voxels[hits[0]])
    return None if ray is None or shown is None else _spatial(ray.voxels[shown])


def ray_through(layer: Any, position: np.ndarray, direction: Any, displayed: Sequence[int]) -> Ray | None:
    """Sample a layer along the ray of a click; None when the ray meets nothing of it that is drawn.

    A layer shown as a plane is sampled over the plane's thickness. What clipping planes hide is left out.
    """
    shape = np.asarray(finest(layer).shape)
    extra = len(position) - len(shape)
    dims = [axis - extra for axis in displayed]
    if direction is None or min(dims) < 0:
        return None
    towards = np.asarray(direction)[extra:]
    start, end = layer.get_ray_intersections(position[extra:], towards, dims, world=True)
    if start is None or end is None:
        return None
    start, end = np.asarray(start, float), np.asarray(end, float)
    length = float(np.linalg.norm(end - start))
    along = np.arange(0, length + STEP_VOX, STEP_VOX) if length > 0 else np.zeros(1)
    if _is_plane(layer):
        along = _along_plane(layer.plane, start[dims], (end - start)[dims] / max(length, 1e-9), length)
    path = start + np.outer(along / max(length, 1e-9), end - start)
    fixed = np.floor(np.asarray(layer.world_to_data(position)) + 0.5)
    for axis in set(range(len(shape))) - set(dims):
        path[:, axis] = fixed[axis]
    voxels = np.floor(path + 0.5).astype(int)
    drawn = ((voxels >= 0) & (voxels < shape)).all(axis=1)
    for plane in layer.experimental_clipping_planes:
        if plane.enabled:
            drawn &= (path[:, dims] - np.asarray(plane.position)) @ np.asarray(plane.normal) >= 0
    if not drawn.any():
        return None
    ends = [np.asarray(layer.data_to_world(point)) for point in (start, end)]
    depths = (np.stack(ends) - position[extra:]) @ towards
    depth_mm = depths[0] + along / max(length, 1e-9) * (depths[1] - depths[0])
    return Ray(voxels[drawn], depth_mm[drawn])


def shown_sample(layer: Any, values: np.ndarray) -> int | None:
    """Return which sample along a ray an image's rendering shows; None when it shows nothing.

    Where a rendering mixes samples, the one that contributes most counts.

    >>> from types import SimpleNamespace
    >>> layer = SimpleNamespace(rendering="mip", contrast_limits=(0, 100), gamma=1.0)
    >>> shown_sample(layer, np.array([5.0, 90.0, 20.0]))
    1
    >>> layer.rendering = "minip"
    >>> shown_sample(layer, np.array([5.0, 90.0, 20.0]))
    0
    """
    low, high = (float(limit) for limit in layer.contrast_limits)
    values = np.where(np.isfinite(values), values, low)
    shares = np.clip((values - low) / max(high - low, 1e-12), 0.0, 1.0)
    rendering = str(layer.rendering)
    if rendering == "iso":
        above = np.flatnonzero(values > layer.iso_threshold)
        return int(above[0]) if above.size else None
    if rendering == "minip":
        return int(np.maximum(values, low).argmin())
    if rendering == "attenuated_mip":
        return _brightest_attenuated(values, shares, float(layer.attenuation), high)
    if rendering == "translucent":
        return _most_of_translucent(layer, shares)
    brightest = shares if shares.any() else values
    return int(brightest.argmax())  # mip, average, additive: the first of the brightest


def _brightest_attenuated(values: np.ndarray, shares: np.ndarray, attenuation: float, high: float) -> int:
    """Follow napari's shader: bright samples darken what lies behind them, and may end the ray."""
    scale = np.exp(-attenuation * (np.cumsum(shares) * STEP_VOX - 1))
    seen = values * scale
    best = np.maximum.accumulate(seen)
    ends = np.flatnonzero(best[:-1] > scale[1:] * high)
    last = int(ends[0]) + 1 if ends.size else len(values)
    return int(seen[:last].argmax())


def _most_of_translucent(layer: Any, shares: np.ndarray) -> int:
    colours = np.asarray(layer.colormap.map(shares ** float(layer.gamma)))
    alpha = colours[:, 3]
    through = np.concatenate([[1.0], np.cumprod(1.0 - alpha)[:-1]])
    return int((alpha * through).argmax())


def _shown_in_image(image: Any, ray: Ray) -> int | None:
    return shown_sample(image, np.asarray(finest(image)[tuple(ray.voxels.T)], dtype=float))


def _shown_labels(layer: Any, ray: Ray) -> np.ndarray:
    labels = np.asarray(finest(layer)[tuple(ray.voxels.T)])
    return np.asarray(labels == layer.selected_label if layer.show_selected_label else labels > 0)


def _is_plane(layer: Any) -> bool:
    return str(getattr(layer, "depiction", "volume")) == "plane"


def _along_plane(plane: Any, start: np.ndarray, towards: np.ndarray, length: float) -> np.ndarray:
    """Distances along the ray, in voxels, over the thickness of a plane; none when the ray misses it."""
    normal = np.asarray(plane.normal, float)
    slope = float(towards @ normal)
    if abs(slope) < 1e-9:
        return np.zeros(0)
    middle = float((np.asarray(plane.position, float) - start) @ normal) / slope
    if not -0.5 <= middle <= length + 0.5:
        return np.zeros(0)
    half = max(float(plane.thickness) - 1.0, 0.0) / 2
    along = np.unique([middle, *np.arange(middle - half, middle + half, STEP_VOX)])
    return np.asarray(np.clip(along, 0.0, length))


def _spatial(index: np.ndarray) -> Index:
    z, y, x = (int(i) for i in index[-3:])
    return z, y, x
