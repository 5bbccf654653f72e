"""Left and right volumes of structures, side by side."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.volume.turning import reorient

if TYPE_CHECKING:
    from napari_scd.volume.labels import Label, LabelTable
    from napari_scd.volume.volume import Volume

_SIDE_WORD = re.compile(r"[\s_-]*\b(left|right|l|r|lh|rh)\b[\s_-]*", re.IGNORECASE)


class Sides(NamedTuple):
    """One structure.

    Attributes
    ----------
    name : str
        Without left and right.
    label : Label
        The structure, or its left half where the halves have labels of their own.
    left_ml, right_ml : float
        Both 0 when the structure lies in the middle and has no halves.
    middle_ml : float
    """

    name: str
    label: Label
    left_ml: float
    right_ml: float
    middle_ml: float = 0.0

    @property
    def total_ml(self) -> float:
        """All of it."""
        return self.left_ml + self.right_ml + self.middle_ml

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy without colour."""
        return {"left": self.left_ml, "right": self.right_ml, "middle": self.middle_ml}


def volumes_by_side(labels: Volume, table: LabelTable) -> list[Sides]:
    """Volume of every structure on both sides.

    Where left and right have labels of their own these count, and other labels are in the middle; a table
    without such pairs is cut at the midline (R = 0 mm).
    """
    if not table.mirror_pairs:
        return _cut_at_midline(labels, table)
    voxels = np.bincount(labels.array.ravel(), minlength=max(table.indices) + 1)
    right_of = dict(table.mirror_pairs)
    right_of = {a: b for a, b in right_of.items() if not _is_right(table.name_of(a))}
    seconds = set(right_of.values())
    rows = []
    for label in table.labels:
        size_ml = float(voxels[label.index] * labels.voxel_ml)
        if label.index in seconds:
            continue
        if label.index not in right_of:
            rows.append(Sides(label.name, label, 0.0, 0.0, size_ml))
            continue
        right_ml = float(voxels[right_of[label.index]] * labels.voxel_ml)
        rows.append(Sides(_SIDE_WORD.sub(" ", label.name).strip(), label, size_ml, right_ml))
    return rows


def _cut_at_midline(labels: Volume, table: LabelTable) -> list[Sides]:
    turned, _ = reorient(labels, "SPL")
    index = np.argwhere(turned.array > 0)
    right_mm = -(index @ turned.affine[2, :3] + turned.affine[2, 3])
    values = turned.array[tuple(index.T)]
    return [
        Sides(
            label.name,
            label,
            float((values[right_mm < 0] == label.index).sum() * labels.voxel_ml),
            float((values[right_mm >= 0] == label.index).sum() * labels.voxel_ml),
        )
        for label in table.labels
    ]


def _is_right(name: str) -> bool:
    word = _SIDE_WORD.search(name)
    return word is not None and word.group(1).casefold() in ("right", "r", "rh")
