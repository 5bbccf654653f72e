"""Draws results as layers: preview, tokens, score and clicks, in the view the user chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.errors import InputError
from napari_scd.viewer import layers
from napari_scd.viewer.layers import accept_into, full_labels, redraw

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.result import Result


class ResultLayers:
    """Draws results; the token view comes from the choices."""

    def __init__(self, state: DockState) -> None:
        self._state = state
        self._store = state.store
        self._choices = state.choices
        self._predicted: dict[tuple[Any, ...], np.ndarray] = {}  # by image and frame: labels last drawn

    def finish(self, result: Result) -> None:
        """Put the result of a finished run on screen."""
        self.put(result)
        self._state.progress_changed.emit(None)

    def put(self, result: Result) -> None:
        """Put a result on screen, as the one of its image and frame."""
        result.key = self._state.key
        self._state.results[result.view.uid, result.view.frame] = result
        self.show(result)
        self._state.result_changed.emit(result)

    def segmentation(self) -> Any | None:
        """Return the layer that accepts results: the one chosen under Output, else ours."""
        chosen = self._store.layer(self._choices.output)
        view = self._state.view
        return chosen if chosen is not None or view is None else self._store.ours(view.uid, "seg")

    def show(self, result: Result) -> None:
        """Draw everything; layers that are there are brought up to date."""
        view, show = result.view, self._store.show
        self._tokens(result)
        score = layers.score_layer(result.scores, view, result.report)
        show(view.uid, "score", score, visible=self._choices.show == "score")
        data = self._preview_data(result)
        preview = layers.labels_layer(data, view, result.table, kind="preview", report=result.report)
        preview[1]["features"] = layers.features_of(result.found(), result.table)
        show(view.uid, "preview", preview)
        self._veil(view.uid)
        if result.clicks or self._store.ours(view.uid, "clicks") is not None:
            show(view.uid, "clicks", self._clicks(result))

    def estimate(self, result: Result, exits: np.ndarray) -> None:
        """Draw where tokens would leave, before the network has answered."""
        layer = self._store.ours(result.view.uid, "tokens")
        if layer is None or self._choices.show not in ("dim", "exit"):
            return
        self._store.recolour(result.view.uid, self._colours(result, estimated=True))
        redraw(layer, exits.reshape(layer.data.shape))

    def recolour(self) -> None:
        """Follow a change of the token view, the stage, or between 2D and 3D."""
        result = self._state.result
        if result is None:
            return
        uid, show = result.view.uid, self._choices.show
        self._store.recolour(uid, self._colours(result))
        self._store.set_visible(uid, "tokens", show in ("dim", "exit"))
        self._store.set_visible(uid, "score", show == "score")
        self._veil(uid)

    def explode(self, result: Result) -> None:
        """Add the token map with one more axis, the stage."""
        self._store.add_extra(layers.stages_layer(result.tokens, result.view, result.n_stages, result.report))

    def accept(self, result: Result) -> tuple[Any, int]:
        """Write the preview (with what the user painted on it) into the output layer, then take it away.

        Returns
        -------
        The output layer and the number of voxels that changed.

        Raises
        ------
        InputError
            If the output layer has another shape.
        """
        uid = result.view.uid
        preview = self._store.ours(uid, "preview")
        painted = (
            np.asarray(preview.data) if preview is not None else full_labels(result.view, result.labels, None)
        )
        output = self._output(result, painted)
        n_voxels = accept_into(output, painted, protect=self._choices.protect)
        self.clear(result, "preview")
        return output, n_voxels

    def clear(self, result: Result, *kinds: str) -> None:
        """Take layers of a result away."""
        self._store.remove(result.view.uid, *kinds)

    def _output(self, result: Result, painted: np.ndarray) -> Any:
        output = self._store.layer(self._choices.output)
        if output is None:
            empty = np.zeros(painted.shape, np.uint8)
            seg = layers.labels_layer(empty, result.view, result.table, kind="seg", report=result.report)
            self._store.forget(result.view.uid, "seg")
            return self._store.show(result.view.uid, "seg", seg)
        if tuple(output.data.shape) != tuple(painted.shape):
            shapes = " and ".join("x".join(str(n) for n in a.shape) for a in (painted, output.data))
            raise InputError(
                f"'{output.name}' has another shape ({shapes}): choose 'new layer' under Output."
            )
        return output

    def _preview_data(self, result: Result) -> np.ndarray:
        """Return what the preview shows now: only voxels the network answers differently change.

        So what the user painted on a preview survives the next click or move of the slider.
        """
        view, earlier = result.view, self._store.ours(result.view.uid, "preview")
        if earlier is None:
            self._predicted.clear()
        before = self._predicted.get((view.uid, view.frame))
        self._predicted[view.uid, view.frame] = result.labels
        fits = earlier is not None and tuple(earlier.data.shape) == view.layer_shape
        if before is None or not fits or before.shape != result.labels.shape:
            return full_labels(view, result.labels, earlier)
        assert earlier is not None
        whole: np.ndarray = np.require(earlier.data, requirements="W")
        changed = before != result.labels
        whole[view.frame][changed] = result.labels[changed]
        return whole

    def _veil(self, uid: Hashable) -> None:
        """In 3D let the tokens inside show through the preview."""
        opacities = [layers.PREVIEW_OPACITY, layers.VEIL_OPACITY]
        if self._store.in_3d and self._choices.show != "off":
            opacities.reverse()
        self._store.set_opacity(uid, "preview", opacities[0], instead_of=opacities[1])

    def _tokens(self, result: Result) -> None:
        tokens = layers.tokens_layer(result.tokens, result.view, self._colours(result), result.report)
        self._store.show(result.view.uid, "tokens", tokens, visible=self._choices.show in ("dim", "exit"))

    def _colours(self, result: Result, *, estimated: bool = False) -> layers.Colours:
        return layers.token_colours(
            self._choices.show,
            result.n_stages,
            stage=min(self._choices.stage, result.n_stages),
            solid=self._store.in_3d,
            estimated=estimated,
        )

    def _clicks(self, result: Result) -> layers.LayerTuple:
        points = [result.view.whole_index(click.place) for click in result.clicks]
        rows = {
            "label": [click.name for click in result.clicks],
            "keep": [", ".join(f"{ratio:.2f}" for ratio in click.keep) for click in result.clicks],
            "time": [click.time for click in result.clicks],
        }
        return layers.clicks_layer(points, rows, result.view)
