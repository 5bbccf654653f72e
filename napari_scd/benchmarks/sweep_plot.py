"""A sweep of keep ratios as a picture: stacked times of the parts, and the speed-up above each bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_scd.benchmarks.comparison_result import Comparison

_PARTS = (
    ("image branch", "#f3cf95", "image_s"),
    ("encoder before the first stage", "#969ca4", "prefix_s"),
    ("later blocks", "#2b6cb0", "blocks_s"),
    ("token assembly", "#63b3ed", "assembly_s"),
    ("decoder", "#e8a33d", "decoder_s"),
)


def draw_timing(path: Path, results: Sequence[Comparison]) -> None:
    """Draw one panel for each benchmark as PNG."""
    figure = Figure(figsize=(5.2 * len(results) + 0.6, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(results), squeeze=False)[0]
    for axis, result in zip(panels, results, strict=True):
        names = [f"{row.keep:g}" for row in result.rows]
        bottom = [0.0] * len(names)
        for words, colour, part in _PARTS:
            heights = [getattr(row.parts, part) * 1000 for row in result.rows]
            axis.bar(names, heights, bottom=bottom, color=colour, label=words, width=0.7)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
        for x, (row, top) in enumerate(zip(result.rows, bottom, strict=True)):
            above = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center", "fontsize": 9}
            axis.annotate(f"{row.speedup:.2f}x", (x, top), **above)
        axis.set(xlabel="keep ratio per stage", ylabel="ms per window", ylim=(0, max(bottom) * 1.6))
        threads = f"{result.threads} thread{'s' if result.threads != 1 else ''}"
        axis.set_title(
            f"{result.rows[0].network}, {result.precision}, {result.device}, {threads}",
            fontsize=10,
        )
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=9, loc="upper right")
    figure.savefig(path, dpi=130, format="png")
