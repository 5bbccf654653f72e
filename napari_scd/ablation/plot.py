"""The grid as a picture: Dice against the keep ratio, and Dice against time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from napari_scd.volume import atomic_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from napari_scd.ablation.summary import SeedNoise, VariantRow

# Colour says how tokens are chosen, the line how the grid comes back.
_COLOURS = {
    "random": "#9c6b30",
    "attention": "#2f855a",
    "gumbel": "#b83280",
    "topk": "#dd8a1d",
    "stp": "#2b6cb0",
}
_FIXED = {"dense": "#1a202c", "control": "#9aa5b1"}


def plot_grid(path: Path, title: str, lines: Sequence[VariantRow], noise: SeedNoise | None = None) -> None:
    """Draw a PNG of the means over the seeds, and the smallest significant difference between two of them.

    Variants of one seed rise and fall together, so the range over the seeds would not show that.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    figure = Figure(figsize=(11.0, 4.6), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    against_keep, against_time = figure.subplots(1, 2, sharey=True)
    for name in dict.fromkeys(line.variant for line in lines):
        mine = [line for line in lines if line.variant == name]
        _draw(against_keep, against_time, name, mine)
    keeps = sorted({line.keep for line in lines})
    against_keep.set(xscale="log", xlabel="keep ratio per stage", ylabel="mean Dice")
    against_keep.set_xticks(keeps, [f"{keep:g}" for keep in keeps])
    against_keep.set_xticks([], minor=True)
    against_time.set(xlabel="ms a window")
    if noise is not None:
        _draw_measure(against_time, noise.difference)
    for axis in (against_keep, against_time):
        axis.grid(color="#e3e7eb")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *against_keep.get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=9
    )
    figure.suptitle(title, fontsize=11)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")


def _draw(against_keep: Axes, against_time: Axes, name: str, lines: list[VariantRow]) -> None:
    dice = [line.dice for line in lines]
    if name in _FIXED:
        against_keep.axhline(dice[0], color=_FIXED[name], linestyle=":", linewidth=1.8, label=name)
        against_time.plot([lines[0].window_s * 1000], dice[:1], "s", color=_FIXED[name], markersize=7)
        return
    pruning, _, completion = name.partition("+")
    look: dict[str, Any] = {
        "color": _COLOURS[pruning],
        "linestyle": "--" if completion == "mask" else "-",
        "marker": "x" if completion == "mask" else "o",
        "markersize": 5,
        "linewidth": 2.2 if name == "stp+mta" else 1.3,
    }
    against_keep.plot([line.keep for line in lines], dice, label=name, **look)
    against_time.plot([line.window_s * 1000 for line in lines], dice, **look)


def _draw_measure(axis: Axes, difference: float) -> None:
    """Draw a rule as long as the smallest significant difference, right of everything else."""
    (left, right), (low, high) = axis.get_xlim(), axis.get_ylim()
    place, middle = right + 0.03 * (right - left), (low + high) / 2
    axis.errorbar([place], [middle], yerr=[difference / 2], capsize=4, color="#52606d", linewidth=1.2)
    axis.annotate(
        "smallest significant difference",
        (place, middle),
        xytext=(5, 0),
        textcoords="offset points",
        rotation=90,
        va="center",
        fontsize=8,
        color="#52606d",
    )
    axis.set_xlim(left, right + 0.11 * (right - left))
