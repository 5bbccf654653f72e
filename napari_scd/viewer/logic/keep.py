"""The keep slider's answers: costs and estimated tokens at once, the visible window at rest."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.answers import with_click
from napari_scd.viewer.logic.backend import PartialAnswer
from napari_scd.viewer.logic.keep_estimate import Cost, cost_of, estimate_exit_stages
from napari_scd.viewer.logic.merging import with_window
from napari_scd.viewer.logic.objects import carried_over
from napari_scd.viewer.logic.wording import keep_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.engine import Segmentation
    from napari_scd.viewer.logic.answers import Clicked
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.show_result import ResultLayers


class KeepAnswers:
    """Follows the keep slider; answers to an older position are dropped.

    Parameters
    ----------
    state
        The dock's state.
    layers
        Draws results.
    edits
        Finds what was changed by hand.
    replan
        Asks again what a run would cost.
    ask_again
        Answers the prompts of the current object once more.
    """

    def __init__(
        self,
        state: DockState,
        layers: ResultLayers,
        edits: HandEdits,
        replan: Callable[[], None],
        ask_again: Callable[[], None],
    ) -> None:
        self._state = state
        self._layers = layers
        self._edits = edits
        self._replan = replan
        self._ask_again = ask_again
        self._position = 0

    def set_keep(self, keep: float | None, per_stage: tuple[float, ...] | None = None) -> None:
        """Answer a slider event at once: costs, and tokens from the scores of the last run."""
        state = self._state
        self._position += 1
        state.choices.keep, state.choices.keep_per_stage = keep, per_stage
        state.agreement_changed.emit(None)
        cost = self._tell_cost()
        result = state.result
        if cost is not None and result is not None and result.n_stages == len(cost.tokens) - 1:
            self._layers.estimate(result, estimate_exit_stages(result.stage_scores, cost.tokens))

    def settle(self) -> None:
        """Answer the slider at rest: the visible window, or the clicked structures, from cached prefixes."""
        state = self._state
        self._edits.look()
        result, view = state.previewed, state.view
        if state.ready is None or view is None:
            return
        has_clicks = result is not None and (result.base is not None or bool(result.clicks))
        if result is None or not (result.current or (has_clicks and not state.is_promptable)):
            self._replan()
            return
        if not state.choices.live:
            state.say(sentences.stale("Keep"))
            return
        choices = state.choices.copy()
        if result.current and (state.is_promptable or result.base is None):
            self._ask_again()
        elif result.base is None:
            places = [(click.place, click.everything) for click in result.clicks]
            repeat = partial(state.backend.click, view, choices, places)
            state.submit("replay", repeat, partial(self._on_replayed, self._position))
        else:
            part = state.store.screen.slice_on_screen(view)
            window = partial(state.backend.preview, view, choices, state.centre(), part)
            done = partial(self._on_window, self._position)
            state.submit("window", window, done, partly=partial(self._on_slice, self._position))

    def _tell_cost(self) -> Cost | None:
        """Count what the chosen keep ratio costs, and tell."""
        state = self._state
        cost = None
        if state.ready is not None:
            cost = cost_of(state.ready.checkpoint.network, state.choices.keep_request)
        state.cost_changed.emit(cost)
        return cost

    def _on_replayed(self, position: int, answers: list[Clicked]) -> None:
        before = self._state.previewed
        if position != self._position or before is None:
            return
        if len(answers) != len(before.clicks):
            self._state.say(sentences.stale("Keep"))
            return
        result = None
        for answer in answers:
            result = with_click(result, answer)
        if result is not None:
            result = carried_over(result, before)
            runs = [entry | {"action": "keep slider"} for entry in result.history]
            result = result.copy(edits=list(before.edits), history=before.history + runs)
            result.repaint()
            self._layers.finish(result)
            self._state.say_current()

    def _on_slice(self, position: int, step: Any) -> None:
        """Paint the slice on screen before the rest of its window is there."""
        result = self._state.previewed
        if not isinstance(step, PartialAnswer):
            self._state.progressed(step)
        elif position == self._position and result is not None:
            self._layers.put(with_window(result, step.segmentation, "keep slider"))

    def _on_window(self, position: int, segmentation: Segmentation) -> None:
        result = self._state.previewed
        if position != self._position or result is None or not segmentation.complete:
            return
        self._layers.finish(with_window(result, segmentation, "keep slider"))
        self._state.say(sentences.stale_outside(keep_text(segmentation.report.keep)))
