"""Objects that are accepted into a Labels layer: a label of their own each, and the layer's table grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer.layers import colour_table, features_of, label_colours
from napari_scd.viewer.logic.boxes import bins
from napari_scd.viewer.logic.objects import with_objects
from napari_scd.viewer.logic.scan_object import free_label, unused_name
from napari_scd.volume import Label, LabelTable

if TYPE_CHECKING:
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.scan_object import ScanObject


def table_in(layer: Any) -> LabelTable:
    """Return the names of the labels that a Labels layer holds; empty when it has none."""
    record = layer.metadata.get("scd")
    if not isinstance(record, dict) or "labels" not in record:
        return LabelTable(())
    try:
        return LabelTable.from_list(record["labels"])
    except InputError:
        return LabelTable(())


def conflict(layer: Any, preview: Result) -> bool:
    """Whether a label of the model with names means another structure in a layer."""
    record = layer.metadata.get("scd")
    entries = record.get("labels", ()) if isinstance(record, dict) else ()
    there = {entry["index"]: entry["name"] for entry in entries}
    known = preview.known_table or preview.table
    return any(there.get(label.index, label.name) != label.name for label in known.labels)


def fitted(layer: Any, preview: Result) -> Result:
    """Return a preview whose objects have labels and names that are free in a layer.

    Those that correct an object of the layer take its label.
    """
    if not preview.objects:
        return preview
    table = table_in(layer)
    present = np.flatnonzero(_counts(np.asarray(layer.data)[preview.view.frame]))
    used = {*table.indices, *(int(label) for label in present if label)}
    known = {label.index for label in (preview.known_table or preview.table).labels}
    taken = used | known
    objects: list[ScanObject] = []
    for one in preview.objects:
        replaced = table.name_of(one.replaces) if one.replaces in table.indices else ""
        stands = one.replaces or (one.label if one.label in known else 0)
        label = stands or (one.label if one.label not in taken else free_label(taken))
        if not label:
            raise InputError(f"All 255 labels of '{layer.name}' are used: choose 'new layer' under Output.")
        names = [entry.name for entry in table.labels if entry.index != label]
        name = unused_name(one.name, [*names, *(other.name for other in objects)])
        objects.append(one._replace(label=label, name=name if one.name != replaced else replaced))
        taken.add(label)
    return with_objects(preview, objects, 0)


def joined_table(layer: Any, preview: Result) -> LabelTable:
    """Return the table of a layer with the structures of a preview."""
    new = {label.index: label for label in preview.table.labels}
    kept = [label for label in table_in(layer).labels if label.index not in new]
    names = {label.name for label in new.values()}
    kept = [label for label in kept if label.name not in names]
    return LabelTable((*kept, *new.values()))


def without_replaced(layer: Any, preview: Result) -> np.ndarray:
    """Flat indices into the frame: voxels of objects in a layer that the preview's objects correct."""
    labels = [one.replaces for one in preview.objects if one.replaces]
    if not labels:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.isin(np.asarray(layer.data)[preview.view.frame], labels))


def set_table(layer: Any, table: LabelTable, report: dict[str, Any]) -> None:
    """Give a layer the names and colours of its labels."""
    layer.metadata = layer.metadata | {"scd": report | {"labels": table.to_list()}}
    layer.colormap = colour_table(label_colours(table))
    layer.features = features_of({}, table)


def rename_in(layer: Any, accepted: Result, label: int, name: str) -> LabelTable:
    """Rename a label of a layer; return the table."""
    table = LabelTable(
        tuple(
            Label(entry.index, name, entry.colour, entry.group) if entry.index == label else entry
            for entry in accepted.table.labels
        )
    )
    set_table(layer, table, layer.metadata.get("scd", {}))
    layer.features = features_of(accepted.found(), table)
    return table


def with_earlier(accepted: Result, earlier: Result | None) -> Result:
    """Add the clicks and objects that a segmentation held already to what was accepted now."""
    if earlier is None or earlier.layer != accepted.layer:
        return accepted
    new = {one.label for one in accepted.objects}
    kept = tuple(one for one in earlier.objects if one.label not in new)
    clicks = [click for click in earlier.clicks if not any(click is other for other in accepted.clicks)]
    return accepted.copy(objects=(*kept, *accepted.objects), clicks=[*clicks, *accepted.clicks])


def _counts(labels: np.ndarray) -> np.ndarray:
    if labels.dtype == np.uint8:
        return bins(labels)
    return np.bincount(labels.reshape(-1).clip(0, 65535).astype(np.int64))
