"""Measurements as CSV (every number), Markdown (means, to read) and plain values (for JSON)."""

from __future__ import annotations

import csv
import io
import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_scd.evaluation.evaluate import CaseRun
    from napari_scd.evaluation.summary import KeepRow

_COLUMNS = (
    "case",
    "keep",
    "structure",
    "dice",
    "hd95_mm",
    "surface_dice",
    "truth_ml",
    "predicted_ml",
    "tokens",
    "windows",
    "gmacs",
    "seconds",
    "volume_ratio",
)


class EvaluationHeading(NamedTuple):
    """What was measured and how; `tolerance_mm` belongs to the surface Dice, None = no distances."""

    model: str
    sha256: str
    device: str
    precision: str
    tolerance_mm: float | None
    note: str = ""


def to_csv(runs: Sequence[CaseRun]) -> str:
    """One line per case, keep ratio and structure; undefined numbers are left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for run in runs:
        for name, fit in run.fits.items():
            measured = [_plain(value, 4) for value in (fit.dice, fit.hd95_mm, fit.surface_dice)]
            sizes = [f"{n * run.voxel_ml:.3f}" for n in (fit.truth_voxels, fit.predicted_voxels)]
            tokens = ">".join(map(str, run.tokens))
            cost = (tokens, run.n_windows, f"{run.macs / 1e9:.3f}", f"{run.seconds:.3f}")
            ratio = _plain(fit.volume_ratio, 4)
            writer.writerow([run.case, f"{run.keep:g}", name, *measured, *sizes, *cost, ratio])
    return text.getvalue()


def to_markdown(heading: EvaluationHeading, rows: Sequence[KeepRow]) -> str:
    """Means per keep ratio, then per structure."""
    tolerance = "" if heading.tolerance_mm is None else f" at {heading.tolerance_mm:g} mm"
    n_cases = max((row.n_cases for row in rows), default=0)
    checksum = f" (sha256 {heading.sha256[:12]})" if heading.sha256 else ""
    means = [
        [
            "keep",
            "Dice",
            "HD95 (mm)",
            f"surface Dice{tolerance}",
            "volume ratio",
            "tokens",
            "GMACs",
            "s",
            "missed",
            "false alarms",
        ]
    ]
    for row in rows:
        quality = [
            _plain(row.overall.dice, 3),
            _plain(row.overall.hd95_mm, 1),
            _plain(row.overall.surface_dice, 3),
            _plain(row.overall.volume_ratio, 2),
        ]
        cost = [" > ".join(map(str, row.tokens)), f"{row.macs / 1e9:.1f}", f"{row.seconds:.2f}"]
        means.append([f"{row.keep:g}", *quality, *cost, str(row.missed), str(row.false_alarms)])
    parts = [
        f"# {heading.model}{checksum} on {n_cases} case{'s' * (n_cases != 1)}",
        f"{heading.device}, {heading.precision}; MACs and seconds of one case on average. A mean counts "
        "every structure alike; volume ratio = median of found volume / true volume."
        + (f" {heading.note}" if heading.note else ""),
        markdown_table(means),
        "## Dice by structure",
        _by_structure(rows, "dice", 3),
        "## Median volume ratio by structure",
        _by_structure(rows, "volume_ratio", 2),
    ]
    if heading.tolerance_mm is not None:
        parts += ["## HD95 (mm) by structure", _by_structure(rows, "hd95_mm", 1)]
        parts += [f"## Surface Dice{tolerance} by structure", _by_structure(rows, "surface_dice", 3)]
    return "\n\n".join(parts) + "\n"


def to_dict(heading: EvaluationHeading, rows: Sequence[KeepRow]) -> dict[str, Any]:
    """JSON-ready copy of the means; undefined numbers are None."""
    values: dict[str, Any] = without_nan({**heading._asdict(), "keep": [_row_dict(row) for row in rows]})
    return values


def _row_dict(row: KeepRow) -> dict[str, Any]:
    values = {**row._asdict(), **row.overall._asdict()}
    del values["overall"]
    return values | {"structures": {name: means._asdict() for name, means in row.structures.items()}}


def contrasts_to_markdown(heading: EvaluationHeading, rows: Mapping[str, KeepRow]) -> str:
    """Means at each contrast, then the Dice of every structure."""
    first = next(iter(rows.values()))
    means = [["contrast", "Dice", "HD95 (mm)", "surface Dice", "volume ratio"]]
    for name, row in rows.items():
        quantities = (("dice", 3), ("hd95_mm", 1), ("surface_dice", 3), ("volume_ratio", 2))
        means.append([name, *(_plain(getattr(row.overall, key), digits) for key, digits in quantities)])
    dice = [["structure", *rows]]
    for structure in first.structures:
        dice.append([structure, *(_plain(row.structures[structure].dice, 3) for row in rows.values())])
    plural = "s" * (first.n_cases != 1)
    parts = [
        f"# {heading.model} at other contrasts, on {first.n_cases} case{plural}, keep {first.keep:g}",
        markdown_table(means),
        "## Dice by structure",
        markdown_table(dice),
    ]
    return "\n\n".join(parts) + "\n"


def contrasts_to_dict(heading: EvaluationHeading, rows: Mapping[str, KeepRow]) -> dict[str, Any]:
    """JSON-ready copy of the means at each contrast; undefined numbers are None."""
    contrasts = {name: _row_dict(row) for name, row in rows.items()}
    values: dict[str, Any] = without_nan({**heading._asdict(), "contrasts": contrasts})
    return values


def _by_structure(rows: Sequence[KeepRow], quantity: str, digits: int) -> str:
    lines = [["structure", *(f"keep {row.keep:g}" for row in rows)]]
    for name in rows[0].structures if rows else ():
        lines.append([name, *(_plain(getattr(row.structures[name], quantity), digits) for row in rows)])
    return markdown_table(lines)


def markdown_table(lines: list[list[str]]) -> str:
    """Lay out lines of cells, the heading first."""
    ruled = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(cell or '-' for cell in line)} |" for line in ruled)


def _plain(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def without_nan(value: Any) -> Any:
    """Return plain values with None for numbers that are not finite."""
    if isinstance(value, dict):
        return {str(key): without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
