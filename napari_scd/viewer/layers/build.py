"""Results -> plain layer tuples (data, keywords, type), and the colours they are drawn in; no napari."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.engine import stage_colour, stage_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.layers.source_view import SourceView
    from napari_scd.volume import LabelTable, Volume

LayerTuple = tuple[Any, dict[str, Any], str]
Colour = tuple[float, float, float, float]
Colours = dict[int | None, Colour]

CLEAR: Colour = (0.0, 0.0, 0.0, 0.0)
DIMMEST = 0.75
PREVIEW_OPACITY = 0.8
CONTOUR_VOX = 1  # previews are outlines on slices, so that the scan below them stays readable
VEIL_OPACITY = 0.15  # of the preview in 3D, where it would hide the tokens inside
DOUBT_COLOURS = [[1.0, 0.85, 0.2, 0.9], [0.85, 0.2, 0.1, 0.6], [0.85, 0.2, 0.1, 0.0]]  # from unsure to sure
DOUBT_LIMITS = (40.0, 95.0)  # per cent; a coin's toss between two labels glows
EVERYTHING = "all structures"  # a click that took every label of its window


def name_of(source: str, kind: str) -> str:
    """Name of one of our layers: kind is preview, seg, tokens, score, clicks or stages."""
    return f"{source} [SCD {kind}]"


class Voxels(NamedTuple):
    """How much of a structure was found."""

    voxels: int
    volume_ml: float


def measure(labels: np.ndarray, table: LabelTable, voxel_ml: float) -> dict[int, Voxels]:
    """Count every label of the table in a label map."""
    counts = np.bincount(labels.reshape(-1), minlength=max(table.indices, default=0) + 1)
    return {i: Voxels(int(counts[i]), float(counts[i] * voxel_ml)) for i in table.indices}


def labels_layer(
    data: np.ndarray, view: SourceView, table: LabelTable, *, kind: str, report: dict[str, Any]
) -> LayerTuple:
    """Return a label map on the image's own grid: "preview" or "seg".

    Parameters
    ----------
    data
        Unsigned integers of the image layer's full shape.
    kind
        Part of the layer's name.
    report
        Provenance (JSON values), kept in ``metadata["scd"]``.
    """
    metadata: dict[str, Any] = {"scd": report | {"labels": table.to_list()}}
    if view.source is not None:
        metadata["scd_source"] = view.source
    keywords = dict(view.look) | {
        "name": name_of(view.name, kind),
        "colormap": label_colours(table),
        "opacity": PREVIEW_OPACITY if kind == "preview" else 0.5,
        "features": features_of({}, table),
        "metadata": metadata,
    }
    return data, keywords, "labels"


def features_of(found: dict[int, Voxels], table: LabelTable) -> dict[str, list[Any]]:
    """Columns index, name, voxels, volume_ml: napari shows them while the mouse is over a label."""
    none = Voxels(0, 0.0)
    return {
        "index": list(table.indices),
        "name": list(table.names),
        "voxels": [found.get(i, none).voxels for i in table.indices],
        "volume_ml": [round(found.get(i, none).volume_ml, 3) for i in table.indices],
    }


def label_colours(table: LabelTable) -> Colours:
    """Colour of every label; anything else is clear."""
    colours: Colours = {None: CLEAR, 0: CLEAR}
    for label in table.labels:
        red, green, blue = (part / 255 for part in label.colour)
        colours[label.index] = (red, green, blue, 1.0)
    return colours


def tokens_layer(tokens: Volume, view: SourceView, colours: Colours, report: dict[str, Any]) -> LayerTuple:
    """Return the token map: s = left at stage s, S+1 = survived, 0 = not computed."""
    data = _with_leading_axes(tokens.array.astype(np.uint8), view)
    n_stages = int(report.get("n_stages", max(int(data.max(initial=1)) - 1, 1)))
    keywords = _on_token_grid(tokens, view, report) | {
        "name": name_of(view.name, "tokens"),
        "colormap": colours,
        "opacity": 1.0,
        "rendering": "iso_categorical",
        "features": {
            "index": list(range(n_stages + 2)),
            "name": ["not computed", *stage_table(n_stages).names],
        },
    }
    return data, keywords, "labels"


def score_layer(scores: Volume, view: SourceView, report: dict[str, Any]) -> LayerTuple:
    """Return the heat map of stage-1 scores; tokens not computed are black, which adds nothing."""
    data, limits = drawable_scores(scores.array)
    keywords = _on_token_grid(scores, view, report) | {
        "name": name_of(view.name, "score"),
        "colormap": "inferno",
        "blending": "additive",
        "opacity": 0.7,
        "interpolation2d": "nearest",
        "interpolation3d": "nearest",
        "contrast_limits": limits,
    }
    return _with_leading_axes(data, view), keywords, "image"


def confidence_layer(percent: np.ndarray, view: SourceView, report: dict[str, Any]) -> LayerTuple:
    """Return how sure the model is of each voxel, in per cent: what is doubtful glows, the rest is clear.

    Voxels that the model did not look at count as sure.
    """
    keywords = dict(view.look) | {
        "name": name_of(view.name, "confidence"),
        "colormap": {"colors": DOUBT_COLOURS, "name": "SCD doubt"},
        "blending": "translucent_no_depth",
        "contrast_limits": DOUBT_LIMITS,
        "metadata": {"scd": report},
    }
    whole = np.full(view.layer_shape, 100, np.uint8)
    whole[view.frame] = np.where(percent == 0, 100, percent)
    return whole, keywords, "image"


def drawable_scores(scores: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Fill NaN with the lowest score; return limits that ignore the last two per cent at both ends."""
    known = scores[np.isfinite(scores)]
    if known.size == 0:
        return np.zeros(scores.shape, np.float32), (0.0, 1.0)
    low, high = (float(limit) for limit in np.percentile(known, (2, 98)))
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    return np.where(np.isfinite(scores), scores, min(low, float(known.min()))).astype(np.float32), (low, high)


def clicks_layer(
    points: Sequence[Sequence[float]], rows: dict[str, list[Any]], view: SourceView
) -> LayerTuple:
    """Return the record of clicks as Points on the image's grid, with columns label, keep and time."""
    keywords = dict(view.look) | {
        "name": name_of(view.name, "clicks"),
        "features": rows,
        "size": 12 / max(1e-6, float(np.mean(view.spacing_mm))) / 4,
        "symbol": "cross",
        "face_color": "white",
        "border_color": "black",
        "border_width": 0.1,
        "ndim": view.matrix.shape[0] - 1,
        "out_of_slice_display": False,
    }
    data = np.asarray(points, float).reshape(-1, view.matrix.shape[0] - 1)
    return data, keywords, "points"


def stages_layer(tokens: Volume, view: SourceView, n_stages: int, report: dict[str, Any]) -> LayerTuple:
    """Return the token map exploded over one more axis, "stage".

    At stage s: 0 = not computed, 1 = gone by then, 2 = stays longer, 2 + e = goes next, at stage e, or is one
    of those that survive (e = S+1). So each token has its own value once.
    """
    exits = _with_leading_axes(tokens.array, view).astype(np.uint8)
    shown = [
        np.where(exits == 0, 0, np.where(exits <= stage, 1, np.where(exits == stage + 1, 2 + exits, 2)))
        for stage in range(n_stages + 1)
    ]
    keywords = _on_token_grid(tokens, view, report)
    affine = np.eye(keywords["affine"].shape[0] + 1)
    affine[1:, 1:] = keywords["affine"]
    keywords |= {
        "name": name_of(view.name, "stages"),
        "affine": affine,
        "units": ("pixel", *keywords["units"]),
        "axis_labels": ("stage", *keywords["axis_labels"]),
        "colormap": stages_colours(n_stages, solid=False),
        "opacity": 1.0,
        "rendering": "iso_categorical",
        "features": {
            "index": list(range(n_stages + 4)),
            "name": ["not computed", "gone", "stays longer", *stage_table(n_stages).names],
        },
    }
    return np.stack(shown).astype(np.uint8), keywords, "labels"


def stages_colours(n_stages: int, *, solid: bool) -> Colours:
    """Return the colours of the exploded stages: gone tokens dimmed in 2D, those that go next solid in 3D."""
    colours: Colours = {None: CLEAR, 0: CLEAR, 2: CLEAR}
    colours[1] = CLEAR if solid else (0.0, 0.0, 0.0, DIMMEST)
    for value in range(1, n_stages + 2):
        colours[2 + value] = rgba(exit_colour(value, n_stages)) if solid else CLEAR
    return colours


def token_colours(
    show: str, n_stages: int, *, stage: int = 0, solid: bool = False, estimated: bool = False
) -> Colours:
    """Return the colours of a token map; the stage buttons only swap these.

    Parameters
    ----------
    show
        "dim" veils tokens the darker the earlier they left; "exit" colours them by the stage they left at.
    stage
        Show the tokens as they stood after this stage; 0 = after all of them.
    solid
        For 3D: survivors are solid blocks and everything else is clear.
    estimated
        Later stages are drawn at half strength, because they come from old scores.
    """
    last = n_stages + 1
    colours: Colours = {None: CLEAR, 0: CLEAR}
    for value in range(1, last + 1):
        survives = value == last or (0 < stage < value)
        veil = 0.5 if estimated and value > 1 else 1.0
        if solid:
            colours[value] = rgba(exit_colour(value, n_stages)) if survives else CLEAR
        elif show == "dim":
            colours[value] = (
                CLEAR if survives else (0.0, 0.0, 0.0, DIMMEST * (last - value) / n_stages * veil)
            )
        else:
            colour = exit_colour(last if survives else value, n_stages)
            colours[value] = rgba(colour, 0.55 * veil)
    return colours


def exit_colour(value: int, n_stages: int) -> str:
    """Colour of tokens that left at stage `value` (1..S), or survived (S+1), as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*stage_colour(value, n_stages))


def rgba(colour: str, alpha: float = 1.0) -> Colour:
    """Return "#rrggbb" as four numbers in [0, 1]."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, alpha


def _on_token_grid(tokens: Volume, view: SourceView, report: dict[str, Any]) -> dict[str, Any]:
    return {
        "affine": view.layer_affine(tokens.affine),
        "units": view.look["units"],
        "axis_labels": view.look["axis_labels"],
        "metadata": {"scd": report},
    }


def _with_leading_axes(array: np.ndarray, view: SourceView) -> np.ndarray:
    return array.reshape((1,) * view.n_leading + array.shape)
