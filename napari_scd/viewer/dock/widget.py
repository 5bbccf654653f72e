"""The dock: composes the panels and connects them; everything it decides is decided in the controller."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, QTimer
from superqt.utils import qdebounced

from napari_scd.engine import KEEP_RANGE
from napari_scd.viewer.dock.canvas import guard_canvas, paint_now, switch_vertex_arrays_off
from napari_scd.viewer.dock.click_tool import ClickTool
from napari_scd.viewer.dock.connections import connect_to_controller
from napari_scd.viewer.dock.dialogs import ask_for_model, ask_where_to_export
from napari_scd.viewer.dock.display import PanelDisplay, Panels
from napari_scd.viewer.dock.fit_screen import FitScreen
from napari_scd.viewer.dock.hover import MousePosition
from napari_scd.viewer.dock.isolation import Isolation
from napari_scd.viewer.dock.keep_moves import KeepMoves
from napari_scd.viewer.dock.layer_lists import LayerLists
from napari_scd.viewer.dock.layout import WIDTH, lay_out
from napari_scd.viewer.dock.lifetime import DockedWidget
from napari_scd.viewer.dock.object_tools import ObjectTools
from napari_scd.viewer.dock.panels import AdvancedPanel, InputPanel, ResultPanel, RunPanel, TokensPanel
from napari_scd.viewer.dock.preferences import Preferences, Settings
from napari_scd.viewer.dock.prompt_tools import PromptTools
from napari_scd.viewer.dock.reading import Reading
from napari_scd.viewer.dock.shortcuts import Keys
from napari_scd.viewer.dock.watch import Watch
from napari_scd.viewer.dock.worker import WorkerQueue
from napari_scd.viewer.layers import LayerStore
from napari_scd.viewer.logic import Backend, Choices, Controller, with_ending

if TYPE_CHECKING:
    import napari

    from napari_scd.viewer.logic import JobQueue, Result

LOOK_AGAIN_MS, PAINTED_MS, START_SHOWN_MS, START_UNSEEN_MS = 50, 100, 100, 500
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
        self._viewer, self._fit_screen = viewer, FitScreen()
        self.choices = Choices()
        self._worker = WorkerQueue(held=True) if queue is None else None
        jobs: Any = queue or self._worker
        self.controller = Controller(LayerStore(viewer), jobs, backend or Backend(), self.choices)
        self.input = InputPanel(self.controller.store.images)
        self.run, self.tokens = RunPanel(), TokensPanel()
        self.result, self.advanced = ResultPanel(), AdvancedPanel()
        self.tools = ObjectTools(viewer, self.controller)
        self.prompts = PromptTools(viewer, self.controller, self.run, self.window)
        panels = Panels(
            self.input, self.run, self.prompts.panel, self.tokens, self.result, self.tools, self.advanced
        )
        lay_out(self, panels)
        self._display = PanelDisplay(self.controller, panels)
        self._keep = KeepMoves(self.controller.slider)
        self._look_again = qdebounced(self._on_place, timeout=LOOK_AGAIN_MS)
        self._look_at_edits = qdebounced(self._on_painted, timeout=PAINTED_MS)
        self._isolation = Isolation(self.controller, self.result)
        self._lists = LayerLists(self.controller, self.input, self.result)
        self._connect_panels(panels)
        self.controller.state.result_changed.connect(self._on_result)
        self.controller.state.mask_drawn.connect(self._on_mask)
        self._settings = Settings(self._apply_preferences)
        self._lists.list_models(self._settings.preferences.models_folder)
        self._apply_preferences(self._settings.preferences)
        self._watch = Watch(
            viewer, self._on_layers, self._look_again, self._on_dimensions, self._look_at_edits
        )
        self._reading = Reading(viewer, self.controller, panels, self._settings)
        self._clicks = ClickTool(
            viewer,
            self.controller.click_targets,
            self._on_click,
            self._on_refused,
            self.controller.exclude,
            lambda: self.prompts.keys.x_held,
        )
        self._hover = MousePosition(viewer, self._under_mouse)
        self._keys = Keys(viewer, self._key_actions())
        self._on_layers()
        self.controller.source.preload()
        self._display.show_status()
        QTimer.singleShot(START_UNSEEN_MS, self._start)

    def reset_choices(self, event: Any = None) -> None:
        """List the layers again; napari calls this when layers change."""
        if not self.gone:
            self._on_layers()

    def showEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Guard the canvas, keep the window on the screen; load the model once the dock is painted."""
        super().showEvent(event)
        QTimer.singleShot(START_SHOWN_MS, self._start)
        window = self.window()
        if window is not None:
            guard_canvas(self._viewer, window)
            self._fit_screen.follow(window)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Narrow enough to leave room for the image."""
        return QSize(WIDTH + 20, 700)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Take the dock's keys when one of its parts has the focus."""
        if self.gone or not self._keys.press(event):
            super().keyPressEvent(event)

    def let_go(self) -> None:
        """Stop the work and let go of the viewer; layers stay."""
        self.controller.close()
        parts = (self._hover, self._keys, self._watch, self._reading, self._settings, self._isolation)
        for part in (*parts, self._display, self._fit_screen):
            part.close()
        self._clicks.stop()
        self.tools.close_table()
        self.prompts.close()
        for delayed in (self._keep, self._look_again, self._look_at_edits):
            delayed.cancel()

    def add_model_file(self, path: str) -> None:
        """Offer a model file and choose it."""
        self._lists.list_models(self._settings.preferences.models_folder, extra=path)
        self.input.model.choose(path)
        self._lists.pick_model(path)

    # -- building --------------------------------------------------------------------------------------------

    def _connect_panels(self, panels: Panels) -> None:
        connect_to_controller(panels, self.controller)
        self.input.volumes_chosen.connect(lambda _: self._on_place())
        self.input.model_chosen.connect(self._lists.pick_model)
        self.input.frames_chosen.connect(self._on_frames_chosen)
        self.input.device_chosen.connect(partial(self._set_choice, "device"))
        self.input.file_wanted.connect(lambda: ask_for_model(self, self.add_model_file))
        self.input.remedy_wanted.connect(self._on_remedy)
        self.run.click_toggled.connect(self._on_click_toggled)
        self.tokens.keep_moved.connect(self._keep.move)
        self.result.output_chosen.connect(partial(self._set_choice, "output"))
        self.result.protect_toggled.connect(partial(self._set_choice, "protect"))
        self.result.export_wanted.connect(self._on_export)
        self.advanced.changed.connect(self._set_choice)
        self.advanced.refused.connect(self._on_refused)
        self.advanced.limits_wanted.connect(self._on_limits_wanted)

    def _key_actions(self) -> dict[str, Any]:
        control = self.controller
        return {
            "G": control.segment,
            "K": self.run.click.click,
            "Q": control.cancel,
            "H": self.tokens.next_show,
            "N": self.tokens.next_stage,
            "Shift-N": partial(self.tokens.next_stage, -1),
            "O": control.prompting.new_object,
            "U": control.accept,
            "Control-Z": control.undo,
            "Control-Shift-Z": control.redo,
        }

    def _start(self) -> None:
        if self._worker is not None and not self.gone:
            self._worker.release()

    # -- what the user does ----------------------------------------------------------------------------------

    def _on_frames_chosen(self, all_frames: bool) -> None:
        self._set_choice("all_frames", all_frames)
        self._show_buttons()

    def _on_click_toggled(self, on: bool) -> None:
        if on:
            self._clicks.start()
            self.prompts.keys.start()
            self._keys.bind("Escape", self._on_escape)
        else:
            self._clicks.stop()
            self.prompts.keys.stop()
            self._keys.release("Escape")

    def _on_escape(self) -> None:
        if self.prompts.box.drawing:
            self.prompts.box.stop()
            self.controller.state.say_current()
        else:
            self.run.click.setChecked(False)

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
            choices.keep, choices.keep_per_stage = max(preferences.keep, KEEP_RANGE[0]), None
            self.tokens.set_keep(choices.keep)
        self.input.device.choose(choices.device)
        self.advanced.precision.choose(choices.precision)
        self.advanced.show_switches(live=choices.live, autosave=choices.autosave)
        self._lists.list_models(preferences.models_folder)
        self.controller.source.replan()

    # -- what the viewer does --------------------------------------------------------------------------------

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

    def _on_mask(self) -> None:
        paint_now(self.window())

    def _on_result(self, result: Result | None) -> None:
        self._display.show_result(result)
        self._lists.list_outputs()
        self._isolation.follow(result)
        labels = self.controller.label_layers()
        self._watch.follow_labels(labels)
        self._keys.bind_in(self.controller.layers_with_undo(), ("Control-Z", "Control-Shift-Z"))
        self._show_buttons()

    def _show_buttons(self) -> None:
        self._display.show_buttons()
        self._reading.look()
