"""Shows what the controller says in the panels: status, model, cost, result, plan and buttons."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_scd.viewer.dock.worker import WorkerQueue
from napari_scd.viewer.logic import apart_ml, duration, saving_curve, trust_in
from napari_scd.viewer.state import State

if TYPE_CHECKING:
    from napari_scd.engine import Plan
    from napari_scd.viewer.dock.object_tools import ObjectTools
    from napari_scd.viewer.dock.panels import (
        AdvancedPanel,
        InputPanel,
        ObjectsPanel,
        ResultPanel,
        RunPanel,
        TokensPanel,
    )
    from napari_scd.viewer.logic import Agreement, Controller, Cost, ReadyModel, Result
    from napari_scd.viewer.state import Status

STOPPABLE = frozenset({State.RUNNING, State.CANCELLING})
FOLLOWING = frozenset({"window", "replay"})


class Panels(NamedTuple):
    """The dock's panels, from top to bottom."""

    input: InputPanel
    run: RunPanel
    objects: ObjectsPanel
    tokens: TokensPanel
    result: ResultPanel
    tools: ObjectTools
    advanced: AdvancedPanel


class PanelDisplay:
    """Shows what the controller says; it changes nothing but the panels, and a keep ratio not chosen yet.

    Parameters
    ----------
    controller
        Whose words are shown.
    panels
        Where.
    """

    def __init__(self, controller: Controller, panels: Panels) -> None:
        self._control = controller
        self._panels = panels
        self._cost: Cost | None = None
        self._pace: float | None = None
        self._agreement = ""
        self._closed = False
        state = controller.state
        state.status_changed.connect(self._on_status)
        state.progress_changed.connect(panels.run.show_progress)
        state.ready_changed.connect(self._on_ready)
        state.cost_changed.connect(self._on_cost)
        state.agreement_changed.connect(self._on_agreement)
        state.devices_found.connect(self._on_devices)
        state.planned.connect(self._on_planned)
        if isinstance(state.jobs, WorkerQueue):
            state.jobs.busy_changed.connect(self._on_busy)

    def close(self) -> None:
        """Stop showing anything; the panels may be gone."""
        self._closed = True

    def show_buttons(self) -> None:
        """Offer what can be done now with the image and the result."""
        control, panels = self._control, self._panels
        view = control.view
        panels.input.show_frames(
            "" if view is None else view.frame_title, 1 if view is None else view.n_frames
        )
        panels.result.set_buttons(
            preview=control.state.pending is not None, exportable=control.saving.exportable
        )

    def show_result(self, result: Result | None) -> None:
        """List the structures that were found, and how long a window took."""
        panels = self._panels
        if result is None:
            panels.result.show_structures(None, {}, ())
            return
        self._list_structures(result)
        if result.seconds_per_window is not None:
            origin = f"measured in the last run on {result.report['device']}"
            self._show_pace(result.seconds_per_window, origin)

    def _list_structures(self, result: Result) -> None:
        sides = [index for pair in result.table.mirror_pairs for index in pair]
        doubtful = () if result.view.orientation_known else sides
        ready = self._control.ready
        trust = trust_in(result, None if ready is None else ready.checkpoint)
        self._panels.result.show_structures(
            result.named_table, result.found(), doubtful, apart_ml(result), trust=trust
        )

    def show_status(self) -> None:
        """Show the status as it is now."""
        self._on_status(self._control.status)

    def _on_status(self, status: Status) -> None:
        self._panels.input.show_status(status)
        self._panels.run.set_running(status.state in STOPPABLE)
        if status.state not in STOPPABLE and self._control.busy:
            self._on_busy()

    def _on_busy(self, _busy: bool = True) -> None:
        """Show that the slider's answer is on its way, which has no status of its own."""
        if not self._closed and self._control.status.state not in STOPPABLE:
            self._panels.run.set_busy(self._control.running in FOLLOWING)

    def _on_ready(self, ready: ReadyModel | None) -> None:
        choices, panels = self._control.choices, self._panels
        panels.run.set_can_segment(ready is not None, click_only=not self._control.state.can_segment)
        if ready is None:
            return
        network = ready.checkpoint.network
        default = float(network.config.default_keep[0]) if network.config.default_keep else 1.0
        panels.tokens.set_stages(network.config.n_stages, default, saving_curve(network))
        if choices.keep_request is None:
            choices.keep = default
            panels.tokens.set_keep(default)
        panels.advanced.set_strides(network.config.roi, network.config.patch)
        if self._control.result is not None:
            self._list_structures(self._control.result)  # the model says how well it was tested

    def _on_cost(self, cost: Cost | None) -> None:
        self._cost = cost
        self._panels.tokens.show_cost(cost, self._pace, self._agreement)

    def _on_agreement(self, agreement: Agreement | None) -> None:
        dice = None if agreement is None else agreement.dice
        self._agreement = "" if dice is None else f"{dice:.2f}"
        self._on_cost(self._cost)

    def _on_devices(self, names: tuple[str, ...]) -> None:
        self._panels.input.set_devices(names)
        self._panels.input.device.choose(self._control.choices.device)

    def _on_planned(self, plan: Plan) -> None:
        self._panels.input.name_auto(plan.device)
        if plan.seconds is not None:
            self._show_pace(plan.seconds / max(plan.n_windows, 1), f"from windows measured on {plan.device}")

    def _show_pace(self, seconds: float, origin: str) -> None:
        self._pace = seconds
        text = f"{duration(seconds)}/window"
        self._panels.input.show_pace(text, f"{text}, {origin}")
        self._on_cost(self._cost)
