"""Measures structures: how large, how bright, where, and whether the scan cuts them off."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import scipy
from scipy import ndimage

from napari_scd.volume.sides import volumes_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_scd.cancel import CancelToken
    from napari_scd.volume.labels import LabelTable
    from napari_scd.volume.volume import Volume

_PERCENTILES = (5, 25, 50, 75, 95)
_MOST_HULL_POINTS = 4000


@dataclass(frozen=True)
class StructureStatistics:
    """One structure of a label map; what does not apply, or cannot be measured, is None.

    Attributes
    ----------
    structure : str
    label : int
        Its number in the label map.
    volume_ml : float
    left_ml, right_ml, left_right_ratio : float or None
        Of pairs such as left and right kidney, on both lines; of a map without pairs, the parts on both sides
        of R = 0 mm.
    mean, sd, minimum, p5, p25, median, p75, p95, maximum : float or None
        Of the scan's own values inside the structure: Hounsfield units for CT.
    surface_cm2 : float or None
    diameter_mm : float or None
        The largest distance between two places on the surface.
    centroid_right_mm, centroid_anterior_mm, centroid_superior_mm : float or None
    cut_share : float or None
        Share of the surface, 0-1, that lies on the border of the scan, where the structure may continue.
    """

    structure: str
    label: int
    volume_ml: float
    left_ml: float | None = None
    right_ml: float | None = None
    left_right_ratio: float | None = None
    mean: float | None = None
    sd: float | None = None
    minimum: float | None = None
    p5: float | None = None
    p25: float | None = None
    median: float | None = None
    p75: float | None = None
    p95: float | None = None
    maximum: float | None = None
    surface_cm2: float | None = None
    diameter_mm: float | None = None
    centroid_right_mm: float | None = None
    centroid_anterior_mm: float | None = None
    centroid_superior_mm: float | None = None
    cut_share: float | None = None


def measure_structures(
    labels: Volume, table: LabelTable, scan: Volume | None = None, *, cancel: CancelToken | None = None
) -> list[StructureStatistics]:
    """Measure every structure of a table in a label map.

    Parameters
    ----------
    labels : Volume
        ``(z, y, x)`` whole numbers, in any orientation.
    table : LabelTable
    scan : Volume, optional
        On the same grid; of several channels the first counts. Without it there are no intensities.
    cancel : CancelToken, optional
        Stops the work before the next structure.

    Raises
    ------
    Cancelled
        When the work was stopped.
    ValueError
        When the scan lies on another grid.
    """
    if scan is not None and not scan.same_grid(labels):
        raise ValueError("labels and scan lie on different grids")
    values = None if scan is None else scan.array if scan.array.ndim == 3 else scan.array[0]
    sides = _side_volumes(labels, table)
    boxes = ndimage.find_objects(labels.array, max_label=max(table.indices, default=0))
    found = []
    for label in table.labels:
        if cancel is not None:
            cancel.check()
        box = boxes[label.index - 1]
        left_ml, right_ml = sides.get(label.index, (None, None))
        ratio = left_ml / right_ml if left_ml is not None and right_ml else None
        row = StructureStatistics(label.name, label.index, 0.0, left_ml, right_ml, ratio)
        if box is not None:
            mask = labels.array[box] == label.index
            row = _measured(row, mask, box, labels, values)
        found.append(row)
    return found


def statistics_csv(cases: Iterable[tuple[str, Sequence[StructureStatistics]]]) -> str:
    """Lay out the structures of several cases as CSV, a line each; None becomes an empty cell."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(StructureStatistics)]
    table.writerow(["case", *names])
    for case, rows in cases:
        table.writerows([case, *map(_cell, asdict(row).values())] for row in rows)
    return text.getvalue()


def surface_mm2(mask: NDArray[np.bool_], steps_mm: NDArray[np.float64]) -> float:
    """Estimate the surface of a mask from how often lines in 13 directions enter and leave it.

    This is Crofton's formula: a body's surface is four times the mean area of its shadows, and the area of a
    shadow is that of one line times the lines that hit (Lehmann and Legland, Insight Journal 2012). Unlike
    the area of voxel faces it is right for slanted surfaces too.

    Parameters
    ----------
    mask : ``(z, y, x)`` bool
    steps_mm : (3, 3) float
        Column i is the way from a voxel to its neighbour along axis i.

    Examples
    --------
    >>> z, y, x = np.mgrid[-12:13, -12:13, -12:13]
    >>> ball = z**2 + y**2 + x**2 <= 100
    >>> abs(surface_mm2(ball, np.eye(3)) / (4 * np.pi * 100) - 1) < 0.03
    True
    """
    padded = np.pad(mask, 1)
    ways = np.array(_DIRECTIONS) @ steps_mm.T
    lengths = np.linalg.norm(ways, axis=1)
    shares = _shares(ways / lengths[:, None])
    voxel_mm3 = abs(np.linalg.det(steps_mm))
    total = 0.0
    for direction, length, share in zip(_DIRECTIONS, lengths, shares, strict=True):
        total += share * 2 * _changes(padded, direction) * voxel_mm3 / length
    return float(total)


_DIRECTIONS = tuple(
    (dz, dy, dx) for dz in (-1, 0, 1) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dz, dy, dx) > (0, 0, 0)
)


def _measured(
    row: StructureStatistics,
    mask: NDArray[np.bool_],
    box: tuple[slice, ...],
    labels: Volume,
    values: NDArray[np.generic] | None,
) -> StructureStatistics:
    """Fill in the measurements of a structure that was found; `mask` is its part of `box`."""
    steps_mm = labels.affine[:3, :3]
    corner = np.array([side.start for side in box])
    index = np.argwhere(mask)
    superior, posterior, left = steps_mm @ (index.mean(axis=0) + corner) + labels.affine[:3, 3]
    measures: dict[str, float | None] = {
        "volume_ml": float(len(index) * labels.voxel_ml),
        "surface_cm2": surface_mm2(mask, steps_mm) / 100,
        "diameter_mm": _diameter_mm(mask, steps_mm),
        "centroid_right_mm": float(-left),
        "centroid_anterior_mm": float(-posterior),
        "centroid_superior_mm": float(superior),
        "cut_share": _cut_share(mask, box, labels.spatial_shape, steps_mm),
    }
    if values is not None:
        measures |= _intensities(np.asarray(values[box])[mask])
    return StructureStatistics(**(asdict(row) | measures))


def _intensities(values: NDArray[np.generic]) -> dict[str, float | None]:
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return {}
    p5, p25, median, p75, p95 = np.percentile(finite, _PERCENTILES).tolist()
    ends = {"minimum": float(finite.min()), "maximum": float(finite.max())}
    middle = {"mean": float(finite.mean()), "sd": float(finite.std())}
    return {**middle, **ends, "p5": p5, "p25": p25, "median": median, "p75": p75, "p95": p95}


def _side_volumes(labels: Volume, table: LabelTable) -> dict[int, tuple[float, float]]:
    """Left and right volume by label number, for both labels of a pair."""
    partner = {a: b for pair in table.mirror_pairs for a, b in (pair, pair[::-1])}
    volumes = {}
    for side in volumes_by_side(labels, table):
        if side.middle_ml or not (side.left_ml or side.right_ml):
            continue
        for index in {side.label.index, partner.get(side.label.index, side.label.index)}:
            volumes[index] = (side.left_ml, side.right_ml)
    return volumes


def _changes(padded: NDArray[np.bool_], direction: tuple[int, ...]) -> int:
    """Count how often neighbours along a direction differ."""
    here = tuple(
        slice(max(-step, 0), size - max(step, 0)) for step, size in zip(direction, padded.shape, strict=True)
    )
    there = tuple(
        slice(max(step, 0), size - max(-step, 0)) for step, size in zip(direction, padded.shape, strict=True)
    )
    return int(np.count_nonzero(padded[here] != padded[there]))


def _shares(ways: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of all directions in space that each of some lines stands for; they sum up to 1."""
    sphere = scipy.spatial.SphericalVoronoi(np.concatenate([ways, -ways]))
    areas = sphere.calculate_areas()
    return np.asarray((areas[: len(ways)] + areas[len(ways) :]) / areas.sum())


def _diameter_mm(mask: NDArray[np.bool_], steps_mm: NDArray[np.float64]) -> float:
    """Largest distance between the middles of two faces on the surface."""
    columns = np.argwhere(mask.any(axis=0))
    along = mask[:, columns[:, 0], columns[:, 1]]
    first, last = along.argmax(axis=0), len(along) - 1 - along[::-1].argmax(axis=0)
    ends = np.concatenate([np.column_stack([z, columns]) for z in (first, last)]).astype(float)
    offsets = 0.5 * np.concatenate([np.eye(3), -np.eye(3)])
    faces = np.unique((ends[:, None] + offsets).reshape(-1, 3), axis=0) @ steps_mm.T
    hull = faces[scipy.spatial.ConvexHull(faces).vertices]
    hull = hull[:: max(1, len(hull) // _MOST_HULL_POINTS)]
    return float(scipy.spatial.distance.pdist(hull).max())


def _cut_share(
    mask: NDArray[np.bool_], box: tuple[slice, ...], shape: tuple[int, ...], steps_mm: NDArray[np.float64]
) -> float:
    """Share of a structure's voxel faces, by area, that lie on the border of the scan."""
    everywhere = on_border = 0.0
    for axis, (side, size) in enumerate(zip(box, shape, strict=True)):
        others = [other for other in range(3) if other != axis]
        area = float(np.linalg.norm(np.cross(steps_mm[:, others[0]], steps_mm[:, others[1]])))
        padding = [(1, 1) if each == axis else (0, 0) for each in range(3)]
        everywhere += area * np.count_nonzero(np.diff(np.pad(mask, padding).astype(np.int8), axis=axis))
        if side.start == 0:
            on_border += area * np.count_nonzero(mask.take(0, axis))
        if side.stop == size:
            on_border += area * np.count_nonzero(mask.take(-1, axis))
    return on_border / everywhere


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
