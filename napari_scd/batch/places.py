"""Points in mm and the voxels of a scan that they name."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.batch.jobs import Point
    from napari_scd.volume import Volume


def voxel_at(volume: Volume, point: Point) -> tuple[float, float, float]:
    """Voxel index, with fractions, of a point in (R, A, S) mm.

    Raises
    ------
    InputError
        When it lies outside the volume.
    """
    z, y, x = volume.index_of(point).tolist()
    shape = volume.spatial_shape
    if all(-0.5 <= place < size - 0.5 for place, size in zip((z, y, x), shape, strict=True)):
        return z, y, x
    ends = [volume.ras_mm_of(corner) for corner in product(*((0, size - 1) for size in shape))]
    spans = [f"{min(mm):.0f} to {max(mm):.0f}" for mm in zip(*ends, strict=True)]
    raise InputError(
        f"The point {in_mm(point)} lies outside the volume, which spans {spans[0]} right, "
        f"{spans[1]} anterior and {spans[2]} superior: give a point inside."
    )


def in_mm(point: Point) -> str:
    """Return a point as a person writes it, such as "-26 -20 -16 mm"."""
    return f"{' '.join(f'{mm:g}' for mm in point)} mm"
