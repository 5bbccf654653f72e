"""Answers of a run over all frames of a scan, each shown as a preview of its own frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.backend import FrameAnswer
from napari_scd.viewer.logic.merging import from_run
from napari_scd.viewer.logic.undo import Shown

if TYPE_CHECKING:
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.show_result import ResultLayers


class FrameAnswers:
    """Takes the frames of a run as they are done.

    Parameters
    ----------
    state
        The dock's state.
    layers
        Draws results.
    """

    def __init__(self, state: DockState, layers: ResultLayers) -> None:
        self._state = state
        self._layers = layers

    def take(self, step: Any) -> None:
        """Show a frame that is done; any other step moves the progress bar."""
        if not isinstance(step, FrameAnswer):
            self._state.progressed(step)
            return
        assert self._state.ready is not None
        result = from_run(step.segmentation, step.view, self._state.ready.checkpoint.labels)
        earlier = self._state.shown.get((step.view.uid, step.view.frame), Shown()).result
        result.history = ([] if earlier is None else list(earlier.history)) + result.history
        self._layers.put(result, "Segment all frames")

    def finish(self, n_frames: int, n_done: int) -> None:
        """Say how many frames were segmented."""
        self._state.progress_changed.emit(None)
        self._state.say(sentences.frames_done(n_done, n_frames))
