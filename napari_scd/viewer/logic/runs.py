"""What the user asks of the network: the whole volume, a click, the clicks again, a comparison."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_scd.viewer.logic import prompt_sentences
from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.answers import with_click
from napari_scd.viewer.logic.backend import PartialAnswer
from napari_scd.viewer.logic.click_words import after_click, beside_known
from napari_scd.viewer.logic.frame_answers import FrameAnswers
from napari_scd.viewer.logic.history import removal_entry
from napari_scd.viewer.logic.jobs import LIVE
from napari_scd.viewer.logic.merging import from_run, with_rest, with_window
from napari_scd.viewer.logic.objects import carried_over
from napari_scd.viewer.logic.undo import Shown
from napari_scd.viewer.logic.wording import keep_text, stem
from napari_scd.viewer.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.engine import Segmentation
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.answers import Clicked
    from napari_scd.viewer.logic.backend import Agreement, ReadyModel
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.result import Result
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
    edits
        Finds what was changed by hand.
    get_ready
        Loads image and model again, after an error while loading them.
    point_at
        Asks the promptable model for what lies at a voxel that the chosen one does not know; hears the voxel
        and why it is asked.
    replan
        Asks what the next run would take, as a run has shown how fast it is.
    """

    def __init__(
        self,
        state: DockState,
        layers: ResultLayers,
        edits: HandEdits,
        get_ready: Callable[[], None],
        point_at: Callable[[tuple[int, int, int], str], None],
        replan: Callable[[], None],
    ) -> None:
        self._state = state
        self._layers = layers
        self._frames = FrameAnswers(state, layers)
        self._edits = edits
        self._get_ready = get_ready
        self._point_at, self._replan = point_at, replan
        self._again: Callable[[], None] = get_ready
        self._n_shown_early = 0
        self._before = Shown()
        self._began = 0.0
        self._clock = time.perf_counter

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
        loading = "Loading the model, then segmenting the volume."
        state.say(sentences.running(loading if state.ready is None else "Segmenting the volume."))
        self._began = self._clock()
        part = state.store.screen.slice_on_screen(view)
        run = partial(state.backend.segment, view, state.choices.copy(), state.centre(), part)
        self._n_shown_early, self._before = 0, state.now
        state.submit("segment", run, self._on_segmented, partly=self._on_segment_step)

    def segment_frames(self) -> None:
        """Segment every frame of a scan with several."""
        state = self._state
        view = self._view_for(self.segment_frames)
        if state.jobs.running in ("segment", "frames") or view is None:
            return
        if state.ready is not None and not state.can_segment:
            state.say(sentences.one_at_a_time(state.ready.checkpoint.provenance.name))
            return
        state.jobs.drop("segment", *LIVE)
        state.say(sentences.running(f"Segmenting all {view.n_frames} frames."))
        views = [view.at_frame(number) for number in range(view.n_frames)]
        run = partial(state.backend.segment_frames, views, state.choices.copy())
        state.submit("frames", run, partial(self._frames.finish, view.n_frames), partly=self._frames.take)

    def click(self, index: Sequence[int], *, everything: bool = False) -> None:
        """Segment the structure at a voxel of the image, or remove it when it is already on screen."""
        state = self._state
        view = self._view_for(partial(self.click, index, everything=everything))
        if view is None:
            return
        z, y, x = (int(i) for i in index)
        self._edits.look()
        if self._remove((z, y, x)):
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

    def remember(self, again: Callable[[], None]) -> None:
        """Let the button beside an error do this."""
        self._again = again

    def repeat(self) -> None:
        """Repeat what the user asked for last."""
        self._again()

    def _remove(self, index: tuple[int, int, int]) -> bool:
        """Remove the structure of the preview at a voxel; return whether there was one."""
        state = self._state
        if state.previewed is None:
            return False
        result = state.previewed.copy()
        name = result.unclick(index)
        if not name:
            return False
        result.history.append(removal_entry(name, index, result.view))
        self._layers.finish(result, f"removing {name}")
        state.say_current(f"Removed {name}.")
        return True

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
        self._edits.look()
        report, early = segmentation.report, state.previewed
        if not segmentation.complete and report.n_windows <= self._n_shown_early:
            if early is not None and self._n_shown_early:
                self._layers.finish(early, "Segment volume", self._before)
            state.say(sentences.cancelled(self._n_shown_early, report.n_windows_planned))
            return
        result = self._whole(segmentation, view, ready)
        if not segmentation.complete and self._n_shown_early and early is not None and not early.complete:
            result = with_rest(result, early)
        self._layers.finish(result, "Segment volume", self._before)
        if segmentation.complete:
            found = sum(1 for ml in report.volumes_ml.values() if ml > 0)
            misfit_of = report.model if report.misfits else ""
            seconds = self._clock() - self._began
            state.say(sentences.done(len(result.table), found, seconds, misfit_of=misfit_of))
        else:
            state.say(sentences.cancelled(report.n_windows, report.n_windows_planned))
        self._replan()

    def _whole(self, segmentation: Segmentation, view: SourceView, ready: ReadyModel) -> Result:
        """Return a run over the volume; what was edited by hand on the preview before it stays on top."""
        result = from_run(segmentation, view, ready.checkpoint.labels)
        result.history = self._earlier_history() + result.history
        preview = self._state.pending
        if preview is not None and preview.edits and preview.table == result.table:
            result.edits = list(preview.edits)
            result.repaint()
        return carried_over(result, self._state.same_image)

    def _earlier_history(self) -> list[dict[str, Any]]:
        earlier = self._before.result
        return [] if earlier is None else list(earlier.history)

    def _on_segment_step(self, step: Any) -> None:
        if isinstance(step, PartialAnswer):
            self._show_early(step.segmentation)
        else:
            self._state.progressed(step)

    def _show_early(self, segmentation: Segmentation) -> None:
        """Show the part of a run that is on screen, while the rest still runs."""
        state, view, ready = self._ready()
        self._edits.look()
        result, first = state.previewed, self._n_shown_early == 0
        self._n_shown_early = max(self._n_shown_early, segmentation.report.n_windows)
        if result is None or result.base is None or (first and not result.complete):
            result = self._whole(segmentation, view, ready).copy(complete=False)
        else:
            result = with_window(result, segmentation, "segment")
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
        unknown = len(answers) == 1 and not answers[0].label
        if unknown and not afresh and state.choices.promptable is not None:
            self._point_instead(answers[0], state.choices.promptable)
            return
        self._edits.look()
        self._before = state.now
        result = None if afresh else state.previewed
        unchanged = beside_known(answers[-1], result) if len(answers) == 1 else None
        if unchanged is not None:
            state.progress_changed.emit(None)
            state.say(unchanged)
            return
        earlier = self._earlier_history() if result is None else []
        for answer in answers:
            result = with_click(result, answer)
        assert result is not None
        if state.previewed is None or afresh:
            result = carried_over(result, state.same_image)
        result.history = earlier + result.history
        names = ", ".join(dict.fromkeys(answer.record.name for answer in answers if answer.label))
        self._layers.finish(result, f"clicking {names}" if names else "the click")
        unknown_here = prompt_sentences.unknown_here(*self._state.known(), answers[0].message)
        state.say(unknown_here if unknown else after_click(answers[-1], result))

    def _point_instead(self, answer: Clicked, promptable: str) -> None:
        """Ask the promptable model for what the chosen one does not know."""
        self._state.progress_changed.emit(None)
        self._point_at(answer.record.place, prompt_sentences.instead(*self._state.known(), stem(promptable)))

    def _on_compared(self, agreement: Agreement) -> None:
        self._state.agreement_changed.emit(agreement)
        self._state.say(sentences.compared(keep_text(agreement.keep), agreement.dice))

    def _ready(self) -> tuple[DockState, SourceView, ReadyModel]:
        """Return state, image and model: both are there when an answer comes."""
        state = self._state
        assert state.view is not None and state.ready is not None
        return state, state.view, state.ready
