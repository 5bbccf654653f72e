"""What the user asks of the network: the whole volume, a click, the clicks again, a comparison."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.answers import with_click
from napari_scd.viewer.logic.backend import PartialAnswer
from napari_scd.viewer.logic.jobs import ASKED, LIVE
from napari_scd.viewer.logic.result import fill_in, from_run, merge_window
from napari_scd.viewer.logic.wording import keep_text, sentence
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.engine import Segmentation
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.answers import Clicked
    from napari_scd.viewer.logic.backend import Agreement, ReadyModel
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.show_result import ResultLayers

    Target = tuple[tuple[int, int, int], bool]  # a voxel, and whether everything there is wanted


class Runs:
    """Submits runs, and puts their answers on screen.

    Parameters
    ----------
    state
        The dock's state.
    layers
        Draws results.
    get_ready
        Loads image and model again, after an error while they were loaded.
    """

    def __init__(self, state: DockState, layers: ResultLayers, get_ready: Callable[[], None]) -> None:
        self._state = state
        self._layers = layers
        self._get_ready = get_ready
        self._again: Callable[[], None] = get_ready
        self._n_shown_early = 0

    def segment(self) -> None:
        """Segment the whole volume."""
        state = self._state
        view = self._view_for(self.segment)
        if state.jobs.running == "segment" or view is None:
            return
        if state.ready is not None and not state.can_segment:
            state.say(sentences.one_at_a_time(state.ready.checkpoint.provenance.name))
            return
        state.jobs.drop("segment", *LIVE)
        state.say(sentences.running("Segmenting the volume."))
        part = state.store.slice_on_screen(view)
        run = partial(state.backend.segment, view, state.choices.copy(), state.centre(), part)
        self._n_shown_early = 0
        state.submit("segment", run, self._on_segmented, partly=self._on_segment_step)

    def click(self, index: Sequence[int], *, everything: bool = False) -> None:
        """Segment the structure at a voxel of the image, or remove it when it is already on screen."""
        state = self._state
        view = self._view_for(partial(self.click, index, everything=everything))
        if view is None:
            return
        z, y, x = (int(i) for i in index)
        result = state.previewed
        gone = result.unclick((z, y, x)) if result is not None else ""
        if result is not None and gone:
            self._layers.finish(result)
            self.say_preview(f"Removed {gone}.")
            return
        state.jobs.drop("warm")
        state.say(sentences.running("Segmenting the clicked structure."))
        self._submit_clicks(view, [((z, y, x), everything)])

    def replay(self) -> None:
        """Ask again for every recorded click: those of the selected Points layer, or the last ones."""
        state = self._state
        view = self._view_for(self.replay)
        if view is None:
            return
        places = state.store.clicks_on_record(view)
        if not places:
            state.say(sentences.NO_CLICKS)
            return
        state.say(sentences.running("Repeating the clicks."))
        self._submit_clicks(view, places, afresh=True)

    def compare(self) -> None:
        """Measure the agreement of the visible window with the dense network."""
        state = self._state
        view = self._view_for(self.compare)
        if view is None:
            return
        state.say(sentences.running("Running the visible window with all tokens, for comparison."))
        run = partial(state.backend.compare, view, state.choices.copy(), state.centre())
        state.submit("compare", run, self._on_compared)

    def cancel(self) -> None:
        """Stop the running job after its current window; what it found stays."""
        if self._state.jobs.running in ASKED:
            self._state.jobs.cancel()
            self._state.say(sentences.CANCELLING)

    def remedy(self, action: str) -> None:
        """Do what the button beside an error says."""
        if action == "run_on_cpu":
            self._state.choices.device = "cpu"
        elif action == "single_batch":
            self._state.choices.batch = 1
        if self._state.ready is None:
            self._get_ready()
        else:
            self._again()

    def say_preview(self, before: str = "") -> None:
        """Say which structures are on screen, after the sentence `before`."""
        state, result = self._state, self._state.previewed
        found = {} if result is None else result.found()
        volume_ml = sum(voxels.volume_ml for voxels in found.values())
        if result is None or not volume_ml:
            state.say(Status(State.PREVIEW, f"{before} The preview is empty.".strip()))
            return
        names = list(dict.fromkeys(click.name for click in result.clicks))
        if result.base is not None:
            names = [result.table.name_of(index) for index, voxels in found.items() if voxels.voxels]
        state.say(sentences.preview(names, volume_ml))

    def _view_for(self, again: Callable[[], None]) -> SourceView | None:
        """Return the image to run on; say what is missing where there is none."""
        self._again = again
        state = self._state
        if state.view is None:
            state.say(state.status if state.status.state is State.BAD_INPUT else sentences.NO_IMAGE)
            return None
        if state.choices.model is None:
            state.say(sentences.NO_MODEL)
            return None
        return state.view

    # -- answers ---------------------------------------------------------------------------------------------

    def _on_segmented(self, segmentation: Segmentation) -> None:
        state, view, ready = self._ready()
        report = segmentation.report
        if not segmentation.complete and report.n_windows <= self._n_shown_early:
            state.say(sentences.cancelled(self._n_shown_early, report.n_windows_planned))
            return
        table = ready.checkpoint.labels
        result = from_run(segmentation, view, table)
        early = state.previewed
        if not segmentation.complete and self._n_shown_early and early is not None and not early.complete:
            fill_in(result, early)
        self._layers.finish(result)
        if segmentation.complete:
            found = sum(1 for ml in report.volumes_ml.values() if ml > 0)
            state.say(sentences.done(len(table), found, report.seconds.total))
        else:
            state.say(sentences.cancelled(report.n_windows, report.n_windows_planned))

    def _on_segment_step(self, step: Any) -> None:
        if isinstance(step, PartialAnswer):
            self._show_early(step.segmentation)
        else:
            self._state.progressed(step)

    def _show_early(self, segmentation: Segmentation) -> None:
        """Show the part of a run that is on screen, while the rest still runs."""
        state, view, ready = self._ready()
        result, first = state.previewed, self._n_shown_early == 0
        self._n_shown_early = max(self._n_shown_early, segmentation.report.n_windows)
        if result is None or result.base is None or (first and not result.complete):
            result = from_run(segmentation, view, ready.checkpoint.labels)
            result.complete = False
        else:
            merge_window(result, segmentation)
        self._layers.put(result)

    def _submit_clicks(self, view: SourceView, places: list[Target], *, afresh: bool = False) -> None:
        state = self._state
        run = partial(state.backend.click, view, state.choices.copy(), places)
        state.submit("click", run, partial(self._on_clicked, afresh=afresh), replace=False)

    def _on_clicked(self, answers: list[Clicked], *, afresh: bool) -> None:
        state = self._state
        if not answers:
            state.say(sentences.cancelled(0, 1))
            return
        result = None if afresh else state.previewed
        for answer in answers:
            result = with_click(result, answer)
        assert result is not None
        self._layers.finish(result)
        if answers[-1].label:
            self.say_preview()
        else:
            state.say(Status(State.PREVIEW, sentence(answers[-1].message)))

    def _on_compared(self, agreement: Agreement) -> None:
        self._state.agreement_changed.emit(agreement)
        self._state.say(sentences.compared(keep_text(agreement.keep), agreement.dice))

    def _ready(self) -> tuple[DockState, SourceView, ReadyModel]:
        """Return state, image and model: both are there when an answer comes."""
        state = self._state
        assert state.view is not None and state.ready is not None
        return state, state.view, state.ready
