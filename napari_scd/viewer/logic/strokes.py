"""Painting and erasing on objects of a promptable model: strokes that say what belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.viewer.logic.result import Edit

if TYPE_CHECKING:
    from napari_scd.viewer.logic.result import Result

MOST_VOXELS = 400


class Stroke(NamedTuple):
    """A stroke of the brush or eraser on an object.

    Parameters
    ----------
    label
        The object.
    kind
        "include" for what was painted, "exclude" for what was erased.
    voxels
        (z, y, x) of the image; a broad stroke is thinned.
    edit
        What the stroke changed on screen.
    """

    label: int
    kind: str
    voxels: tuple[tuple[int, int, int], ...]
    edit: Edit


def split(edit: Edit, preview: Result, selected: int) -> tuple[Edit | None, list[Stroke]]:
    """Part what was painted by hand on a preview into strokes on objects and changes of other labels.

    Parameters
    ----------
    edit
        Voxels that differ, and what they became.
    preview
        What was there before.
    selected
        The label the brush paints with: it may be a new object's.

    Returns
    -------
    rest
        Voxels of labels that are no objects; None when there are none.
    strokes
        One for each object that was painted, then one for each that was erased.
    """
    objects = {one.label for one in preview.objects}
    known = {label.index for label in (preview.known_table or preview.table).labels}
    painted = objects | ({selected} - known if selected else set())
    before = preview.labels.reshape(-1)[edit.places]
    taken = np.zeros(edit.places.size, bool)
    strokes: list[Stroke] = []
    for kind, labels, values in (("include", painted, edit.values), ("exclude", objects, before)):
        for label in sorted(labels):
            hit = (values == label) & ~taken
            if hit.any():
                taken |= hit
                part = Edit(edit.places[hit], edit.values[hit])
                strokes.append(Stroke(label, kind, _voxels(part.places, preview.labels.shape), part))
    rest = None if taken.all() else Edit(edit.places[~taken], edit.values[~taken])
    return rest, strokes


def _voxels(places: np.ndarray, shape: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """Return voxels of a stroke, evenly thinned where there are more than prompts need."""
    if places.size > MOST_VOXELS:
        places = places[np.linspace(0, places.size - 1, MOST_VOXELS).astype(int)]
    z, y, x = np.unravel_index(places, shape)
    return tuple(zip(z.tolist(), y.tolist(), x.tolist(), strict=True))
