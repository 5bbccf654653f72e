"""Connects the list of objects, the keys and the box with what the controller does with prompts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_scd.viewer.dock.box_tool import BoxTool
from napari_scd.viewer.dock.dialogs import ask_for_prompts
from napari_scd.viewer.dock.dropped_prompts import DroppedPrompts
from napari_scd.viewer.dock.grabbed_keys import GrabbedKeys
from napari_scd.viewer.dock.panels import ObjectsPanel
from napari_scd.viewer.logic import DRAW_BOX

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from qtpy.QtWidgets import QWidget

    from napari_scd.viewer.dock.panels import RunPanel
    from napari_scd.viewer.logic import Controller

POINTING = (
    "Click what you want to segment, then what is missing. Right click (without dragging), or click with "
    "X held, what does not belong. Ctrl+Z undoes the last click. O starts the next object. "
    "K or Esc ends it."
)
NAMED = "Click a structure in the image; Shift+click takes everything there; K or Esc ends it."


class PromptTools:
    """The dock's tools for objects that are segmented from prompts.

    Parameters
    ----------
    viewer
        The viewer the dock stands in.
    control
        The dock's logic.
    run
        The panel whose Click button says what a click does.
    window
        Returns the window whose keys are listened to.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        control: Controller,
        run: RunPanel,
        window: Callable[[], QWidget | None],
    ) -> None:
        self._control = control
        self._run = run
        self.panel = ObjectsPanel(control.refining.sources)
        self.keys = GrabbedKeys(window, control.prompting.new_object)
        self.box = BoxTool(viewer, self._image, control.limit)
        self.dropped = DroppedPrompts(viewer, control.reading.read)
        control.state.ready_changed.connect(lambda _: self.show())
        control.state.result_changed.connect(lambda _: self.show())
        panel = self.panel
        panel.new_wanted.connect(control.prompting.new_object)
        panel.box_wanted.connect(self._on_box)
        panel.refine_wanted.connect(control.refining.start)
        panel.read_wanted.connect(self._on_read)
        panel.chosen.connect(self._on_chosen)
        panel.renamed.connect(control.prompted.rename)
        panel.remove_wanted.connect(control.prompted.remove)

    def show(self) -> None:
        """List the objects of the chosen image; an empty list is shown for promptable models only."""
        rows = self._control.prompted.rows()
        self.panel.show_objects(rows)
        self.panel.setVisible(bool(rows) or self._control.state.is_promptable)
        self._run.click.setToolTip(POINTING if self._control.state.is_promptable else NAMED)

    def close(self) -> None:
        """Let go of the viewer."""
        self.keys.stop()
        self.box.stop()
        self.dropped.close()

    def _on_chosen(self, label: int) -> None:
        self._control.prompted.select(label)
        self._control.go_to(label)

    def _on_box(self) -> None:
        if self.box.start():
            self._control.say(DRAW_BOX)

    def _on_read(self) -> None:
        folder = str(Path(self._control.saving.suggestion()).parent)
        ask_for_prompts(self.panel, folder, self._control.reading.read)

    def _image(self) -> Any | None:
        targets = self._control.click_targets()
        return None if targets is None else targets[0]
