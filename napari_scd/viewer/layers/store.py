"""Our layers in one viewer: found by `unique_id`, never by name; all others are left as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.viewer.layers.build import CONTOUR_VOX, EVERYTHING
from napari_scd.viewer.layers.layer_place import find_layer, layer_matrix
from napari_scd.viewer.layers.screen import Screen
from napari_scd.viewer.layers.table_colormap import colour_table, set_look
from napari_scd.viewer.layers.writing import redraw

if TYPE_CHECKING:
    from collections.abc import Hashable

    import napari

    from napari_scd.viewer.layers.build import Colours, LayerTuple
    from napari_scd.viewer.layers.source_view import SourceView

CLICK_COLUMNS = frozenset({"label", "keep", "time"})
_PLACE = ("scale", "translate", "rotate", "shear", "affine")
_LOOK = ("units", "colormap", "features", "metadata", "contrast_limits")


class StoreMemory(NamedTuple):
    """Which layers are ours, by image and kind, and what we did to them.

    Parameters
    ----------
    drawn
        How we drew each.
    hidden
        Those that are hidden while another image is chosen.
    filled
        Those that are outlines only while tokens are shown.
    behind
        Those that are hidden while surfaces are on screen.
    """

    ours: dict[tuple[Hashable, str], Hashable]
    drawn: dict[Hashable, dict[str, Any]]
    hidden: set[Hashable]
    filled: set[Hashable]
    behind: set[Hashable]


class LayerStore:
    """Adds, updates and removes our layers; `screen` is what the viewer shows of them.

    Parameters
    ----------
    viewer
        A napari viewer, viewer model or public proxy of one.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self.screen = Screen(viewer)
        self._viewer = viewer
        self._ours: dict[tuple[Hashable, str], Hashable] = {}
        self._drawn: dict[Hashable, dict[str, Any]] = {}
        self._hidden: set[Hashable] = set()
        self._filled: set[Hashable] = set()
        self._behind: set[Hashable] = set()

    @property
    def layers(self) -> list[Any]:
        """All layers of the viewer, from the bottom up."""
        return list(self._viewer.layers)

    @property
    def memory(self) -> StoreMemory:
        """Which layers are ours."""
        return StoreMemory(self._ours, self._drawn, self._hidden, self._filled, self._behind)

    def remember(self, memory: StoreMemory) -> None:
        """Take layers for ours, because another store says so."""
        self._ours, self._drawn, self._hidden, self._filled, self._behind = memory

    def layer(self, uid: Hashable | None) -> Any | None:
        """Return the layer with a `unique_id`, None when it is gone."""
        return find_layer(self._viewer, uid)

    def images(self) -> list[Any]:
        """Return image layers that may be segmented: all but our own score maps, topmost first."""
        mine = set(self._ours.values())
        return [
            layer
            for layer in reversed(list(self._viewer.layers))
            if type(layer).__name__ == "Image" and layer.unique_id not in mine and "scd" not in layer.metadata
        ]

    def outputs(self, view: SourceView | None) -> list[Any]:
        """Return Labels layers on the image's grid that are not one of our previews or token maps."""
        if view is None:
            return []
        temporary = {uid for (_, kind), uid in self._ours.items() if kind != "seg"}
        return [
            layer
            for layer in reversed(list(self._viewer.layers))
            if type(layer).__name__ == "Labels"
            and layer.unique_id not in temporary
            and not layer.multiscale
            and tuple(layer.data.shape) == view.layer_shape
            and np.allclose(layer_matrix(layer), view.matrix, atol=1e-6)
        ]

    def label_maps(self) -> list[Any]:
        """Return all Labels layers but our token maps, topmost first."""
        tokens = {uid for (_, kind), uid in self._ours.items() if kind == "tokens"}
        return [
            layer
            for layer in reversed(list(self._viewer.layers))
            if type(layer).__name__ == "Labels" and not layer.multiscale and layer.unique_id not in tokens
        ]

    def masks(self, source: Hashable) -> list[Any]:
        """Return Labels layers that hold structures: preview and segmentation of an image, then others."""
        maps = {uid for (_, kind), uid in self._ours.items() if kind not in ("preview", "seg")}
        own = [self._ours.get((source, kind)) for kind in ("preview", "seg")]
        others = {uid for (image, _), uid in self._ours.items() if image != source}
        found = [layer for layer in self.label_maps() if layer.unique_id not in maps | others]
        return sorted(found, key=lambda layer: layer.unique_id not in own)

    def ours(self, source: Hashable, kind: str) -> Any | None:
        """Return our layer of a kind for an image, None when there is none (any more)."""
        return self.layer(self._ours.get((source, kind)))

    def show(self, source: Hashable, kind: str, layer_tuple: LayerTuple, *, visible: bool = True) -> Any:
        """Add our layer of a kind, or update the existing one; the selection does not change."""
        data, keywords, layer_type = layer_tuple
        layer = self.ours(source, kind)
        if layer is None:
            layer = self._add(layer_type, data, keywords | {"visible": visible})
            self._ours[source, kind] = layer.unique_id
            if kind == "preview":
                layer.contour = CONTOUR_VOX
            self._drawn[layer.unique_id] = {name: keywords[name] for name in _LOOK if name in keywords}
            return layer
        for name in _PLACE:
            if name in keywords and not _has(layer, name, keywords[name]):
                setattr(layer, name, keywords[name])
        redraw(layer, data)
        drawn = self._drawn[layer.unique_id]
        for name in drawn:
            if drawn[name] != keywords[name]:  # skip what is unchanged: each change costs a redraw
                set_look(layer, name, keywords[name])
        self._drawn[layer.unique_id] = {name: keywords[name] for name in drawn}
        return layer

    def remove(self, source: Hashable, *kinds: str) -> None:
        """Remove our layers of these kinds."""
        for kind in kinds:
            layer = self.ours(source, kind)
            if layer is not None:
                self._drawn.pop(layer.unique_id, None)
                self._viewer.layers.remove(layer)
            self._ours.pop((source, kind), None)

    def replace(self, source: Hashable, kind: str, layer_tuple: LayerTuple) -> None:
        """Add our layer of a kind, in place of the one that is there."""
        self.remove(source, kind)
        self.show(source, kind, layer_tuple)

    def put_on_top(self, source: Hashable, kind: str) -> None:
        """Move our layer of a kind above all others."""
        layers, layer = self._viewer.layers, self.ours(source, kind)
        if layer is not None:
            layers.move(layers.index(layer), len(layers))

    def forget(self, source: Hashable, kind: str) -> None:
        """Leave our layer of a kind to the user; the next one will be a new layer."""
        self._ours.pop((source, kind), None)

    def show_only(self, source: Hashable | None) -> None:
        """Show our previews and maps of one image, and hide those of others until they are needed."""
        for (image, kind), uid in self._ours.items():
            layer = self.layer(uid)
            if layer is None or kind == "seg":
                continue
            if image == source and uid in self._hidden:
                self._hidden.discard(uid)
                layer.visible = True
            elif image != source and layer.visible:
                self._hidden.add(uid)
                layer.visible = False

    def recolour(self, source: Hashable, colours: Colours, kind: str = "tokens") -> None:
        """Swap the colours of the token map, or of another of our layers."""
        layer = self.ours(source, kind)
        if layer is not None and self._drawn[layer.unique_id]["colormap"] != colours:
            layer.colormap = colour_table(colours)
            self._drawn[layer.unique_id]["colormap"] = colours

    def set_visible(self, source: Hashable, kind: str, visible: bool) -> None:
        """Show or hide our layer of a kind."""
        layer = self.ours(source, kind)
        if layer is not None and layer.visible != visible:
            layer.visible = visible

    def put_behind_surfaces(self, source: Hashable, on: bool) -> None:
        """Hide an image, its preview and segmentation while surfaces are on screen, or show them again."""
        surfaces = [self.ours(source, kind) for _, kind in list(self._ours) if kind.startswith("surface")]
        on = on and any(layer is not None and layer.visible for layer in surfaces)
        for layer in (self.layer(source), self.ours(source, "preview"), self.ours(source, "seg")):
            if layer is not None and on and layer.visible and layer.unique_id not in self._behind:
                self._behind.add(layer.unique_id)
                layer.visible = False
            elif layer is not None and not on and layer.unique_id in self._behind:
                self._behind.discard(layer.unique_id)
                layer.visible = True

    def set_opacity(self, source: Hashable, kind: str, opacity: float, *, instead_of: float) -> None:
        """Change the opacity of our layer of a kind, unless the user has chosen another."""
        layer = self.ours(source, kind)
        if layer is not None and np.isclose(layer.opacity, instead_of):
            layer.opacity = opacity

    def outline(self, source: Hashable, on: bool) -> None:
        """Draw our preview and segmentation as outlines, or fill them again where nobody changed that."""
        for kind in ("preview", "seg"):
            layer = self.ours(source, kind)
            if layer is None:
                continue
            if on and layer.contour == 0:
                self._filled.add(layer.unique_id)
                layer.contour = CONTOUR_VOX
            elif not on and layer.unique_id in self._filled:
                self._filled.discard(layer.unique_id)
                layer.contour = 0 if layer.contour == CONTOUR_VOX else layer.contour

    def isolate(self, view: SourceView, label: int) -> None:
        """Show one label of the preview and the segmentation alone, or all again (0)."""
        for kind in ("preview", "seg"):
            layer = self.ours(view.uid, kind)
            if layer is not None:
                if label:
                    layer.selected_label = label
                layer.show_selected_label = label > 0

    def clicks_on_record(self, view: SourceView) -> list[tuple[tuple[int, int, int], bool]]:
        """Return the clicks of the selected Points layer, else of ours: voxels, and whether all was wanted.

        Points read from a CSV file have lost their place: where they carry our columns, they are voxels.
        """
        active, image = self._viewer.layers.selection.active, self.layer(view.uid)
        selected = active if type(active).__name__ == "Points" else None
        points = selected if selected is not None else self.ours(view.uid, "clicks")
        if points is None or image is None:
            return []
        columns = set(points.features.columns)
        placeless = CLICK_COLUMNS <= columns and np.allclose(points.data_to_world(np.ones(points.ndim)), 1)
        found = []
        labels = list(points.features["label"]) if "label" in columns else [""] * len(points.data)
        kinds = list(points.features["kind"]) if "kind" in columns else [""] * len(points.data)
        for point, label, kind in zip(points.data, labels, kinds, strict=True):
            if kind:  # a prompt, which its object repeats
                continue
            index = np.asarray(point if placeless else image.world_to_data(points.data_to_world(point)))[-3:]
            z, y, x = np.floor(index + 0.5).astype(int).tolist()
            if all(0 <= i < n for i, n in zip((z, y, x), view.shape, strict=True)):
                found.append(((z, y, x), label == EVERYTHING))
        return found

    def _add(self, layer_type: str, data: Any, keywords: dict[str, Any]) -> Any:
        layers = self._viewer.layers
        selected, active = list(layers.selection), layers.selection.active
        # A new layer is active for a moment, and napari reads it out under the cursor: in 3D, before the
        # mouse has moved there, it fails on labels with features. They get theirs when another is active.
        features = keywords.get("features") if layer_type == "labels" and selected else None
        keywords = keywords if features is None else {k: v for k, v in keywords.items() if k != "features"}
        table = {"colormap": colour_table(keywords["colormap"])} if layer_type == "labels" else {}
        layer = getattr(self._viewer, f"add_{layer_type}")(data, **(keywords | table))
        if selected:
            layers.selection.clear()
            for before in selected:
                layers.selection.add(before)
            if active is not None:
                layers.selection.active = active
        if features is not None:
            layer.features = features
        if layer_type == "image" and layer.visible:
            layer.colorbar.visible = True
        elif layer_type == "image":
            layer.events.visible.connect(_show_colorbar)
        return layer


def _show_colorbar(event: Any) -> None:
    """Show the colorbar of an image that becomes visible: making one takes long."""
    event.source.events.visible.disconnect(_show_colorbar)
    event.source.colorbar.visible = True


def _has(layer: Any, name: str, value: Any) -> bool:
    now = np.asarray(layer.affine.affine_matrix if name == "affine" else getattr(layer, name))
    return now.shape == np.shape(value) and bool(np.array_equal(now, value))
