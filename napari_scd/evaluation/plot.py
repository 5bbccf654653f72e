"""Mean Dice against seconds, one point per keep ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from napari_scd.volume import atomic_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_scd.evaluation.summary import KeepRow

_BLUE, _GREY = "#2b6cb0", "#9aa5b1"


def plot_dice_against_seconds(path: Path, title: str, rows: Sequence[KeepRow]) -> None:
    """Draw a PNG; the faint lines are single structures.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    figure = Figure(figsize=(6.4, 4.2), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    ordered = sorted(rows, key=lambda row: row.seconds)
    seconds = [row.seconds for row in ordered]
    for name in ordered[0].structures if ordered else ():
        axes.plot(
            seconds, [row.structures[name].dice for row in ordered], color=_GREY, linewidth=0.7, alpha=0.6
        )
    axes.plot(seconds, [row.overall.dice for row in ordered], "o-", color=_BLUE, linewidth=2)
    for row in ordered:
        axes.annotate(
            f"{row.keep:g}", (row.seconds, row.overall.dice), (0, 7), textcoords="offset points", ha="center"
        )
    axes.set_xlabel("seconds per case")
    axes.set_ylabel("mean Dice")
    axes.set_title(f"{title}: Dice against time, by keep ratio", fontsize=10, parse_math=False)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1)
    axes.grid(color="#e3e7eb")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")
