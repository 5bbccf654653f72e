"""Prompts that are answered once more: at another keep ratio, or after something else changed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_scd.viewer.logic import prompt_sentences as sentences
from napari_scd.viewer.logic import status
from napari_scd.viewer.logic.objects import with_object
from napari_scd.viewer.logic.scan_object import object_of
from napari_scd.viewer.logic.wording import keep_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.logic.backend import Agreement
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.prompted import Prompted
    from napari_scd.viewer.logic.scan_object import ScanObject
    from napari_scd.viewer.logic.show_result import ResultLayers


class AskingAgain:
    """Answers the prompts of objects again, as the choices are now."""

    def __init__(self, state: DockState, layers: ResultLayers) -> None:
        self._state = state
        self._layers = layers

    def current(self) -> None:
        """Follow the keep slider with the current object."""
        preview = self._state.same_image
        one = None if preview is None else object_of(preview.objects, preview.current)
        if one is not None and one.n_prompts:
            self._ask([one], "keep slider")

    def everything(self) -> None:
        """Answer the prompts of all objects of the preview again, whatever image and model they were for."""
        preview = self._state.pending
        objects = [] if preview is None else [one for one in preview.objects if one.n_prompts]
        if not objects or self._state.view is None:
            self._state.say(sentences.NO_PROMPTS)
            return
        self._state.say(status.running("Repeating the clicks."))
        self._ask(objects, "repeat")

    def compare(self) -> None:
        """Measure how the current object agrees with what all tokens would give."""
        state, preview = self._state, self._state.same_image
        one = None if preview is None else object_of(preview.objects, preview.current)
        if one is None or not one.n_prompts or state.view is None:
            state.say(sentences.NO_PROMPTS)
            return
        state.say(status.running(f"Answering the prompts of {one.name} with all tokens, for comparison."))
        run = partial(state.backend.compare_prompts, state.view, state.choices.copy(), one.prompts)
        state.submit("compare", run, partial(self._on_compared, one.name))

    def _ask(self, objects: Sequence[ScanObject], action: str) -> None:
        state, asked = self._state, [one.prompts for one in objects]
        assert state.view is not None
        run = partial(state.backend.prompt, state.view, state.choices.copy(), asked)
        state.submit("replay", run, partial(self._on_answers, objects, action))

    def _on_answers(self, objects: Sequence[ScanObject], action: str, answers: Sequence[Prompted]) -> None:
        """Put the answers in place of those before, but not where more was pointed at meanwhile."""
        state = self._state
        state.progress_changed.emit(None)
        preview = state.pending
        if preview is None or state.view is None or not answers:
            return
        result, earlier = preview.copy(view=state.view), state.now
        for one, answer in zip(objects, answers, strict=False):
            now = object_of(result.objects, one.label)
            if now is not None and now.prompts == one.prompts and answer.complete:
                new = now._replace(
                    box=answer.box, inside=answer.inside, looked=answer.looked, keep=answer.keep
                )
                result = with_object(result, new, result.current)
                result.history.append(answer.entry | {"action": action, "object": now.name})
        self._layers.finish(result, "repeating the clicks" if action == "repeat" else "", earlier)
        state.say_current()

    def _on_compared(self, name: str, agreement: Agreement) -> None:
        self._state.agreement_changed.emit(agreement)
        self._state.say(sentences.compared(name, keep_text(agreement.keep), agreement.dice))
