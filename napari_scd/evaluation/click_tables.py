"""Clicks as CSV (every click), Markdown (means, to read), plain values (for JSON) and a plot."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from napari_scd.evaluation.clicks import GOOD_DICE, MOST_CLICKS
from napari_scd.evaluation.tables import markdown_table, without_nan
from napari_scd.volume import atomic_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_scd.evaluation.click_summary import ClickMeans, ClickRow
    from napari_scd.evaluation.clicks import ClickTrack

_COLUMNS = ("model", "case", "structure", "voxels", "click", "kind", "z", "y", "x")
_MEASURED = ("dice", "seconds", "windows", "tokens")
_BLUE, _GREY = "#2b6cb0", "#9aa5b1"


class ClickHeading(NamedTuple):
    """How it was measured; `keep` None is each model's own."""

    model: str
    sha256: str
    device: str
    precision: str
    keep: float | None = None
    chooser: str = "learned"


def clicks_to_csv(tracks: Mapping[str, Sequence[ClickTrack]]) -> str:
    """One line per click; `tracks` by model."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*_COLUMNS, *_MEASURED])
    for model, some in tracks.items():
        for track in some:
            for number, step in enumerate(track.steps, start=1):
                kind = "include" if step.include else "exclude"
                measured = [f"{step.dice:.4f}", f"{step.seconds:.3f}", step.n_windows]
                tokens = ">".join(map(str, step.tokens))
                about = [model, track.case, track.structure, track.voxels, number, kind, *step.voxel]
                writer.writerow([*about, *measured, tokens])
    return text.getvalue()


def clicks_to_markdown(heading: ClickHeading, rows: Sequence[ClickRow]) -> str:
    """Means of each model, then Dice by structure."""
    checksum = f" (sha256 {heading.sha256[:12]})" if heading.sha256 else ""
    first = rows[0]
    counts = list(first.overall.dice)
    columns = [
        *(f"Dice {count}" for count in counts),
        f"clicks to {GOOD_DICE:g}",
        "reached",
        "s median",
        "s 95 %",
    ]
    means = [["model", *columns, "tokens"]]
    for row in rows:
        times = [f"{row.seconds_median:.2f}", f"{row.seconds_p95:.2f}"]
        means.append([row.model, *_cells(row.overall, counts), *times, " > ".join(map(str, row.tokens))])
    parts = [
        f"# {heading.model}{checksum}, clicked, on {first.n_cases} case{'s' * (first.n_cases != 1)}",
        f"{_measured_how(heading)} The simulated user clicks at the deepest voxel of the structure, then at "
        f"that of the largest error, up to {MOST_CLICKS} times until Dice {GOOD_DICE:g}. Each click on a "
        "model with names adds the structure under it. A mean counts every structure equally.",
        markdown_table(means),
    ]
    for row in rows:
        lines = [["structure", "n", *columns[:-2]]]
        lines += [[name, str(m.n), *_cells(m, counts)] for name, m in row.structures.items()]
        parts += [f"## {row.model} by structure", markdown_table(lines)]
    return "\n\n".join(parts) + "\n"


def clicks_to_dict(heading: ClickHeading, rows: Sequence[ClickRow]) -> dict[str, Any]:
    """JSON-ready copy: the model's own figures, and under "baselines" those of the others."""
    values = {**heading._asdict(), **_row_dict(rows[0])}
    if rows[1:]:
        values["baselines"] = {row.model: _row_dict(row) for row in rows[1:]}
    plain: dict[str, Any] = without_nan(values)
    return plain


def plot_dice_against_clicks(path: Path, rows: Sequence[ClickRow]) -> None:
    """Draw a PNG; faint lines are single structures of the first model, grey ones the other models.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    figure = Figure(figsize=(6.4, 4.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    counts = list(rows[0].overall.dice)
    for means in rows[0].structures.values():
        axes.plot(counts, [means.dice[count] for count in counts], color=_BLUE, linewidth=0.7, alpha=0.35)
    for number, row in enumerate(rows):
        line, colour = ("o--", _GREY) if number else ("o-", _BLUE)
        dice = [row.overall.dice[count] for count in counts]
        axes.plot(counts, dice, line, linewidth=2, label=row.model, color=colour)
    axes.set_xlabel("clicks")
    axes.set_ylabel("mean Dice")
    axes.set_title(f"{rows[0].model}: Dice against clicks", fontsize=10, parse_math=False)
    axes.set_xticks(counts)
    axes.set_ylim(0, 1)
    axes.grid(color="#e3e7eb")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if len(rows) > 1:
        axes.legend(frameon=False, fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")


def _cells(means: ClickMeans, counts: Sequence[int]) -> list[str]:
    dice = [f"{means.dice[count]:.3f}" for count in counts]
    return [*dice, f"{means.clicks_to_good:.1f}", f"{100 * means.good_share:.0f} %"]


def _measured_how(heading: ClickHeading) -> str:
    keep = "each model's own keep ratio" if heading.keep is None else f"keep {heading.keep:g}"
    chosen = "" if heading.chooser == "learned" else f", tokens chosen by '{heading.chooser}'"
    return f"{heading.device}, {heading.precision}, {keep}{chosen}."


def _row_dict(row: ClickRow) -> dict[str, Any]:
    return {
        "mean": _means_dict(row.overall),
        "seconds_per_click": {"median": row.seconds_median, "p95": row.seconds_p95},
        "clicks_to_dice_0.85": {"mean": row.overall.clicks_to_good, "reached": row.overall.good_share},
        "tokens": list(row.tokens),
        "cases": row.n_cases,
        "structures": {
            name: {
                **_means_dict(means),
                "clicks_to_dice_0.85": means.clicks_to_good,
                "reached": means.good_share,
                "cases": means.n,
            }
            for name, means in row.structures.items()
        },
    }


def _means_dict(means: ClickMeans) -> dict[str, float]:
    return {str(count): value for count, value in means.dice.items()}
