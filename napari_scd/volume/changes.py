"""Two label maps of one patient, structure by structure: what grew, what shrank, what moved."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from napari_scd.volume.labels import LabelTable
    from napari_scd.volume.volume import Volume


class StructureChange(NamedTuple):
    """One structure in two label maps.

    Attributes
    ----------
    structure : str
    before_ml, after_ml, change_ml : float
    change_percent : float or None
        Of the volume before; None when there was none.
    dice : float or None
        Overlap of places in the patient, 0-1; None when there is nothing to compare.
    """

    structure: str
    before_ml: float
    after_ml: float
    change_ml: float
    change_percent: float | None
    dice: float | None


def compare_labels(
    before: Volume,
    after: Volume,
    before_table: LabelTable | None = None,
    after_table: LabelTable | None = None,
) -> list[StructureChange]:
    """Compare volumes and places of all structures that are in either map.

    Structures are matched by name if both maps have names, otherwise by number. Volumes are counted on
    each map's own grid. For the overlap the second map is brought to the grid of the first, by places in the
    patient; when none of it lies there, there is no overlap and no Dice.

    Parameters
    ----------
    before, after : Volume
        ``(z, y, x)`` whole numbers.
    before_table, after_table : LabelTable, optional
    """
    placed = after.array if after.same_grid(before) else _nearest(after, before)
    has_place = bool(placed.any()) or not after.array.any()
    counts = [_counts(array) for array in (before.array, after.array, placed)]
    shared = _shared_counts(before.array, placed)
    changes = []
    for name, old, new in _pairs(counts, before_table, after_table):
        old_ml = counts[0].get(old, 0) * before.voxel_ml
        new_ml = counts[1].get(new, 0) * after.voxel_ml
        both = counts[0].get(old, 0) + counts[2].get(new, 0)
        dice = 2 * shared.get((old, new), 0) / both if both and has_place else None
        percent = 100 * (new_ml - old_ml) / old_ml if old_ml else None
        changes.append(StructureChange(name, old_ml, new_ml, new_ml - old_ml, percent, dice))
    return changes


def changes_csv(changes: Iterable[StructureChange]) -> str:
    """Lay out changes as CSV, a line each; None becomes an empty cell."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(StructureChange._fields)
    for change in changes:
        name, *numbers = change
        table.writerow([name, *("" if number is None else f"{number:.6g}" for number in numbers)])
    return text.getvalue()


def _pairs(
    counts: list[dict[int, int]], before_table: LabelTable | None, after_table: LabelTable | None
) -> list[tuple[str, int, int]]:
    """Name of each structure, and its numbers in both maps; 0 where a map does not know it."""
    if before_table is not None and after_table is not None:
        first = {name.casefold(): index for name, index in _by_name(before_table).items()}
        second = {name.casefold(): index for name, index in _by_name(after_table).items()}
        names = {name.casefold(): name for name in (*after_table.names, *before_table.names)}
        order = dict.fromkeys((*first, *second))
        return [(names[key], first.get(key, 0), second.get(key, 0)) for key in order]
    table = before_table or after_table
    known = {} if table is None else {index: name for name, index in _by_name(table).items()}
    numbers = sorted({*counts[0], *counts[1], *known} - {0})
    return [(known.get(number, f"label {number}"), number, number) for number in numbers]


def _by_name(table: LabelTable) -> dict[str, int]:
    return dict(zip(table.names, table.indices, strict=True))


def _nearest(labels: Volume, grid: Volume) -> NDArray[np.generic]:
    """Labels on another grid: each voxel takes the label of the nearest one, 0 outside."""
    to_labels = np.linalg.solve(labels.affine, grid.affine)
    return np.asarray(
        ndimage.affine_transform(
            labels.array, to_labels[:3, :3], to_labels[:3, 3], grid.spatial_shape, order=0, cval=0
        )
    )


def _counts(array: NDArray[np.generic]) -> dict[int, int]:
    numbers, counts = np.unique(array, return_counts=True)
    return {int(number): int(count) for number, count in zip(numbers, counts, strict=True) if number}


def _shared_counts(first: NDArray[np.generic], second: NDArray[np.generic]) -> dict[tuple[int, int], int]:
    """How many voxels hold a number in the first map and another in the second, for all pairs."""
    both = (first != 0) & (second != 0)
    base = int(second.max(initial=0)) + 1
    codes, counts = np.unique(
        first[both].astype(np.int64) * base + second[both].astype(np.int64), return_counts=True
    )
    return {divmod(int(code), base): int(count) for code, count in zip(codes, counts, strict=True)}
