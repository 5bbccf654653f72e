"""How labels came about, entry by entry (JSON values): runs, clicks, removals, edits, accepts."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.engine import Segmentation
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.clicks import ClickRecord
    from napari_scd.volume import ShapeEdit

# what a run's entry takes from its report
_OF_A_RUN = (
    "model", "sha256", "keep", "tokens", "n_windows", "n_windows_planned", "stride", "blending", "device",
    "precision", "seconds", "complete",
)  # fmt: skip


def run_entry(action: str, segmentation: Segmentation, report: dict[str, Any]) -> dict[str, Any]:
    """Entry of a run: "segment", "click" or "keep slider"; `region` is its box [first, end) by array axis."""
    region = [[int(side.start or 0), int(side.stop or 0)] for side in segmentation.region]
    return _entry(action, region=region, **{name: report[name] for name in _OF_A_RUN if name in report})


def click_entry(click: ClickRecord, view: SourceView) -> dict[str, Any]:
    """Return a click as JSON values: its voxel (z, y, x), its place in mm (right, anterior, superior)."""
    return {
        **place_entry(click.place, view),
        "label": click.name,
        "keep": list(click.keep),
        "time": click.time,
    }


def place_entry(index: Sequence[int], view: SourceView) -> dict[str, Any]:
    """Return a voxel (z, y, x) and its place in mm (right, anterior, superior)."""
    s, p, left = (view.affine @ [*index, 1.0])[:3].tolist()
    return {"voxel": [int(i) for i in index], "ras_mm": [round(-left, 3), round(-p, 3), round(s, 3)]}


def removal_entry(name: str, index: Sequence[int], view: SourceView) -> dict[str, Any]:
    """Entry of a structure that was clicked away."""
    return _entry("remove", label=name, **place_entry(index, view))


def edit_entry(what: str, voxels: dict[str, int], *, accepted: bool) -> dict[str, Any]:
    """Entry of voxels that were changed by hand, by what they became."""
    return _entry(what, on="segmentation" if accepted else "preview", voxels=voxels)


def shape_entry(edit: ShapeEdit, name: str, *, added: int, removed: int, accepted: bool) -> dict[str, Any]:
    """Entry of an object whose shape was changed; `amount` is in mm, or in ml for "remove islands"."""
    amount = {"amount": edit.amount} if edit.amount else {}
    where = "segmentation" if accepted else "preview"
    return _entry(edit.kind, label=name, **amount, on=where, voxels={"added": added, "removed": removed})


def accept_entry(layer: str, voxels: int, *, protect: bool) -> dict[str, Any]:
    """Entry of a preview that became part of the segmentation."""
    return _entry("accept", layer=layer, voxels=voxels, protect=protect)


def _entry(action: str, **facts: Any) -> dict[str, Any]:
    return {"action": action, "time": datetime.now().isoformat(timespec="seconds"), **facts}
