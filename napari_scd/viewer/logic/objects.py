"""Results with objects: added, replaced, and carried over to the result of another run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.viewer.logic.scan_object import ScanObject, free_label, object_of, unused_name
from napari_scd.volume import Label, LabelTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.logic.result import Result


def with_objects(result: Result, objects: Sequence[ScanObject], current: int) -> Result:
    """Return a result that holds these objects on top of what a model with names found.

    Its tokens are those of the current object.
    """
    known = result.known_table or result.table
    changed = result.copy(
        objects=tuple(objects), current=current, known_table=known, table=_table(known, objects)
    )
    shown = object_of(objects, current)
    if shown is not None:
        changed = changed.copy(
            tokens=shown.looked.tokens,
            scores=shown.looked.scores,
            stage_scores=shown.looked.stage_scores,
            report=shown.looked.report,
        )
    changed.repaint()
    return changed


def with_object(result: Result, new: ScanObject, current: int) -> Result:
    """Return a result with one object more, or in place of the one with its label."""
    if object_of(result.objects, new.label) is None:
        return with_objects(result, (*result.objects, new), current)
    objects = tuple(new if one.label == new.label else one for one in result.objects)
    return with_objects(result, objects, current)


def carried_over(result: Result, earlier: Result | None) -> Result:
    """Add the objects of what was on screen before to the result of another run over the same image."""
    if earlier is None or not earlier.objects or earlier.view.key != result.view.key:
        return result
    used, current = set(result.table.indices), 0
    objects: list[ScanObject] = []
    for one in earlier.objects:
        if one.label in result.table.indices and result.table.name_of(one.label) == one.name:
            label = one.label  # it stands for that structure
        else:
            label = one.label if one.label not in used else free_label(used)
        if label:
            used.add(label)
            names = [entry.name for entry in result.table.labels if entry.index != label]
            name = unused_name(one.name, [*names, *(other.name for other in objects)])
            objects.append(one._replace(label=label, name=name))
            current = label if one.label == earlier.current else current
    joined = with_objects(result, objects, current)
    return joined.copy(
        tokens=result.tokens, scores=result.scores, stage_scores=result.stage_scores, report=result.report
    )


def _table(known: LabelTable, objects: Sequence[ScanObject]) -> LabelTable:
    taken = {one.label for one in objects}
    rest = [label for label in known.labels if label.index not in taken]
    return LabelTable((*rest, *(Label(one.label, one.name, one.colour) for one in objects)))
