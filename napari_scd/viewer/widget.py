"""The dock: composes the panels and connects them; everything it decides is decided in the controller."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import QFileDialog, QFrame, QScrollArea, QVBoxLayout, QWidget
from superqt.utils import qdebounced, qthrottled

from napari_scd.viewer import state
from napari_scd.viewer.bench import Bench
from napari_scd.viewer.board import Board
from napari_scd.viewer.catalogue import offered_models
from napari_scd.viewer.clicks import ClickTool
from napari_scd.viewer.controller import Controller
from napari_scd.viewer.hover import Hover
from napari_scd.viewer.keys import Keys
from napari_scd.viewer.panels.advanced import AdvancedPanel
from napari_scd.viewer.panels.input import InputPanel
from napari_scd.viewer.panels.result import ResultPanel
from napari_scd.viewer.panels.run import RunPanel
from napari_scd.viewer.panels.tokens import TokensPanel
from napari_scd.viewer.saving import with_ending
from napari_scd.viewer.settings import Preferences, Settings
from napari_scd.viewer.state import Choices, State, Status
from napari_scd.viewer.tasks import WorkerLane
from napari_scd.viewer.tokens import Cost, saving_curve
from napari_scd.viewer.watch import Watch

if TYPE_CHECKING:
    import napari

    from napari_scd.viewer.bench import Agreement, Prepared
    from napari_scd.viewer.lane import Lane
    from napari_scd.viewer.results import Result

WIDTH = 300
STOPPABLE = frozenset({State.RUNNING, State.CANCELLING})


class ScdWidget(QWidget):
    """Segment with sparse tokens: the dock widget.

    Parameters
    ----------
    viewer
        The viewer it stands in.
    lane, bench
        Runs the work, does the work; for tests.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, *, lane: Lane | None = None, bench: Bench | None = None
    ) -> None:
        super().__init__()
        self.viewer = viewer
        self.choices = Choices()
        self.controller = Controller(Board(viewer), lane or WorkerLane(), bench or Bench(), self.choices)
        self.input, self.run, self.tokens = InputPanel(), RunPanel(), TokensPanel()
        self.result, self.advanced = ResultPanel(), AdvancedPanel()
        self._lay_out()
        self._cost: Cost | None = None
        self._pace: float | None = None
        self._agreement = ""
        self._channels_of: dict[str, tuple[str, ...]] = {}
        self._docked = False
        self._closed = False
        self._outer: QWidget | None = None
        self._escape = False
        self._settings = Settings(self._apply_preferences)
        self._clicks = ClickTool(viewer, self._click_targets, self._on_click, self._on_refused)
        self._hover = Hover(viewer, self._under_mouse)
        self._settle = qdebounced(self._on_settle, timeout=200)
        self._estimate = qthrottled(self._on_estimate, timeout=50)
        self._look_again = qdebounced(self._refresh_input, timeout=50)
        self._connect_panels()
        self._connect_controller()
        self._apply_preferences(self._settings.preferences)
        self._watch = Watch(viewer, self._on_layers, self._look_again, self._on_dimensions)
        self._list_models()
        self._on_layers()
        self._keys = Keys(viewer, self._key_actions())
        self._on_status(self.controller.status)
        QTimer.singleShot(0, self._start)

    def reset_choices(self, event: Any = None) -> None:
        """List the layers again; napari calls this when layers change."""
        if not self._closed:
            self._on_layers()

    def event(self, event: QEvent) -> bool:
        """Tear down when the dock lets go of us: its X fires neither closeEvent nor destroyed."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                self.tear_down()
        return bool(super().event(event))

    def showEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Watch the window we stand in, to stop when it closes."""
        if not self._closed and self.window() is not self._outer:
            self._outer = self.window()
            self._outer.installEventFilter(self)
        super().showEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 (Qt's name)
        """Stop the work when napari's window closes (and does not merely ask whether it should)."""
        if event.type() == QEvent.Type.Close and not self._closed:
            QTimer.singleShot(0, self._stop_if_gone)
        return False

    def _stop_if_gone(self) -> None:
        if not self._closed and _gone(self._outer):
            self.tear_down()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Narrow enough to leave the room to the image."""
        return QSize(WIDTH + 20, 700)

    def tear_down(self) -> None:
        """Stop the work and let go of the viewer; layers stay."""
        if self._closed:
            return
        self._closed = True
        if self._outer is not None and not _deleted(self._outer):
            self._outer.removeEventFilter(self)
        self._outer = None
        self.controller.close()
        self._clicks.stop()
        self._hover.close()
        self._keys.close()
        self._watch.close()
        self._settings.close()
        for delayed in (self._settle, self._estimate, self._look_again):
            delayed.cancel()

    # -- building --------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        column = QWidget()
        lines = QVBoxLayout(column)
        lines.setContentsMargins(6, 4, 6, 4)
        lines.setSpacing(10)
        panels = (self.input, self.run, self.tokens, self.result)
        for number, panel in enumerate(panels):
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
        outer.addWidget(area)
        self.setMinimumWidth(WIDTH)

    def _connect_panels(self) -> None:
        control = self.controller
        self.input.volumes_chosen.connect(self._on_volumes)
        self.input.model_chosen.connect(self._on_model)
        self.input.device_chosen.connect(lambda name: self._set_choice("device", name))
        self.input.file_wanted.connect(self._choose_model_file)
        self.input.remedy_wanted.connect(self._on_remedy)
        self.run.segment_wanted.connect(control.segment)
        self.run.click_toggled.connect(self._on_click_toggled)
        self.run.cancel_wanted.connect(control.cancel)
        self.tokens.keep_moved.connect(self._on_keep)
        self.tokens.show_chosen.connect(control.set_show)
        self.tokens.compare_wanted.connect(control.compare)
        self.tokens.explode_wanted.connect(control.outcome.explode)
        self.result.output_chosen.connect(lambda uid: self._set_choice("output", uid))
        self.result.protect_toggled.connect(lambda on: self._set_choice("protect", on))
        self.result.structure_clicked.connect(control.outcome.go_to)
        self.result.structure_isolated.connect(control.outcome.isolate)
        self.result.accept_wanted.connect(control.outcome.accept)
        self.result.discard_wanted.connect(control.outcome.discard)
        self.result.export_wanted.connect(self._choose_export_file)
        self.advanced.changed.connect(self._set_choice)

    def _connect_controller(self) -> None:
        control = self.controller
        control.status_changed.connect(self._on_status)
        control.progress_changed.connect(self.run.show_progress)
        control.prepared_changed.connect(self._on_prepared)
        control.cost_changed.connect(self._on_cost)
        control.result_changed.connect(self._on_result)
        control.agreement_changed.connect(self._on_agreement)
        control.devices_found.connect(self._on_devices)

    def _key_actions(self) -> dict[str, Any]:
        control = self.controller
        return {
            "G": control.segment,
            "K": self.run.click.click,
            "Q": control.cancel,
            "H": self.tokens.next_show,
            "N": self.tokens.next_stage,
            "Shift-N": partial(self.tokens.next_stage, -1),
            "U": control.outcome.accept,
            "Control-Z": control.outcome.undo,
            "Control-Shift-Z": control.outcome.redo,
        }

    def _start(self) -> None:
        if not self._closed:
            self.controller.preload()

    # -- what the user does ----------------------------------------------------------------------------------

    def _on_volumes(self, uids: tuple[Any, ...]) -> None:
        self.choices.volumes = uids
        self._refresh_input()

    def _on_model(self, model: str) -> None:
        if model is not None and model != self.choices.model:
            self.choices.model = model
            self._refresh_input()

    def _on_keep(self, keep: float | tuple[float, ...]) -> None:
        self._estimate(keep)
        self._settle()

    def _on_estimate(self, keep: float | tuple[float, ...]) -> None:
        if isinstance(keep, tuple):
            self.controller.dial.set_keep(None, keep)
        else:
            self.controller.dial.set_keep(keep)

    def _on_settle(self) -> None:
        self.controller.dial.settle()

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
        self.controller.say(Status(self.controller.status.state, why))

    def _on_remedy(self, action: str) -> None:
        if action == "choose_model":
            self._choose_model_file()
            return
        self.controller.remedy(action)
        self.input.device.choose(self.choices.device)
        self.advanced.batch.choose(self.choices.batch)

    def _set_choice(self, name: str, value: Any) -> None:
        setattr(self.choices, name, value)
        if name == "world_axes":
            self._refresh_input()
        elif name in ("device", "precision", "stride", "batch", "blending"):
            self.controller.replan()

    def _choose_model_file(self) -> None:
        dialog = QFileDialog(self, "Choose a model", str(Path.home()), "Models (*.safetensors)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.add_model_file)
        dialog.show()

    def add_model_file(self, path: str) -> None:
        """Offer a model file and choose it."""
        self._list_models(extra=path)
        self.input.model.choose(path)
        self._on_model(path)

    def _choose_export_file(self) -> None:
        suggestion = self.controller.outcome.suggestion()
        dialog = QFileDialog(self, "Export labels", suggestion, "Label maps (*.nii.gz *.nii *.mgz)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda path: self.controller.outcome.export(with_ending(path)))
        dialog.show()

    # -- what the viewer does --------------------------------------------------------------------------------

    def _on_layers(self) -> None:
        board = self.controller.board
        images = [(layer.name, layer.unique_id) for layer in board.images()]
        self.input.set_images(images)
        if not images:
            self.run.click.setChecked(False)
        self._refresh_input()

    def _refresh_input(self) -> None:
        if self._closed:
            return
        control = self.controller
        if self.choices.volumes[:1] != self.input.chosen_volumes[:1]:
            self.choices.output = None
        self._offer_channels()
        self.choices.volumes = self.input.chosen_volumes
        control.refresh()
        self._list_outputs()
        followed = [control.board.layer(uid) for uid in self.choices.volumes]
        self._watch.follow([layer for layer in followed if layer is not None])
        self.result.set_buttons(preview=control.pending is not None, exportable=control.outcome.exportable)

    def _offer_channels(self) -> None:
        """Show one Volume chooser per channel of the model, unless one layer holds them all."""
        names = self._channels_of.get(self.choices.model or "", ("image",))
        self.choices.n_channels = len(names)
        layer = self.controller.board.layer(self.input.volume.value)
        together = layer is not None and tuple(layer.data.shape[:-3]) == (len(names),)
        wanted = names[:1] if together else names
        if len(wanted) != self.input.n_channels:
            self.input.set_channels(wanted)

    def _list_outputs(self) -> None:
        board, view = self.controller.board, self.controller.view
        self.result.set_outputs([(layer.name, layer.unique_id) for layer in board.outputs(view)])
        self.result.output.choose(self.choices.output)
        self.choices.output = self.result.output.value

    def _on_dimensions(self) -> None:
        self.controller.display.recolour(self.controller.result)

    # -- what the controller says ----------------------------------------------------------------------------

    def _on_status(self, status: Status) -> None:
        self.input.show_status(status)
        self.run.set_running(status.state in STOPPABLE)

    def _on_prepared(self, prepared: Prepared | None) -> None:
        self.run.set_can_segment(prepared is not None, click_only=not self.controller.can_segment)
        if prepared is None:
            return
        config = prepared.checkpoint.network.config
        default = float(config.default_keep[0]) if config.default_keep else 1.0
        self.tokens.set_stages(config.n_stages, default, saving_curve(prepared.checkpoint.network))
        if self.choices.keep_request is None:
            self.choices.keep = default
            self.tokens.set_keep(default)
        self.advanced.set_strides(config.roi, config.patch)

    def _on_cost(self, cost: Cost | None) -> None:
        self._cost = cost
        self.tokens.show_cost(cost, self._pace, self._agreement)

    def _on_agreement(self, agreement: Agreement | None) -> None:
        known = agreement is not None and agreement.dice is not None
        self._agreement = f"{agreement.dice:.2f}" if known else ""
        self.tokens.show_cost(self._cost, self._pace, self._agreement)

    def _on_result(self, result: Result | None) -> None:
        control = self.controller
        if result is None:
            self.result.show_structures(None, {}, ())
        else:
            sides = [index for pair in result.table.mirror_pairs for index in pair]
            doubtful = () if result.view.orientation_known else sides
            self.result.show_structures(result.table, result.found(), doubtful)
            self._pace = result.seconds_per_window
            if self._pace is not None:
                text = f"{state.duration(self._pace)} per window"
                self.input.show_pace(text, f"{text}, measured in the last run on {result.report['device']}")
            self._on_cost(self._cost)
        self._list_outputs()
        self.result.set_buttons(preview=control.pending is not None, exportable=control.outcome.exportable)

    def _on_devices(self, names: tuple[str, ...]) -> None:
        self.input.set_devices(names)
        self.input.device.choose(self.choices.device)

    def _list_models(self, extra: str | None = None) -> None:
        models = offered_models(self._settings.preferences.models_folder, extra)
        self._channels_of = {m.value: m.channels for m in models}
        self.input.model.set_items([(m.title, m.value) for m in models], hints=[m.hint for m in models])
        self.choices.model = self.input.model.value if self.choices.model is None else self.choices.model

    def _apply_preferences(self, preferences: Preferences) -> None:
        choices = self.choices
        choices.device, choices.precision = preferences.device, preferences.precision
        choices.live, choices.autosave = preferences.live_preview, preferences.autosave
        if preferences.keep > 0:
            self.tokens.set_keep(preferences.keep)
            choices.keep, choices.keep_per_stage = preferences.keep, None
        self.input.device.choose(choices.device)
        self.advanced.precision.choose(choices.precision)
        self.advanced.show_switches(live=choices.live, autosave=choices.autosave)
        self.controller.replan()

    def _under_mouse(self, position: Any) -> None:
        self.result.show_hover(self.controller.describe(position))

    def _click_targets(self) -> tuple[Any, list[Any]] | None:
        return self.controller.click_targets()


def _ruler() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setFixedHeight(1)
    return line


def _gone(window: Any) -> bool:
    return window is None or _deleted(window) or not window.isVisible()


def _deleted(window: Any) -> bool:
    try:
        window.objectName()
    except RuntimeError:  # Qt has deleted what Python still holds
        return True
    return False
