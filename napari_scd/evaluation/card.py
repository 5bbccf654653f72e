"""What an evaluation adds to a model's card: figures for its file, and a table for its page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from napari_scd.evaluation.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.evaluation.summary import KeepRow, Means
    from napari_scd.evaluation.tables import EvaluationHeading

_DIGITS = {"dice": 4, "surface_dice": 4, "hd95_mm": 2, "volume_ratio": 3}
USUAL_KEEP = 0.5


def card_metrics(heading: EvaluationHeading, rows: Sequence[KeepRow], cases: str) -> dict[str, Any]:
    """Figures as a model file holds them: means by keep ratio, and each structure at the usual one.

    Figures that were not measured are left out.

    Parameters
    ----------
    cases : str
        What was measured on, such as "6 test cases".

    Examples
    --------
    ``{"on": "6 test cases", "dice": {"0.5": 0.707}, "structures": {"liver": {"dice": 0.913}}}``
    """
    metrics: dict[str, Any] = {"on": cases}
    for quantity, digits in _DIGITS.items():
        by_keep = {f"{row.keep:g}": getattr(row.overall, quantity) for row in rows}
        if not any(math.isnan(value) for value in by_keep.values()):
            metrics[quantity] = {keep: round(value, digits) for keep, value in by_keep.items()}
    metrics["seconds"] = {f"{row.keep:g}": round(row.seconds, 2) for row in rows}
    metrics["hardware"] = f"{heading.device}, {heading.precision}"
    if heading.tolerance_mm is not None:
        metrics["surface_tolerance_mm"] = heading.tolerance_mm
    usual = usual_row(rows)
    metrics["structures_at_keep"] = usual.keep
    metrics["structures"] = {name: _figures(means) for name, means in usual.structures.items()}
    return metrics


def usual_row(rows: Sequence[KeepRow]) -> KeepRow:
    """Pick the row whose keep ratio is nearest to a half."""
    return min(rows, key=lambda row: abs(row.keep - USUAL_KEEP))


def card_table(heading: EvaluationHeading, rows: Sequence[KeepRow]) -> str:
    """Lay out the page's table: one row for each keep ratio, as Markdown."""
    surface = heading.tolerance_mm is not None
    titles = ["keep", "mean Dice", *([f"surface Dice {heading.tolerance_mm:g} mm"] if surface else [])]
    titles += [*(["HD95 (mm)"] if surface else []), "volume ratio", "tokens of a window", "GMACs", "s"]
    lines = [titles]
    for row in rows:
        cells = [f"{row.keep:g}", f"{row.overall.dice:.3f}"]
        if surface:
            cells += [f"{row.overall.surface_dice:.3f}", f"{row.overall.hd95_mm:.1f}"]
        tokens = " > ".join(map(str, row.tokens)) if len(set(row.tokens)) > 1 else str(row.tokens[0])
        cells += [f"{row.overall.volume_ratio:.2f}", tokens, f"{row.macs / 1e9:.0f}", f"{row.seconds:.1f}"]
        lines.append(cells)
    return markdown_table(lines)


def structure_table(row: KeepRow) -> str:
    """Lay out what was measured of every structure at one keep ratio, as Markdown."""
    quantities = [("Dice", "dice", 3), ("volume ratio", "volume_ratio", 2)]
    if not math.isnan(row.overall.surface_dice):
        quantities += [("surface Dice", "surface_dice", 3), ("HD95 (mm)", "hd95_mm", 1)]
    lines = [["structure", *(title for title, _, _ in quantities)]]
    for name, means in row.structures.items():
        lines.append([name, *(_number(getattr(means, key), digits) for _, key, digits in quantities)])
    return markdown_table(lines)


def _figures(means: Means) -> dict[str, float]:
    values = {quantity: getattr(means, quantity) for quantity in _DIGITS}
    return {key: round(value, _DIGITS[key]) for key, value in values.items() if not math.isnan(value)}


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"
