"""Measurements laid out as a table: titles, hints and cells as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.viewer.logic.measuring import Measurements
    from napari_scd.volume import StructureChange, StructureStatistics


class MeasureTable(NamedTuple):
    """Titles of the columns, a hint for each, and rows of as many texts."""

    titles: tuple[str, ...]
    hints: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class _Column(NamedTuple):
    title: str
    hint: str
    text: Callable[[StructureStatistics], str]


def table_of(measurements: Measurements) -> MeasureTable:
    """Lay out measures, or changes where label maps were compared.

    Titles carry a question mark where left and right are not known.
    """
    if measurements.before:
        rows = tuple(_change_cells(change) for change in measurements.changes)
        return MeasureTable(tuple(_CHANGE_HINTS), tuple(_CHANGE_HINTS.values()), rows)
    rows = tuple(tuple(column.text(row) for column in _COLUMNS) for row in measurements.structures)
    unsure = "" if measurements.result.view.orientation_known else "?"
    titles = tuple(column.title + (unsure if column.title in _OF_SIDES else "") for column in _COLUMNS)
    return MeasureTable(titles, tuple(column.hint for column in _COLUMNS), rows)


_OF_SIDES = ("left ml", "right ml", "left/right", "centre R, A, S mm")
_CHANGE_HINTS = {
    "structure": "",
    "before ml": "In the layer compared with.",
    "now ml": "On screen.",
    "change ml": "",
    "change %": "Of the volume before.",
    "Dice": "Overlap of places in the patient, 0 to 1: it means something when both scans are aligned.",
}


def _change_cells(change: StructureChange) -> tuple[str, ...]:
    percent = "new" if change.change_percent is None and change.after_ml else ""
    percent = percent if change.change_percent is None else f"{change.change_percent:+.1f}"
    return (
        change.structure,
        f"{change.before_ml:.2f}",
        f"{change.after_ml:.2f}",
        f"{change.change_ml:+.2f}",
        percent,
        _text(change.dice, ".3f"),
    )


def _centre(row: StructureStatistics) -> str:
    places = (row.centroid_right_mm, row.centroid_anterior_mm, row.centroid_superior_mm)
    return ", ".join(f"{mm:.1f}" for mm in places if mm is not None)


def _text(value: float | None, form: str) -> str:
    return "" if value is None else f"{value:{form}}"


_COLUMNS = (
    _Column("structure", "Double click: go there.", lambda row: row.structure),
    _Column("ml", "Volume.", lambda row: f"{row.volume_ml:.2f}"),
    _Column("left ml", "Of a pair, else left of the middle.", lambda row: _text(row.left_ml, ".2f")),
    _Column("right ml", "Of a pair, else right of the middle.", lambda row: _text(row.right_ml, ".2f")),
    _Column("left/right", "Ratio of both sides.", lambda row: _text(row.left_right_ratio, ".2f")),
    _Column("mean", "Of the scan's own values: Hounsfield units for CT.", lambda row: _text(row.mean, ".4g")),
    _Column("SD", "Standard deviation of the scan's values.", lambda row: _text(row.sd, ".3g")),
    _Column("5 %", "5 % of the scan's values are lower.", lambda row: _text(row.p5, ".4g")),
    _Column("median", "Half of the scan's values are lower.", lambda row: _text(row.median, ".4g")),
    _Column("95 %", "95 % of the scan's values are lower.", lambda row: _text(row.p95, ".4g")),
    _Column("surface cm²", "Surface area.", lambda row: _text(row.surface_cm2, ".1f")),
    _Column(
        "diameter mm",
        "Largest distance between two places on the surface.",
        lambda row: _text(row.diameter_mm, ".1f"),
    ),
    _Column("centre R, A, S mm", "Right, anterior and superior of the origin.", _centre),
    _Column(
        "cut %",
        "Share of the surface on the border of the scan: above 0, the structure may continue outside.",
        lambda row: "" if row.cut_share is None else f"{100 * row.cut_share:.0f}",
    ),
)
