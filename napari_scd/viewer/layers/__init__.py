"""Results as napari layers, and layers as volumes; no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.viewer.layers.box_drawing import drawn_box as drawn_box
    from napari_scd.viewer.layers.build import CLEAR as CLEAR
    from napari_scd.viewer.layers.build import EVERYTHING as EVERYTHING
    from napari_scd.viewer.layers.build import PREVIEW_OPACITY as PREVIEW_OPACITY
    from napari_scd.viewer.layers.build import VEIL_OPACITY as VEIL_OPACITY
    from napari_scd.viewer.layers.build import Colours as Colours
    from napari_scd.viewer.layers.build import LayerTuple as LayerTuple
    from napari_scd.viewer.layers.build import Voxels as Voxels
    from napari_scd.viewer.layers.build import clicks_layer as clicks_layer
    from napari_scd.viewer.layers.build import confidence_layer as confidence_layer
    from napari_scd.viewer.layers.build import exit_colour as exit_colour
    from napari_scd.viewer.layers.build import features_of as features_of
    from napari_scd.viewer.layers.build import label_colours as label_colours
    from napari_scd.viewer.layers.build import labels_layer as labels_layer
    from napari_scd.viewer.layers.build import measure as measure
    from napari_scd.viewer.layers.build import rgba as rgba
    from napari_scd.viewer.layers.build import score_layer as score_layer
    from napari_scd.viewer.layers.build import stages_colours as stages_colours
    from napari_scd.viewer.layers.build import stages_layer as stages_layer
    from napari_scd.viewer.layers.build import token_colours as token_colours
    from napari_scd.viewer.layers.build import tokens_layer as tokens_layer
    from napari_scd.viewer.layers.layer_place import finest as finest
    from napari_scd.viewer.layers.layer_place import frame_lengths as frame_lengths
    from napari_scd.viewer.layers.layer_place import layer_matrix as layer_matrix
    from napari_scd.viewer.layers.layer_place import spatial_part as spatial_part
    from napari_scd.viewer.layers.letters import edges_on_screen as edges_on_screen
    from napari_scd.viewer.layers.look import as_channels as as_channels
    from napari_scd.viewer.layers.look import look_at as look_at
    from napari_scd.viewer.layers.look import problem_of as problem_of
    from napari_scd.viewer.layers.look import record_in as record_in
    from napari_scd.viewer.layers.look import with_channels as with_channels
    from napari_scd.viewer.layers.meshes import LabelSurface as LabelSurface
    from napari_scd.viewer.layers.meshes import surface_layer as surface_layer
    from napari_scd.viewer.layers.picking import voxel_under as voxel_under
    from napari_scd.viewer.layers.planes import THREE_PLANES as THREE_PLANES
    from napari_scd.viewer.layers.planes import Cuts as Cuts
    from napari_scd.viewer.layers.planes import SlicePlane as SlicePlane
    from napari_scd.viewer.layers.planes import outlines as outlines
    from napari_scd.viewer.layers.prompts import boxes_layer as boxes_layer
    from napari_scd.viewer.layers.prompts import mark_kinds as mark_kinds
    from napari_scd.viewer.layers.slices import grey as grey
    from napari_scd.viewer.layers.slices import middle_slice as middle_slice
    from napari_scd.viewer.layers.source_view import SourceView as SourceView
    from napari_scd.viewer.layers.store import LayerStore as LayerStore
    from napari_scd.viewer.layers.store import StoreMemory as StoreMemory
    from napari_scd.viewer.layers.table_colormap import colour_table as colour_table
    from napari_scd.viewer.layers.writing import redraw as redraw
    from napari_scd.viewer.layers.writing import write_labels_into as write_labels_into

_HOME_OF = {
    "CLEAR": "build",
    "Colours": "build",
    "Cuts": "planes",
    "EVERYTHING": "build",
    "LabelSurface": "meshes",
    "LayerStore": "store",
    "LayerTuple": "build",
    "PREVIEW_OPACITY": "build",
    "SlicePlane": "planes",
    "SourceView": "source_view",
    "StoreMemory": "store",
    "THREE_PLANES": "planes",
    "VEIL_OPACITY": "build",
    "Voxels": "build",
    "as_channels": "look",
    "boxes_layer": "prompts",
    "clicks_layer": "build",
    "colour_table": "table_colormap",
    "drawn_box": "box_drawing",
    "edges_on_screen": "letters",
    "confidence_layer": "build",
    "exit_colour": "build",
    "features_of": "build",
    "finest": "layer_place",
    "frame_lengths": "layer_place",
    "grey": "slices",
    "label_colours": "build",
    "labels_layer": "build",
    "layer_matrix": "layer_place",
    "look_at": "look",
    "mark_kinds": "prompts",
    "measure": "build",
    "middle_slice": "slices",
    "outlines": "planes",
    "problem_of": "look",
    "record_in": "look",
    "redraw": "writing",
    "rgba": "build",
    "score_layer": "build",
    "spatial_part": "layer_place",
    "stages_colours": "build",
    "stages_layer": "build",
    "surface_layer": "meshes",
    "token_colours": "build",
    "tokens_layer": "build",
    "voxel_under": "picking",
    "with_channels": "look",
    "write_labels_into": "writing",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
