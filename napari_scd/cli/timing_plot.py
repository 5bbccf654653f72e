"""A sweep of keep ratios as a picture: stacked times of the parts, and the speed-up above each bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_scd.benchmarks import WindowBenchmark

_PARTS = (
    ("before the first stage", "#969ca4"),
    ("later blocks and assembly", "#2b6cb0"),
    ("decoder", "#e8a33d"),
)


def draw_timing(path: Path, results: Sequence[WindowBenchmark]) -> None:
    """Draw one panel for each benchmark as PNG."""
    figure = Figure(figsize=(5.2 * len(results) + 0.6, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(results), squeeze=False)[0]
    for axis, result in zip(panels, results, strict=True):
        names = [f"{row.keep:g}" for row in result.rows]
        bottom = [0.0] * len(names)
        for part, (words, colour) in enumerate(_PARTS):
            heights = [row.median[part] * 1000 for row in result.rows]
            axis.bar(names, heights, bottom=bottom, color=colour, label=words, width=0.7)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
        for x, (row, top) in enumerate(zip(result.rows, bottom, strict=True)):
            above = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center", "fontsize": 9}
            axis.annotate(f"{row.speedup:.2f}x", (x, top), **above)
        axis.set(xlabel="keep ratio per stage", ylabel="ms per window", ylim=(0, max(bottom) * 1.28))
        axis.set_title(
            f"{result.model}, {result.precision}, {result.device}, {result.threads} threads", fontsize=10
        )
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=9, loc="upper right")
    figure.savefig(path, dpi=130, format="png")
