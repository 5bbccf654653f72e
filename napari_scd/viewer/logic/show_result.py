"""Draws results as layers: preview, tokens, score and clicks, in the view the user chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.viewer import layers
from napari_scd.viewer.logic.scan_object import free_label
from napari_scd.viewer.logic.undo import Shown, UndoStep

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.dock_state import DockState, Place
    from napari_scd.viewer.logic.result import Result

MAPS = ("tokens", "score", "clicks", "boxes", "stages", "confidence")


class ResultLayers:
    """Draws what the chosen image and frame hold; the token view comes from the choices.

    Attributes
    ----------
    drawing
        True while we add or remove layers ourselves, which is not the user's doing.
    """

    def __init__(self, state: DockState) -> None:
        self._state = state
        self._store = state.store
        self._choices = state.choices
        self.drawing = False
        self._boxes: dict[Hashable, dict[str, Any]] = {}
        self._brushes: dict[Hashable, int] = {}

    def finish(self, result: Result, step: str = "", before: Shown | None = None) -> None:
        """Put the result of a finished run on screen."""
        self.put(result, step, before)
        self._state.progress_changed.emit(None)

    def put(self, result: Result, step: str = "", before: Shown | None = None) -> None:
        """Show a result as the preview of its image and frame.

        Parameters
        ----------
        step
            Name of the step, to be undone; empty = it belongs to the step before.
        before
            What was shown before the step, when parts of it were put on screen already.
        """
        result.key = self._state.key_of(result.view)
        place = (result.view.uid, result.view.frame)
        earlier = self._state.shown.get(place, Shown())
        after = Shown(result, earlier.accepted)
        if step:
            self._state.steps[place].add(UndoStep(step, earlier if before is None else before, after))
        self.set_shown(place, after)

    def set_shown(self, place: Place, shown: Shown) -> None:
        """Change what an image and frame hold, and draw it."""
        before = self._state.shown.get(place, Shown())
        self._state.shown[place] = shown
        self.drawing = True
        try:
            self._draw(place, before, shown)
        finally:
            self.drawing = False
        if place == self._state.place:
            self._state.result_changed.emit(shown.result)

    def _draw(self, place: Place, before: Shown, shown: Shown) -> None:
        drawn = any(self._store.ours(place[0], kind) is not None for kind in ("preview", "tokens"))
        first = shown.preview is not None and place == self._state.place and not drawn
        if shown.preview is not None and first:  # four new layers take long: the mask is on screen sooner
            self._draw_preview(shown.preview)
            self._state.mask_drawn.emit()
        if place == self._state.place:
            self._draw_maps(shown.result)
        if first:
            self._store.put_on_top(place[0], "preview")
        elif shown.preview is not None:
            self._draw_preview(shown.preview)
        elif before.preview is not None:
            self._erase_preview(before.preview.view)
        self._let_tokens_through(place[0])

    def show_place(self) -> None:
        """Follow the choice of another image or frame: its layers appear, those of other images hide."""
        view, result = self._state.view, self._state.result
        self._store.show_only(None if view is None else view.uid)
        if view is not None and (result is not None or self._store.ours(view.uid, "tokens") is not None):
            self._draw_maps(result)
        self._state.result_changed.emit(result)

    def go_to_image(self) -> None:
        """Bring the chosen image on screen if it lies elsewhere in space than the one before."""
        if self._state.view is not None:
            self._store.screen.go_to_image(self._state.view)

    def segmentation(self) -> Any | None:
        """Return the layer that accepts results: the one chosen under Output, else ours."""
        chosen = self._store.layer(self._choices.output)
        view = self._state.view
        return chosen if chosen is not None or view is None else self._store.ours(view.uid, "seg")

    def drop_image(self, uid: Hashable) -> None:
        """Remove what belongs to an image whose size changed; its segmentation is left to the user."""
        for place in [place for place in self._state.shown if place[0] == uid]:
            del self._state.shown[place]
            self._state.steps.pop(place, None)
        self._store.remove(uid, *MAPS, "preview")
        self._boxes.pop(uid, None)
        self._store.forget(uid, "seg")
        self._state.result_changed.emit(None)

    def forget_image(self, uid: Hashable) -> None:
        """Leave the labels of an image that was removed to the user, and remove its maps."""
        self._store.remove(uid, *MAPS)
        self._boxes.pop(uid, None)
        for kind in ("preview", "seg"):
            self._store.forget(uid, kind)

    def new_segmentation(self, result: Result) -> Any:
        """Add an empty segmentation for the image of a result."""
        view = result.view
        empty = np.zeros(view.layer_shape, np.uint8)
        table = result.known_table or result.table
        seg = layers.labels_layer(empty, view, table, kind="seg", report=result.report)
        self._store.forget(view.uid, "seg")
        return self._store.show(view.uid, "seg", seg)

    def count(self, layer: Any, result: Result | None) -> None:
        """Bring the volumes that napari shows under the mouse up to date, when the layer is of our table."""
        record = layer.metadata.get("scd")
        if result is not None and isinstance(record, dict) and record.get("labels") == result.table.to_list():
            layer.features = layers.features_of(result.found(), result.table)

    def estimate(self, result: Result, exits: np.ndarray) -> None:
        """Draw where tokens would leave, before the network has answered."""
        layer = self._store.ours(result.view.uid, "tokens")
        if layer is None or self._choices.show not in ("dim", "exit"):
            return
        self._store.recolour(result.view.uid, self._colours(result, estimated=True))
        layers.redraw(layer, exits.reshape(layer.data.shape))

    def show_confidence(self) -> None:
        """Show how sure the model is, or hide it, as the choices say."""
        result = self._state.result
        if result is None:
            return
        uid, wanted = result.view.uid, self._choices.confidence and result.confidence is not None
        if not wanted or result.confidence is None:
            self._store.remove(uid, "confidence")
            return
        layer = layers.confidence_layer(result.confidence, result.view, result.report)
        self._store.show(uid, "confidence", layer)

    def recolour(self) -> None:
        """Follow a change of the token view, the stage, or between 2D and 3D."""
        result = self._state.result
        if result is None:
            return
        uid, show = result.view.uid, self._choices.show
        self._store.recolour(uid, self._colours(result))
        self._store.recolour(
            uid, layers.stages_colours(result.n_stages, solid=self._store.screen.in_3d), "stages"
        )
        exploded = self._store.screen.in_3d and self._exploded(uid)
        self._store.set_visible(uid, "tokens", show in ("dim", "exit") and not exploded)
        self._store.set_visible(uid, "score", show == "score")
        self._let_tokens_through(uid)

    def explode(self, result: Result) -> None:
        """Show the token map with one more axis, the stage; it begins with the tokens that survived."""
        is_new = self._store.ours(result.view.uid, "stages") is None
        stages = layers.stages_layer(result.tokens, result.view, result.n_stages, result.report)
        self._store.show(result.view.uid, "stages", stages)
        if is_new:
            self._store.screen.go_to_stage(result.n_stages)
        self.recolour()

    def _draw_preview(self, result: Result) -> None:
        view = result.view
        layer = self._store.ours(view.uid, "preview")
        if layer is not None and tuple(layer.data.shape) == view.layer_shape:
            whole = np.require(layer.data, requirements="W")
        else:
            whole = np.zeros(view.layer_shape, np.uint8)
        whole[view.frame] = result.labels
        preview = layers.labels_layer(whole, view, result.table, kind="preview", report=result.report)
        preview[1]["features"] = layers.features_of(result.found(), result.table)
        layer = self._store.show(view.uid, "preview", preview)
        brush = result.current or free_label(result.table.indices)
        if result.objects and brush and self._brushes.get(view.uid) != brush:
            self._brushes[view.uid] = layer.selected_label = brush

    def _erase_preview(self, view: SourceView) -> None:
        """Take one frame out of the preview; the layer goes with its last frame."""
        others = (shown.preview for (uid, _), shown in self._state.shown.items() if uid == view.uid)
        layer = self._store.ours(view.uid, "preview")
        if layer is None or not any(others):
            self._store.remove(view.uid, "preview")
            return
        layer.data[view.frame] = 0
        layers.redraw(layer, layer.data)

    def _draw_maps(self, result: Result | None) -> None:
        view = self._state.view
        if result is None:
            if view is not None:
                self._store.remove(view.uid, *MAPS)
                self._boxes.pop(view.uid, None)
            return
        uid, show = result.view.uid, self._store.show
        tokens = layers.tokens_layer(result.tokens, result.view, self._colours(result), result.report)
        show(uid, "tokens", tokens, visible=self._choices.show in ("dim", "exit"))
        score = layers.score_layer(result.scores, result.view, result.report)
        show(uid, "score", score, visible=self._choices.show == "score")
        self.show_confidence()
        if self._store.ours(uid, "stages") is not None:
            self.explode(result)
        if result.clicks or result.objects or self._store.ours(uid, "clicks") is not None:
            points = show(uid, "clicks", self._clicks(result))
            layers.mark_kinds(points)
        self._draw_boxes(result)

    def _let_tokens_through(self, uid: Hashable) -> None:
        """Show labels as outlines over the tokens, and in 3D let those inside show through the preview.

        Surfaces take the place of the scan and its labels in 3D.
        """
        opacities = [layers.PREVIEW_OPACITY, layers.VEIL_OPACITY]
        in_3d = self._store.screen.in_3d
        if in_3d and (self._choices.show != "off" or self._exploded(uid)):
            opacities.reverse()
        self._store.put_behind_surfaces(uid, in_3d)
        self._store.set_opacity(uid, "preview", opacities[0], instead_of=opacities[1])
        self._store.outline(uid, self._choices.show != "off")

    def _exploded(self, uid: Hashable) -> bool:
        stages = self._store.ours(uid, "stages")
        return stages is not None and bool(stages.visible)

    def _colours(self, result: Result, *, estimated: bool = False) -> layers.Colours:
        return layers.token_colours(
            self._choices.show,
            result.n_stages,
            stage=min(self._choices.stage, result.n_stages),
            solid=self._store.screen.in_3d,
            estimated=estimated,
        )

    def _clicks(self, result: Result) -> layers.LayerTuple:
        found: list[tuple[Sequence[int], str, Sequence[float], str, str]] = [
            (click.place, click.name, click.keep, click.time, "") for click in result.clicks
        ]
        for one in result.objects:
            for step, time in zip(one.prompts.steps, one.times, strict=True):
                voxels = () if step.kind == "box" else step.voxels
                kind = f"{step.kind} stroke" if step.is_stroke else step.kind
                found += [(voxel, one.name, one.keep, time, kind) for voxel in voxels]
        points = [result.view.whole_index(place) for place, *_ in found]
        rows = {
            "label": [name for _, name, *_ in found],
            "keep": [", ".join(f"{ratio:.2f}" for ratio in keep) for _, _, keep, *_ in found],
            "time": [time for *_, time, _ in found],
            "kind": [kind for *_, kind in found],
        }
        return layers.clicks_layer(points, rows, result.view)

    def _draw_boxes(self, result: Result) -> None:
        """Draw the boxes that limit objects; Shapes are drawn anew, as napari cannot swap what they hold."""
        uid = result.view.uid
        boxes = {one.name: one.prompts.box for one in result.objects if one.prompts.box is not None}
        if boxes != self._boxes.get(uid, {}):
            self._store.remove(uid, "boxes")
            if boxes:
                self._store.show(uid, "boxes", layers.boxes_layer(boxes, result.view))
            self._boxes[uid] = boxes
