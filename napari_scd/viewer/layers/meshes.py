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
    view's frame.
    """
    vertices = found.surface.vertices_spl_mm
    points = np.column_stack([np.zeros((len(vertices), view.n_leading)), vertices])
    colour = np.append(np.asarray(found.label.colour, np.float32) / 255, 1.0)
    keywords = {
        "name": f"{name_of(view.name, 'surface')} {found.label.name}",
        "affine": view.layer_affine(np.eye(4)),
        "units": view.look["units"],
        "axis_labels": view.look["axis_labels"],
        "vertex_colors": np.tile(colour, (len(vertices), 1)),
        "shading": "smooth",
        "metadata": {"scd": {"structure": found.label.name, "label": found.label.index}},
    }
    return (points, found.surface.faces), keywords, "surface"
