"""Opens a napari window with the dock and the files of a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari

from napari_scd.errors import InputError
from napari_scd.viewer.files import labels_of, placed, read_layers, stem_of
from napari_scd.viewer.layers import drawable_scores, token_colours
from napari_scd.volume import read_label_table, read_labels, read_volume

if TYPE_CHECKING:
    from collections.abc import Sequence


def open_window(
    scans: Sequence[str], labels: Sequence[str] = (), tokens: Sequence[str] = (), scores: Sequence[str] = ()
) -> int:
    """Open napari with the dock, show files, and return an exit code when the window is closed.

    Parameters
    ----------
    scans, labels, tokens, scores
        Files as the command line and the dock's Export write them.
    """
    try:
        found = [layer for scan in scans for layer in read_layers(scan)]
        found += [_tokens(Path(path)) for path in tokens]
        found += [_score(Path(path)) for path in scores]
        found += [_labels(Path(path)) for path in labels]
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    viewer = napari.Viewer()
    for data, keywords, kind in found:
        getattr(viewer, f"add_{kind}")(data, **keywords)
    viewer.window.add_plugin_dock_widget("napari-scd", "SCD")
    napari.run()
    return 0


def _labels(path: Path) -> tuple[Any, dict[str, Any], str]:
    data, keywords, kind = labels_of(read_labels(path), stem_of(path), read_label_table(path))
    return data, keywords | {"opacity": 0.5}, kind


def _tokens(path: Path) -> tuple[Any, dict[str, Any], str]:
    volume = read_labels(path)
    n_stages = max(int(volume.array.max(initial=2)) - 1, 1)
    colours = token_colours("dim", n_stages)
    return volume.array, placed(volume, stem_of(path)) | {"colormap": colours, "opacity": 1.0}, "labels"


def _score(path: Path) -> tuple[Any, dict[str, Any], str]:
    volume = read_volume(path)
    data, limits = drawable_scores(volume.array)
    look = {"colormap": "inferno", "blending": "additive", "contrast_limits": limits, "visible": False}
    nearest = {"interpolation2d": "nearest", "interpolation3d": "nearest"}
    return data, placed(volume, stem_of(path)) | look | nearest, "image"
