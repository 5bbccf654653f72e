"""The keep slider's answers: costs and estimated tokens at once, the visible window at rest."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_scd.viewer.logic import state
from napari_scd.viewer.logic.keep_estimate import Cost, cost_of, estimate_exit_stages
from napari_scd.viewer.logic.result import merge_window, with_click
from napari_scd.viewer.logic.state import keep_text

if TYPE_CHECKING:
    from napari_scd.engine import Segmentation
    from napari_scd.viewer.logic.controller import Controller
    from napari_scd.viewer.logic.result import Clicked


class Dial:
    """Follows the keep slider; answers to an older position are dropped."""

    def __init__(self, controller: Controller) -> None:
        self._control = controller
        self._position = 0

    def set_keep(self, keep: float | None, per_stage: tuple[float, ...] | None = None) -> None:
        """Answer a slider event at once: costs, and tokens from the scores of the last run."""
        control = self._control
        self._position += 1
        control.choices.keep, control.choices.keep_per_stage = keep, per_stage
        control.agreement_changed.emit(None)
        cost = self.tell_cost()
        result = control.result
        if cost is not None and result is not None and result.n_stages == len(cost.tokens) - 1:
            control.display.estimate(result, estimate_exit_stages(result.stage_scores, cost.tokens))

    def tell_cost(self) -> Cost | None:
        """Count what the chosen keep ratio costs, and say so."""
        control = self._control
        if control.prepared is None:
            control.cost_changed.emit(None)
            return None
        cost = cost_of(control.prepared.checkpoint.network, control.choices.keep_request)
        control.cost_changed.emit(cost)
        return cost

    def settle(self) -> None:
        """Answer the slider at rest: the visible window, or the clicked structures, from cached prefixes."""
        control = self._control
        result, view = control.previewed, control.view
        if control.prepared is None or view is None:
            return
        if result is None or (result.base is None and not result.clicks):
            control.intake.replan()
            return
        if not control.choices.live:
            control.say(state.stale("Keep"))
            return
        choices = control.choices.copy()
        if result.base is None:
            places = [(click.index, click.everything) for click in result.clicks]
            run = partial(control.bench.click, view, choices, places)
            control.submit("replay", run, partial(self._on_replayed, self._position))
        else:
            run = partial(control.bench.preview, view, choices, control.centre())
            control.submit("window", run, partial(self._on_window, self._position))

    def _on_replayed(self, position: int, answers: list[Clicked]) -> None:
        control = self._control
        before = control.previewed
        if position != self._position or before is None:
            return
        if len(answers) != len(before.clicks):
            control.say(state.stale("Keep"))
            return
        result = None
        for answer in answers:
            result = with_click(result, answer)
        if result is None:
            return
        control.show_result(result)
        control.say_preview()

    def _on_window(self, position: int, segmentation: Segmentation) -> None:
        control = self._control
        result = control.previewed
        if position != self._position or result is None:
            return
        merge_window(result, segmentation)
        control.show_result(result)
        control.say(state.stale_outside(keep_text(segmentation.report.keep)))
