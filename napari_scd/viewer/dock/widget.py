"""The dock: composes the panels and connects them; everything it decides is decided in the controller."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt, QTimer
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget
from superqt.utils import qdebounced, qthrottled

from napari_scd.viewer.dock.canvas import make_canvas_current, switch_vertex_arrays_off
from napari_scd.viewer.dock.click_tool import ClickTool
from napari_scd.viewer.dock.dialogs import ask_for_model, ask_where_to_export
from napari_scd.viewer.dock.hover import MousePosition
from napari_scd.viewer.dock.layer_lists import LayerLists
from napari_scd.viewer.dock.lifetime import DockedWidget
from napari_scd.viewer.dock.panels import AdvancedPanel, InputPanel, ResultPanel, RunPanel, TokensPanel
from napari_scd.viewer.dock.preferences import Preferences, Settings
from napari_scd.viewer.dock.reading import Reading
from napari_scd.viewer.dock.shortcuts import Keys
from napari_scd.viewer.dock.warm_up import warm_up_drawing
from napari_scd.viewer.dock.watch import Watch
from napari_scd.viewer.dock.worker import WorkerQueue
from napari_scd.viewer.layers import LayerStore
from napari_scd.viewer.logic import Backend, Choices, Controller, Cost, duration, saving_curve, with_ending
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    import napari

    from napari_scd.engine import Plan
    from napari_scd.viewer.logic import Agreement, JobQueue, ReadyModel, Result

WIDTH = 300
ESTIMATE_MS, SETTLE_MS, LOOK_AGAIN_MS, PAINTED_MS = 50, 200, 50, 100
STOPPABLE = frozenset({State.RUNNING, State.CANCELLING})
FOLLOWING = frozenset({"window", "replay"})
PLANNED = frozenset({"device", "precision", "stride", "batch", "blending"})


class ScdWidget(DockedWidget):
    """Segment with sparse tokens: the dock widget.

    Parameters
    ----------
    viewer
        The viewer it stands in.
    queue, backend
        Runs the work, does the work; for tests.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, *, queue: JobQueue | None = None, backend: Backend | None = None
    ) -> None:
        super().__init__()
        self.choices = Choices()
        self.controller = Controller(
            LayerStore(viewer), queue or WorkerQueue(), backend or Backend(), self.choices
        )
        self.input = InputPanel(self.controller.store.images)
        self.run, self.tokens = RunPanel(), TokensPanel()
        self.result, self.advanced = ResultPanel(), AdvancedPanel()
        self._lay_out()
        self._cost: Cost | None = None
        self._pace: float | None = None
        self._agreement = ""
        self._settle = qdebounced(self._on_settle, timeout=SETTLE_MS)
        self._estimate = qthrottled(self._on_estimate, timeout=ESTIMATE_MS)
        self._look_again = qdebounced(self._on_place, timeout=LOOK_AGAIN_MS)
        self._look_at_edits = qdebounced(self._on_painted, timeout=PAINTED_MS)
        self._connect_panels()
        self._connect_controller()
        self._settings = Settings(self._apply_preferences)
        self._lists = LayerLists(self.controller, self.input, self.result)
        self._lists.list_models(self._settings.preferences.models_folder)
        self._apply_preferences(self._settings.preferences)
        self._watch = Watch(
            viewer,
            self._on_layer_goes,
            self._on_layers,
            self._look_again,
            self._on_dimensions,
            self._look_at_edits,
        )
        self._reading = Reading(viewer, self.controller, self.input, self.advanced)
        self._clicks = ClickTool(viewer, self.controller.click_targets, self._on_click, self._on_refused)
        self._hover = MousePosition(viewer, self._under_mouse)
        self._keys = Keys(viewer, self._key_actions())
        self._on_layers()
        self._on_status(self.controller.status)
        QTimer.singleShot(0, self._start)

    def reset_choices(self, event: Any = None) -> None:
        """List the layers again; napari calls this when layers change."""
        if not self.gone:
            self._on_layers()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Narrow enough to leave the room to the image."""
        return QSize(WIDTH + 20, 700)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Take the dock's keys when one of its parts has the focus."""
        if self.gone or not self._keys.press(event):
            super().keyPressEvent(event)

    def let_go(self) -> None:
        """Stop the work and let go of the viewer; layers stay."""
        self.controller.close()
        for part in (self._hover, self._keys, self._watch, self._settings, self._reading):
            part.close()
        self._clicks.stop()
        for delayed in (self._settle, self._estimate, self._look_again, self._look_at_edits):
            delayed.cancel()

    def add_model_file(self, path: str) -> None:
        """Offer a model file and choose it."""
        self._lists.list_models(self._settings.preferences.models_folder, extra=path)
        self.input.model.choose(path)
        self._on_model(path)

    # -- building --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        column = QWidget()
        lines = QVBoxLayout(column)
        lines.setContentsMargins(6, 4, 6, 4)
        lines.setSpacing(10)
        for number, panel in enumerate((self.input, self.run, self.tokens, self.result)):
            if number:
                lines.addWidget(_ruler())
            lines.addWidget(panel)
        lines.addWidget(self.advanced)
        lines.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(column)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area, 1)
        footer = QVBoxLayout()
        footer.setContentsMargins(6, 4, 6, 4)
        footer.setSpacing(4)
        for part in (_ruler(), self.input.footer, self.result.footer):
            footer.addWidget(part)
        outer.addLayout(footer)
        self.setMinimumWidth(WIDTH)

    def _connect_panels(self) -> None:
        control = self.controller
        self.input.volumes_chosen.connect(lambda _: self._on_place())
        self.input.model_chosen.connect(self._on_model)
        self.input.frames_chosen.connect(self._on_frames_chosen)
        self.input.device_chosen.connect(partial(self._set_choice, "device"))
        self.input.file_wanted.connect(lambda: ask_for_model(self, self.add_model_file))
        self.input.remedy_wanted.connect(self._on_remedy)
        self.input.plane_wanted.connect(control.show_view)
        self.run.segment_wanted.connect(control.segment)
        self.run.click_toggled.connect(self._on_click_toggled)
        self.run.cancel_wanted.connect(control.cancel)
        self.run.replay_wanted.connect(control.replay)
        self.tokens.keep_moved.connect(self._on_keep)
        self.tokens.show_chosen.connect(control.set_show)
        self.tokens.compare_wanted.connect(control.compare)
        self.tokens.explode_wanted.connect(control.explode)
        self.result.output_chosen.connect(partial(self._set_choice, "output"))
        self.result.protect_toggled.connect(partial(self._set_choice, "protect"))
        self.result.structure_clicked.connect(control.go_to)
        self.result.structure_isolated.connect(control.isolate)
        self.result.accept_wanted.connect(control.accept)
        self.result.discard_wanted.connect(control.discard)
        self.result.export_wanted.connect(self._on_export)
        self.advanced.changed.connect(self._set_choice)
        self.advanced.refused.connect(self._on_refused)
        self.advanced.limits_wanted.connect(self._on_limits_wanted)

    def _connect_controller(self) -> None:
        state = self.controller.state
        state.status_changed.connect(self._on_status)
        state.progress_changed.connect(self.run.show_progress)
        state.ready_changed.connect(self._on_ready)
        state.cost_changed.connect(self._on_cost)
        state.result_changed.connect(self._on_result)
        state.agreement_changed.connect(self._on_agreement)
        state.devices_found.connect(self._on_devices)
        state.planned.connect(self._on_planned)
        if isinstance(state.jobs, WorkerQueue):
            state.jobs.busy_changed.connect(self._on_busy)

    def _key_actions(self) -> dict[str, Any]:
        control = self.controller
        return {
            "G": control.segment,
            "K": self.run.click.click,
            "Q": control.cancel,
            "H": self.tokens.next_show,
            "N": self.tokens.next_stage,
            "Shift-N": partial(self.tokens.next_stage, -1),
            "U": control.accept,
            "Control-Z": control.undo,
            "Control-Shift-Z": control.redo,
        }

    def _start(self) -> None:
        if not self.gone:
            self.controller.source.preload()
            self.controller.state.submit(
                "drawing", warm_up_drawing, lambda _: None, lasting=True, silent=True
            )

    # -- what the user does ----------------------------------------------------------------------------------

    def _on_model(self, model: str) -> None:
        self._lists.pick_model(model)

    def _on_frames_chosen(self, all_frames: bool) -> None:
        self._set_choice("all_frames", all_frames)
        self._show_buttons()

    def _on_keep(self, keep: float | tuple[float, ...]) -> None:
        self._estimate(keep)
        self._settle()

    def _on_estimate(self, keep: float | tuple[float, ...]) -> None:
        if isinstance(keep, tuple):
            self.controller.slider.set_keep(None, keep)
        else:
            self.controller.slider.set_keep(keep)

    def _on_settle(self) -> None:
        self.controller.slider.settle()

    def _on_click_toggled(self, on: bool) -> None:
        if on:
            self._clicks.start()
            self._keys.bind("Escape", lambda: self.run.click.setChecked(False))
        else:
            self._clicks.stop()
            self._keys.release("Escape")

    def _on_click(self, index: tuple[int, int, int], everything: bool) -> None:
        self.controller.click(index, everything=everything)

    def _on_refused(self, why: str) -> None:
        self.controller.state.say_again(why)

    def _on_limits_wanted(self) -> None:
        view = self.controller.view
        image = self.controller.store.layer(view.uid) if view is not None else None
        if image is not None:
            low, high = (float(limit) for limit in image.contrast_limits)
            self.advanced.set_window((low, high))
            self._set_choice("window", (low, high))

    def _on_remedy(self, action: str) -> None:
        if action == "choose_model":
            ask_for_model(self, self.add_model_file)
            return
        if action == "export":
            self._on_export()
            return
        self.controller.remedy(action)
        self.input.device.choose(self.choices.device)
        self.advanced.batch.choose(self.choices.batch)

    def _on_export(self) -> None:
        control = self.controller
        ask_where_to_export(self, control.saving.suggestion(), lambda path: control.export(with_ending(path)))

    def _set_choice(self, name: str, value: Any) -> None:
        setattr(self.choices, name, value)
        if name in ("world_axes", "window"):
            self._on_place()
        elif name in PLANNED:
            self.controller.source.replan()

    def _apply_preferences(self, preferences: Preferences) -> None:
        choices = self.choices
        choices.device, choices.precision = preferences.device, preferences.precision
        choices.live, choices.autosave = preferences.live_preview, preferences.autosave
        if preferences.keep > 0:
            choices.keep, choices.keep_per_stage = max(preferences.keep, 0.05), None
            self.tokens.set_keep(choices.keep)
        self.input.device.choose(choices.device)
        self.advanced.precision.choose(choices.precision)
        self.advanced.show_switches(live=choices.live, autosave=choices.autosave)
        self._lists.list_models(preferences.models_folder)
        self.controller.source.replan()

    # -- what the viewer does --------------------------------------------------------------------------------

    def _on_layer_goes(self) -> None:
        make_canvas_current(self.window())

    def _on_layers(self) -> None:
        switch_vertex_arrays_off(self.window())
        self.controller.layers_changed()
        chosen = self._lists.list_images()
        self._watch.follow(chosen)
        if not chosen:
            self.run.click.setChecked(False)
        self._show_buttons()

    def _on_place(self) -> None:
        if not self.gone:
            self._watch.follow(self._lists.refresh())
            self._show_buttons()

    def _on_painted(self) -> None:
        if not self.gone:
            self.controller.edits.look()

    def _on_dimensions(self) -> None:
        self.controller.layers.recolour()
        self.controller.state.say_again()

    def _under_mouse(self, position: Any) -> None:
        self.result.show_hover(self.controller.describe(position))

    # -- what the controller says ----------------------------------------------------------------------------

    def _on_status(self, status: Status) -> None:
        self.input.show_status(status)
        self.run.set_running(status.state in STOPPABLE)
        if status.state not in STOPPABLE and self.controller.busy:
            self._on_busy()

    def _on_busy(self, _busy: bool = True) -> None:
        """Show that the slider's answer is on its way, which has no status of its own."""
        if not self.gone and self.controller.status.state not in STOPPABLE:
            self.run.set_busy(self.controller.running in FOLLOWING)

    def _on_ready(self, ready: ReadyModel | None) -> None:
        self.run.set_can_segment(ready is not None, click_only=not self.controller.state.can_segment)
        if ready is None:
            return
        network = ready.checkpoint.network
        default = float(network.config.default_keep[0]) if network.config.default_keep else 1.0
        self.tokens.set_stages(network.config.n_stages, default, saving_curve(network))
        if self.choices.keep_request is None:
            self.choices.keep = default
            self.tokens.set_keep(default)
        self.advanced.set_strides(network.config.roi, network.config.patch)

    def _on_cost(self, cost: Cost | None) -> None:
        self._cost = cost
        self.tokens.show_cost(cost, self._pace, self._agreement)

    def _on_agreement(self, agreement: Agreement | None) -> None:
        dice = None if agreement is None else agreement.dice
        self._agreement = "" if dice is None else f"{dice:.2f}"
        self._on_cost(self._cost)

    def _on_result(self, result: Result | None) -> None:
        if result is None:
            self.result.show_structures(None, {}, ())
        else:
            sides = [index for pair in result.table.mirror_pairs for index in pair]
            doubtful = () if result.view.orientation_known else sides
            self.result.show_structures(result.table, result.found(), doubtful)
            if result.seconds_per_window is not None:
                origin = f"measured in the last run on {result.report['device']}"
                self._show_pace(result.seconds_per_window, origin)
        self._lists.list_outputs()
        if self.result.isolated:
            self.controller.isolate(self.result.isolated)
        labels = self.controller.label_layers()
        self._watch.follow_labels(labels)
        self._keys.bind_in(labels, ("Control-Z", "Control-Shift-Z"))
        self._show_buttons()

    def _on_devices(self, names: tuple[str, ...]) -> None:
        self.input.set_devices(names)
        self.input.device.choose(self.choices.device)

    def _on_planned(self, plan: Plan) -> None:
        self.input.name_auto(plan.device)
        if plan.seconds is not None:
            self._show_pace(plan.seconds / max(plan.n_windows, 1), f"from windows measured on {plan.device}")

    def _show_pace(self, seconds: float, origin: str) -> None:
        self._pace = seconds
        text = f"{duration(seconds)} / window"
        self.input.show_pace(text, f"{text}, {origin}")
        self._on_cost(self._cost)

    def _show_buttons(self) -> None:
        control = self.controller
        view = control.view
        self.input.show_frames("" if view is None else view.frame_title, 1 if view is None else view.n_frames)
        self.result.set_buttons(
            preview=control.state.pending is not None, exportable=control.saving.exportable
        )
        self._reading.look()


def _ruler() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setFixedHeight(1)
    return line
