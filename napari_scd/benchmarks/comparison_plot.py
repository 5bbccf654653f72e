"""Comparisons as a picture: time of a window against the keep ratio, other networks as level lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from napari_scd.benchmarks.comparison_result import Comparison

_OURS = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1", "#b83280")
_GREY = "#7b8794"
_CLOSE = 1.13  # names of lines nearer than this factor would overlap
_COLUMNS = (1.0, 0.76, 0.52)  # where names of such lines end, in shares of the width


def draw_comparisons(path: Path, results: Sequence[Comparison]) -> None:
    """Draw one panel for each comparison as PNG."""
    columns = min(len(results), 2)
    rows = -(-len(results) // columns)
    figure = Figure(figsize=(5.6 * columns, 4.2 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axis, result in zip(panels, results, strict=False):
        _draw(axis, result)
    for axis in panels[len(results) :]:
        axis.set_visible(False)
    figure.savefig(path, dpi=130, format="png")


def _draw(axis: Axes, result: Comparison) -> None:
    names = dict.fromkeys(row.network for row in result.rows if row.keep is not None)
    for name, colour in zip(names, _OURS * len(names), strict=False):
        rows = [row for row in result.rows if row.network == name]
        keeps, times = [row.keep or 1.0 for row in rows], [row.median_s * 1000 for row in rows]
        label = f"{name}, {rows[-1].speedup:.2f}x at {rows[-1].keep:g}"
        axis.plot(keeps, times, "o-", color=colour, label=label, markersize=4)
    fixed = sorted((row for row in result.rows if row.keep is None), key=lambda row: row.median_s)
    below = [0.0] * len(_COLUMNS)  # the highest line that each column has a name on so far
    for row in fixed:
        column = next((i for i, line in enumerate(below) if row.median_s > _CLOSE * line), 0)
        below[column] = row.median_s
        axis.axhline(row.median_s * 1000, color=_GREY, linestyle="--", linewidth=0.9)
        at, off = (_COLUMNS[column], row.median_s * 1000), (0, 2)
        look: dict[str, Any] = {"fontsize": 8, "color": _GREY, "ha": "right", "textcoords": "offset points"}
        look["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0.4, "alpha": 0.85}
        axis.annotate(row.network, at, off, xycoords=("axes fraction", "data"), **look)
    axis.set(xscale="log", yscale="log", xlabel="keep ratio per stage", ylabel="ms a window")
    every = [row.median_s * 1000 for row in result.rows]
    axis.set_ylim(min(every) / 2.5, max(every) * 1.6)  # room for the legend
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, place: f"{value:g}"))
    axis.yaxis.set_minor_locator(NullLocator())
    ticks = sorted({row.keep for row in result.rows if row.keep is not None}) or [1.0]
    axis.set_xticks(ticks, [f"{keep:g}" for keep in ticks])
    axis.set_xticks([], minor=True)
    axis.set_xlim(min(ticks) * 0.85, 2.2 if fixed else 1.15)
    size = " x ".join(map(str, result.window.roi))
    axis.set_title(f"{result.task}, {size}, {result.precision}, {_threads(result)}", fontsize=9)
    axis.grid(axis="y", color="#e3e7eb")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, fontsize=8, loc="lower right")


def _threads(result: Comparison) -> str:
    plural = "s" if result.threads != 1 else ""
    return f"{result.device}, {result.threads} thread{plural}, {result.clock} time"
