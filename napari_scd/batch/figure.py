"""One picture that explains a run: scan with contours above, and where each token left the network below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from napari_scd.batch.planes import cut_planes
from napari_scd.engine import stage_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from napari_scd.batch.planes import Plane
    from napari_scd.engine import Segmentation
    from napari_scd.volume import LabelTable, Volume

_DARK = (0.063, 0.075, 0.09)
_FEW, _COLUMNS = 6, 4
_LINE_INCH = 0.21
_PAPER, _INK, _FAINT = "#101317", "#eceff3", "#98a1ad"


class Caption(NamedTuple):
    """The text around the picture: a headline, a line below it, colour and words of each legend entry."""

    headline: str
    below: str
    structures: Sequence[tuple[tuple[int, int, int], str]]


def draw_figure(
    path: Path, volume: Volume, segmentation: Segmentation, table: LabelTable, *, caption: Caption
) -> None:
    """Draw three planes as PNG.

    Parameters
    ----------
    path : Path
    volume : Volume
        The scan, one channel.
    segmentation : Segmentation
        With at least one voxel labelled.
    table : LabelTable
        Colours of the structures.
    caption : Caption
    """
    planes = cut_planes(volume, segmentation)
    widths = [plane.scan.shape[1] * plane.spacing_mm[1] for plane in planes]
    heights = [plane.scan.shape[0] * plane.spacing_mm[0] for plane in planes]
    below_inch = 1.39
    if len(caption.structures) > _FEW:
        below_inch = (_legend_rows(caption.structures) + 6) * _LINE_INCH
    height = 7.0 + below_inch
    figure = Figure(figsize=(12.6, height), facecolor=_PAPER)
    FigureCanvasAgg(figure)
    axes = figure.subplots(
        2,
        3,
        gridspec_kw={
            "width_ratios": [width / height for width, height in zip(widths, heights, strict=True)],
            "left": 0.035, "right": 0.985, "wspace": 0.05, "hspace": 0.06,
            "bottom": below_inch / height, "top": 1 - 1.13 / height,
        },
    )  # fmt: skip
    seen = np.concatenate([plane.scan.ravel() for plane in planes])
    low, high = (float(value) for value in np.percentile(seen, (1, 99.8)))
    for plane, (above, below) in zip(planes, axes.T, strict=True):
        for axis in (above, below):
            _show_scan(axis, plane, (low, high + 0.12 * (high - low)))
        _outline(above, plane, table)
        _colour_tokens(below, plane, len(segmentation.stage_scores))
        above.set_title(f"{plane.name}, {_side(plane)}", color=_INK, fontsize=11, pad=6)
    for axis, words in zip(axes[:, 0], ("scan and result", "where the network looked"), strict=True):
        axis.set_ylabel(words, color=_FAINT, fontsize=11, labelpad=8)
    _write_words(figure, segmentation, caption, below_inch / height)
    figure.savefig(path, dpi=130, facecolor=_PAPER, format="png")


def _show_scan(axis: Axes, plane: Plane, window: tuple[float, float]) -> None:
    rows, columns = plane.scan.shape
    axis.imshow(plane.scan, cmap="gray", vmin=window[0], vmax=window[1], interpolation="bicubic")
    axis.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    axis.set_aspect(plane.spacing_mm[0] / plane.spacing_mm[1])
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_color("#2a3038")
    places = ((0.02, 0.5), (0.98, 0.5), (0.5, 0.965), (0.5, 0.035))
    for letter, (x, y) in zip(plane.ends, places, strict=True):
        where: dict[str, Any] = {"transform": axis.transAxes, "ha": "center", "va": "center", "zorder": 4}
        axis.text(x, y, letter, fontsize=9, color="white", alpha=0.85, **where)


def _outline(axis: Axes, plane: Plane, table: LabelTable) -> None:
    for label in table.labels:
        mask = plane.labels == label.index
        if mask.any():
            colour = [value / 255 for value in label.colour]
            axis.contourf(mask, levels=[0.5, 1.5], colors=[(*colour, 0.15)])
            axis.contour(mask, levels=[0.5], colors=[colour], linewidths=1.6)


def _colour_tokens(axis: Axes, plane: Plane, n_stages: int) -> None:
    """Lay the exit stages over the scan; tokens that left early are dark, those not computed darker still."""
    colours = np.zeros((n_stages + 2, 4), np.float32)
    colours[0] = (*_DARK, 0.85)
    for label in stage_table(n_stages).labels:
        kept = (label.index - 1) / max(n_stages, 1)
        colours[label.index] = (*(value / 255 for value in label.colour), 0.36 + 0.14 * kept)
    if n_stages:
        colours[1] = (*_DARK, 0.66)
    overlay = colours[plane.tokens]
    overlay[plane.edges & (plane.tokens > 0)] = (*_DARK, 0.5)
    rows, columns = plane.scan.shape
    axis.imshow(overlay, extent=(-0.5, columns - 0.5, rows - 0.5, -0.5), interpolation="nearest", zorder=2)
    axis.set_aspect(plane.spacing_mm[0] / plane.spacing_mm[1])
    if (plane.labels > 0).any():
        axis.contour(plane.labels > 0, levels=[0.5], colors=["white"], linewidths=1.2, zorder=3)


def _write_words(figure: Figure, segmentation: Segmentation, caption: Caption, room: float) -> None:
    top = 1 - 0.38 / figure.get_figheight()
    figure.text(0.035, top, caption.headline, color=_INK, fontsize=17, fontweight="bold", va="center")
    line = top - 0.32 / figure.get_figheight()
    figure.text(0.035, line, caption.below, color=_FAINT, fontsize=11, va="center")
    counts = _tokens_by_exit(segmentation.tokens.array, len(segmentation.stage_scores))
    stages = [
        Patch(color=_hex(label.colour), label=f"{label.name}: {counts[label.index]}")
        for label in stage_table(len(segmentation.stage_scores)).labels
    ]
    found = [Line2D([], [], color=_hex(colour), lw=3, label=text) for colour, text in caption.structures]
    many = len(found) > _FEW
    words = "contours, left | right" if many else "contours"
    left = 0.028 if many else 0.37
    below = room - 0.015 - (_legend_rows(found) + 1.6) * _LINE_INCH / figure.get_figheight() * many
    tokens = "tokens, one per patch of the scan, by where they left the network"
    _legend(figure, found, words, (0.028, room - 0.015), _COLUMNS if many else 1)
    _legend(figure, stages, tokens, (left, below), len(stages))
    foot = "white line: the contour above \u00b7 research use only"
    at = below - 3.4 * _LINE_INCH / figure.get_figheight()
    figure.text(left + 0.007, at, foot, color=_FAINT, fontsize=9.5, va="center")


def _legend(
    figure: Figure, handles: Sequence[Any], title: str, corner: tuple[float, float], columns: int
) -> None:
    look: dict[str, Any] = {"frameon": False, "labelcolor": _INK, "fontsize": 10, "alignment": "left"}
    legend = figure.legend(
        handles=handles,
        title=title,
        loc="upper left",
        bbox_to_anchor=corner,
        ncols=columns,
        columnspacing=1.4,
        handlelength=1.3,
        title_fontsize=10,
        **look,
    )
    legend.get_title().set_color(_FAINT)


def _legend_rows(entries: Sequence[Any]) -> int:
    return -(-len(entries) // _COLUMNS)


def _tokens_by_exit(tokens: NDArray[np.uint8], n_stages: int) -> NDArray[np.int_]:
    return np.bincount(tokens.ravel(), minlength=n_stages + 2)


def _side(plane: Plane) -> str:
    letters = {"axial": ("S", "I"), "coronal": ("A", "P"), "sagittal": ("R", "L")}[plane.name]
    return f"{abs(plane.at_mm):.0f} mm {letters[plane.at_mm < 0]}"


def _hex(colour: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
