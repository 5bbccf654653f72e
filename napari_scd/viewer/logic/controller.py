"""Everything a person can do in the dock, one method each; other parts do the work. No Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.viewer.layers import drawn_box
from napari_scd.viewer.logic import prompt_sentences
from napari_scd.viewer.logic.accept import Review
from napari_scd.viewer.logic.asking_again import AskingAgain
from napari_scd.viewer.logic.describe import describe
from napari_scd.viewer.logic.dock_state import DockState
from napari_scd.viewer.logic.edits import HandEdits
from napari_scd.viewer.logic.handover import leave, take_over
from napari_scd.viewer.logic.keep import KeepAnswers
from napari_scd.viewer.logic.measuring import Measuring
from napari_scd.viewer.logic.object_edits import ObjectEdits
from napari_scd.viewer.logic.object_list import ObjectList
from napari_scd.viewer.logic.object_surfaces import ObjectSurfaces
from napari_scd.viewer.logic.prompt_reading import PromptReading
from napari_scd.viewer.logic.prompting import PromptQueue
from napari_scd.viewer.logic.refining import Refining
from napari_scd.viewer.logic.runs import Runs
from napari_scd.viewer.logic.save import Saving
from napari_scd.viewer.logic.show_result import ResultLayers
from napari_scd.viewer.logic.source import ImageSource
from napari_scd.viewer.logic.stopping import cancel
from napari_scd.viewer.state import State

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_scd.viewer.layers import LayerStore, SourceView
    from napari_scd.viewer.logic.backend import Backend, ReadyModel
    from napari_scd.viewer.logic.choices import Choices
    from napari_scd.viewer.logic.jobs import JobQueue
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.state import Status


class Controller:
    """One dock's logic.

    Parameters
    ----------
    store
        Our layers in the viewer.
    jobs
        Runs the jobs.
    backend
        Loads models and runs the session, in the worker.
    choices
        What the user set; the panels write to it.
    """

    def __init__(self, store: LayerStore, jobs: JobQueue, backend: Backend, choices: Choices) -> None:
        self.store, self.backend, self.choices = store, backend, choices
        self._lane = jobs
        self.state = DockState(store, jobs, backend, choices)
        take_over(self.state)
        self.layers = ResultLayers(self.state)
        self.edits = HandEdits(self.state, self.layers)
        self.source = ImageSource(self.state, self.layers)
        self.prompted = ObjectList(self.state, self.layers, self.edits)
        self.prompting = PromptQueue(
            self.state, self.layers, self.edits, self.prompted, lambda again: self.runs.remember(again)
        )
        self.again = AskingAgain(self.state, self.layers)
        self.refining = Refining(self.state, self.layers, self.edits, self.prompted)
        self.reading = PromptReading(
            self.state, self.layers, self.edits, self.prompted, lambda: self.prompting.labels
        )
        self.runs = Runs(
            self.state,
            self.layers,
            self.edits,
            lambda: self.source.refresh(again=True),
            lambda place, why: self.prompting.include(place, why=why),
            self.source.replan,
        )
        self.slider = KeepAnswers(self.state, self.layers, self.edits, self.source.replan, self.again.current)
        self.review = Review(self.state, self.layers, self.edits)
        self.saving = Saving(self.state, self.edits)
        self.objects = ObjectEdits(self.state, self.layers, self.edits)
        self.measuring = Measuring(self.state, self.edits, self.saving)
        self.surfaces = ObjectSurfaces(self.state, self.edits, self.saving, self.layers.recolour)
        self.remedy, self.discard, self.redo = self.runs.remedy, self.review.discard, self.review.redo
        self.state.voxels_changed.connect(self._on_voxels_changed)
        self.say = self.state.say

    @property
    def status(self) -> Status:
        """The status line."""
        return self.state.status

    @property
    def view(self) -> SourceView | None:
        """The image as it is to be segmented."""
        return self.state.view

    @property
    def ready(self) -> ReadyModel | None:
        """The loaded model and the plan of a run."""
        return self.state.ready

    @property
    def result(self) -> Result | None:
        """The result of the chosen image and frame."""
        return self.state.result

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self._lane.running is not None

    @property
    def running(self) -> str | None:
        """Kind of the running job."""
        return self._lane.running

    def segment(self) -> None:
        """Segment the volume on screen, or all frames where that was chosen."""
        if self.choices.all_frames and self.view is not None and self.view.n_frames > 1:
            self.runs.segment_frames()
        else:
            self.runs.segment()

    def close(self) -> None:
        """Stop everything; layers stay, and a dock that is opened later takes them over."""
        leave(self.state)
        self.state.close()

    def click(self, index: tuple[int, int, int], *, everything: bool = False) -> None:
        """Segment what lies at a voxel, or correct the current object by it."""
        if self.state.is_promptable:
            self.prompting.include(index)
        else:
            self.runs.click(index, everything=everything)

    def exclude(self, index: tuple[int, int, int]) -> None:
        """Say that a voxel does not belong to the current object."""
        self.prompting.exclude(index)

    def limit(self, shapes: Any) -> None:
        """Limit the current object to the rectangles of a Shapes layer."""
        view = self.view
        image = None if view is None else self.store.layer(view.uid)
        box = (
            None if view is None or image is None else drawn_box(shapes, image, view, self.store.screen.point)
        )
        if box is None:
            self.state.say_again(prompt_sentences.NO_BOX)
            return
        why = prompt_sentences.box_taken(box.depth_mm, box.n_rectangles)
        self.prompting.within(box.low, box.high, why=why)

    def undo(self) -> None:
        """Take back the latest click, or undo the last step."""
        if not self.prompting.take_back():
            self.review.undo()

    def replay(self) -> None:
        """Ask again for everything that was clicked."""
        if self.state.is_promptable:
            self.again.everything()
        else:
            self.runs.replay()

    def compare(self) -> None:
        """Measure how what is on screen agrees with the dense network."""
        if self.state.is_promptable:
            self.again.compare()
        else:
            self.runs.compare()

    def cancel(self) -> None:
        """Stop the running job; what it found stays."""
        self.prompting.stop()
        cancel(self.state)

    def layers_changed(self) -> None:
        """Follow layers that came, went or changed: call it before the lists are filled again."""
        self.review.forget_removed()

    def label_layers(self) -> list[Any]:
        """Return the layers whose painting matters: the preview and the segmentation of the chosen image."""
        accepted = self.state.now.accepted
        preview = None if self.view is None else self.store.ours(self.view.uid, "preview")
        found = [preview, None if accepted is None else self.store.layer(accepted.layer)]
        return [layer for layer in found if layer is not None]

    def layers_with_undo(self) -> list[Any]:
        """Return our Labels layers: Ctrl+Z is the dock's while one of them is selected."""
        tokens = None if self.view is None else self.store.ours(self.view.uid, "tokens")
        return [*self.label_layers(), *([] if tokens is None else [tokens])]

    def accept(self) -> None:
        """Write the preview into the segmentation, and to a file beside the image where that was chosen."""
        path = self.saving.beside_source() if self.review.accept() else None
        if self.choices.autosave and path is not None:
            self.export(path)

    def export(self, path: str | Path) -> None:
        """Write labels, token and score maps, provenance and label table beside each other."""
        self.saving.export(path)

    def _on_voxels_changed(self) -> None:
        asked = self.status.state is State.RUNNING
        self.source.take_again(self.runs.repeat if asked else None)

    # -- looking ---------------------------------------------------------------------------------------------

    def set_show(self, show: str, stage: int) -> None:
        """Choose the token view and the stage it stops at."""
        self.choices.show, self.choices.stage = show, stage
        self.layers.recolour()

    def show_confidence(self, on: bool) -> None:
        """Show or hide how sure the model is of each voxel."""
        self.choices.confidence = on
        self.layers.show_confidence()

    def show_view(self, name: str) -> None:
        """Turn the viewer to "axial", "coronal", "sagittal" or "3d", as a radiologist expects it."""
        if self.view is not None:
            self.store.screen.show_view(self.view, name)
            self.state.say_again()

    def go_to(self, index: int) -> None:
        """Bring a structure on screen: the voxel of it nearest its middle."""
        result = self.result
        if result is None:
            return
        voxels = np.argwhere(result.labels == index)
        if len(voxels):
            nearest = np.square(voxels - voxels.mean(axis=0)).sum(axis=1).argmin()
            self.store.screen.go_to(result.view, voxels[nearest].tolist())

    def go_to_name(self, name: str) -> None:
        """Bring a structure on screen, by its name."""
        table = None if self.result is None else self.result.table
        if table is not None and name in table.names:
            self.go_to(table.index_of(name))

    def isolate(self, index: int) -> None:
        """Show one structure alone, or all again (0)."""
        if self.result is not None:
            self.store.isolate(self.result.view, index)

    def explode(self) -> None:
        """Add the tokens as a layer with an axis over the stages."""
        if self.result is not None:
            self.layers.explode(self.result)

    def click_targets(self) -> tuple[Any, list[Any]] | None:
        """Return the image layer clicks are for, and the labels drawn on it."""
        image = self.store.layer(self.view.uid) if self.view is not None else None
        if image is None or self.view is None:
            return None
        drawn = [self.store.ours(self.view.uid, kind) for kind in ("preview", "seg")]
        return image, [layer for layer in drawn if layer is not None and layer.visible]

    def describe(self, position: Sequence[float]) -> str:
        """Say what lies at a place in world coordinates."""
        layer = self.store.layer(self.result.view.uid) if self.result is not None else None
        return describe(self.result, layer, position) if self.result is not None and layer is not None else ""
