"""Keeps the Volume, Model and Output lists in step with the viewer's layers and the models there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.engine import guess_modality
from napari_scd.viewer.layers import finest, frame_lengths, problem_of
from napari_scd.viewer.logic import Offer, offered_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.dock.panels import InputPanel, ResultPanel
    from napari_scd.viewer.logic import Controller


class LayerLists:
    """Fills the lists, and writes what is chosen in them to the choices.

    Parameters
    ----------
    controller
        Owns the choices, and looks at them again when they change.
    inputs, results
        The panels with the lists.
    """

    def __init__(self, controller: Controller, inputs: InputPanel, results: ResultPanel) -> None:
        self._control = controller
        self._choices = controller.choices
        self._inputs = inputs
        self._results = results
        for uid in self._choices.volumes[:1]:  # taken over from the dock before
            inputs.volume.prefer(uid)
        self._choices.volumes = ()
        self._offers: list[Offer] = []
        self._picked = controller.choices.model is not None  # taken over from the dock before
        self._model_before: str | None = None
        self._axes: dict[tuple[Any, ...], str | None] = {}  # what the user said of each image

    def _bring_in_sight(self, chosen: Sequence[Any]) -> None:
        """Hide the image chosen before, which may cover the other: outlines would lie on a wrong scan."""
        layer = self._control.store.layer
        before = [layer(uid) for uid in self._choices.volumes if uid not in chosen]
        now = layer(chosen[0]) if chosen else None
        if now is not None and any(one is not None for one in before):
            now.visible = True
            for image in before:
                if image is not None:
                    image.visible = False

    def list_models(self, folder: str, extra: str | None = None) -> None:
        """List the models known by name, those of a folder, and a file chosen by hand."""
        self._offers = offered_models(folder, extra or self._choices.model)
        items = [(offer.title, offer.value) for offer in self._offers]
        self._inputs.model.set_items(items, hints=[offer.hint for offer in self._offers])
        if self._choices.model is None:
            self._choices.model = self._inputs.model.value
        else:
            self._inputs.model.choose(self._choices.model)

    def list_images(self) -> list[Any]:
        """List the image layers, look at the chosen one, and return the layers that were chosen."""
        self._inputs.reset_choices()
        return self.refresh()

    def pick_model(self, model: str) -> None:
        """Take a model because the user said so."""
        self._picked = True
        if model is not None and model != self._choices.model:
            self._choices.model = model
            self.refresh()

    def refresh(self) -> list[Any]:
        """Read the lists, let the controller look at them, and return the chosen image layers."""
        control, choices = self._control, self._choices
        self._suggest_model()
        self._offer_channels()
        self._find_promptable()
        chosen = self._inputs.chosen_volumes
        if choices.volumes[:1] != chosen[:1]:
            choices.output = self._own_segmentation(chosen)
            self._bring_in_sight(chosen)
            self._axes[choices.volumes[:1]] = choices.world_axes
            choices.world_axes = self._axes.get(chosen[:1])
        elif self._model_before != choices.model and choices.model != choices.promptable:
            choices.output = None
        self._model_before = choices.model
        choices.volumes = chosen
        control.source.refresh()
        self.list_outputs()
        layers = [control.store.layer(uid) for uid in chosen]
        return [layer for layer in layers if layer is not None]

    def _own_segmentation(self, chosen: tuple[Any, ...]) -> Any:
        """Return `unique_id` of the segmentation we made for the chosen image; None where there is none."""
        layer = self._control.store.ours(chosen[0], "seg") if chosen else None
        return None if layer is None else layer.unique_id

    def list_outputs(self) -> None:
        """List the Labels layers that could take results."""
        layers = self._control.store.outputs(self._control.view)
        self._results.set_outputs([(layer.name, layer.unique_id) for layer in layers])
        self._results.output.choose(self._choices.output)
        self._choices.output = self._results.output.value

    def _suggest_model(self) -> None:
        """Until the user picks a model, take the first one made for images like this."""
        layer = self._control.store.layer(self._inputs.volume.uid)
        if self._picked or layer is None or problem_of(layer) or not isinstance(finest(layer), np.ndarray):
            return
        modality = guess_modality(finest(layer))
        fitting = [offer.value for offer in self._offers if offer.modality == modality]
        if fitting and self._choices.model not in fitting:
            self._choices.model = fitting[0]
            self._inputs.model.choose(fitting[0])

    def _find_promptable(self) -> None:
        """Let the chosen model answer prompts, or the first one that does where it does not."""
        promptable = [offer.value for offer in self._offers if offer.promptable]
        chosen = self._choices.model
        self._choices.promptable = chosen if chosen in promptable else next(iter(promptable), None)

    def _offer_channels(self) -> None:
        """Show one Volume list per channel of the model, unless one layer holds them all."""
        chosen = [offer for offer in self._offers if offer.value == self._choices.model]
        names = chosen[0].channels if chosen else ("image",)
        self._inputs.show_model_note(chosen[0].note if chosen else "")
        self._choices.n_channels = len(names)
        layer = self._control.store.layer(self._inputs.volume.uid)
        together = layer is not None and frame_lengths(finest(layer)) == (len(names),)
        wanted = names[:1] if together else names
        if len(wanted) != self._inputs.n_channels:
            self._inputs.set_channels(wanted)
