"""Surfaces of structures as napari Surface layers, where they lie on the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.viewer.layers.build import name_of

if TYPE_CHECKING:
    from napari_scd.viewer.layers.build import LayerTuple
    from napari_scd.viewer.layers.source_view import SourceView
    from napari_scd.volume import Label, Surface


class LabelSurface(NamedTuple):
    """A structure and its surface."""

    label: Label
    surface: Surface


def surface_layer(found: LabelSurface, view: SourceView) -> LayerTuple:
    """Return a structure's surface as a layer in its own colour.

    Vertices stay in millimetres of the patient; the layer's affine brings them to the viewer's world, at the
    view's frame. On a 3D image they get one more axis, of length 1, which shows no slider: without a hidden
    axis, napari 0.9 draws vertices in the order (z, y, x), even where the viewer shows its axes in another.
    """
    vertices = found.surface.vertices_spl_mm
    affine, units, names = view.layer_affine(np.eye(4)), view.look["units"], view.look["axis_labels"]
    if not view.n_leading:
        affine = np.pad(affine, ((1, 0), (1, 0)))
        affine[0, 0] = 1.0
        units, names = ("pixel", *units), ("surface", *names)
    points = np.column_stack([np.zeros((len(vertices), len(names) - 3)), vertices])
    colour = np.append(np.asarray(found.label.colour, np.float32) / 255, 1.0)
    keywords = {
        "name": f"{name_of(view.name, 'surface')} {found.label.name}",
        "affine": affine,
        "units": units,
        "axis_labels": names,
        "vertex_colors": np.tile(colour, (len(vertices), 1)),
        "shading": "smooth",
        "metadata": {"scd": {"structure": found.label.name, "label": found.label.index}},
    }
    return (points, found.surface.faces), keywords, "surface"
