"""What the dock does: owns the jobs, drops late answers, puts results on the board. Knows no Qt.

Every change of image, model or viewer raises the generation; an answer of an older generation is dropped.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_scd.viewer.dock.hover import describe
from napari_scd.viewer.logic import state
from napari_scd.viewer.logic.accept import Outcome
from napari_scd.viewer.logic.backend import Ahead
from napari_scd.viewer.logic.jobs import Work
from napari_scd.viewer.logic.keep import Dial
from napari_scd.viewer.logic.result import Result, fill_in, from_run, merge_window, with_click
from napari_scd.viewer.logic.show_result import Display
from napari_scd.viewer.logic.source import Intake
from napari_scd.viewer.logic.state import State, Status, keep_text, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.engine import Segmentation
    from napari_scd.viewer.layers.source_view import SourceView
    from napari_scd.viewer.layers.store import Board
    from napari_scd.viewer.logic.backend import Agreement, Bench, Prepared
    from napari_scd.viewer.logic.jobs import Lane
    from napari_scd.viewer.logic.result import Clicked
    from napari_scd.viewer.logic.state import Choices

LIVE = ("window", "replay", "plan", "warm")
Place = tuple[tuple[int, int, int], bool]  # a voxel, and whether everything there is wanted
ASKED = ("segment", "click", "compare", "window", "replay")
RUNS = (*ASKED, "plan", "warm")


class Controller:
    """One dock's logic.

    Parameters
    ----------
    board
        Our layers in the viewer.
    lane
        Runs jobs.
    bench
        Loads models and runs the session, in the lane.
    choices
        What the user set; the panels write to it.
    """

    status_changed = Signal(object)  # Status
    progress_changed = Signal(object)  # engine.Progress, or None when a run ends
    prepared_changed = Signal(object)  # Prepared or None
    cost_changed = Signal(object)  # Cost or None
    result_changed = Signal(object)  # Result or None
    agreement_changed = Signal(object)  # Agreement or None
    devices_found = Signal(object)  # tuple of names
    planned = Signal(object)  # engine.Plan

    def __init__(self, board: Board, lane: Lane, bench: Bench, choices: Choices) -> None:
        self.board = board
        self.bench = bench
        self.choices = choices
        self.status: Status = state.NO_IMAGE
        self.result: Result | None = None
        self.display = Display(board, choices)
        self.intake = Intake(self)
        self.dial = Dial(self)
        self.outcome = Outcome(self)
        self._lane = lane
        self._generation = 0
        self._again: Callable[[], None] = self.intake.refresh
        self._n_ahead = 0

    @property
    def view(self) -> SourceView | None:
        """The image as it is to be segmented."""
        return self.intake.view

    @property
    def prepared(self) -> Prepared | None:
        """The loaded model and the plan of a run."""
        return self.intake.prepared

    @property
    def pending(self) -> Result | None:
        """The result on screen that is not yet accepted."""
        return self.result if self.result is not None and not self.result.accepted else None

    @property
    def previewed(self) -> Result | None:
        """The result on screen that is of the chosen image and model and not yet accepted."""
        result = self.pending
        return result if result is not None and result.key == self.intake.key else None

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self._lane.running is not None

    # -- running ---------------------------------------------------------------------------------------------

    def segment(self) -> None:
        """Segment the whole volume."""
        if self._lane.running == "segment" or not self._may_run(self.segment):
            return
        if self.prepared is not None and not self.intake.can_segment:
            self.say(state.one_at_a_time(self.prepared.checkpoint.provenance.name))
            return
        self._lane.drop("segment", *LIVE)
        self.say(state.running("Segmenting the volume."))
        part = self.board.slice_on_screen(self.view) if self.view is not None else None
        run = partial(self.bench.segment, self.view, self.choices.copy(), self.centre(), part)
        self._n_ahead = 0
        self.submit("segment", run, self._on_segmented)

    def click(self, index: Sequence[int], *, everything: bool = False) -> None:
        """Segment the structure at a voxel of the image, or take it away when it is already on screen."""
        if not self._may_run(partial(self.click, index, everything=everything)):
            return
        z, y, x = (int(i) for i in index)
        result = self.previewed
        gone = result.unclick((z, y, x)) if result is not None else ""
        if result is not None and gone:
            self.show_result(result)
            self.say_preview(f"{gone} was taken away.")
            return
        self._lane.drop("warm")
        self.say(state.running("Looking at the clicked place."))
        self._submit_clicks([((z, y, x), everything)])

    def replay(self) -> None:
        """Ask again for every click on record: those of the selected Points layer, or the last ones."""
        if not self._may_run(self.replay):
            return
        assert self.view is not None
        places = self.board.clicks_on_record(self.view)
        if not places:
            self.say(state.NO_CLICKS)
            return
        self.say(state.running("Replaying the clicks."))
        self._submit_clicks(places, afresh=True)

    def compare(self) -> None:
        """Measure the agreement of the visible window with the dense network."""
        if not self._may_run(self.compare):
            return
        self.say(state.running("Running the visible window with every token, to compare."))
        run = partial(self.bench.compare, self.view, self.choices.copy(), self.centre())
        self.submit("compare", run, self._on_compared)

    def cancel(self) -> None:
        """Stop the running job after its current window; what it found stays."""
        if self._lane.running in ASKED:
            self._lane.cancel()
            self.say(state.CANCELLING)

    def remedy(self, action: str) -> None:
        """Do what the button beside an error says."""
        if action == "run_on_cpu":
            self.choices.device = "cpu"
        elif action == "single_batch":
            self.choices.batch = 1
        if self.prepared is None:
            self.intake.refresh(again=True)
        else:
            self._again()

    def close(self) -> None:
        """Stop everything; layers stay."""
        self._generation += 1
        self._lane.close()

    def drop_runs(self) -> None:
        """Forget what was asked of another image or model; answers that still come are dropped."""
        self._generation += 1
        self._lane.drop("prepare", *RUNS)
        if self._lane.running in RUNS:
            self._lane.cancel()
        self.progress_changed.emit(None)

    def submit(
        self,
        kind: str,
        run: Callable[..., Any],
        done: Callable[[Any], None],
        *,
        replace: bool = True,
        lasting: bool = False,
        silent: bool = False,
    ) -> None:
        """Queue a job.

        Its answer counts only while image and model stay the same, or always if `lasting`. Nobody asked for
        a `silent` one: its progress and failure are not told (what is wrong shows when the user asks).
        """
        generation = self._generation

        def if_current(callback: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda value: callback(value) if lasting or generation == self._generation else None

        told = (done, _unheard, _unheard) if silent else (done, self._on_failure, self._on_progress)
        work = Work(kind, run, *map(if_current, told))
        self._lane.submit(work, replace=replace)

    def _may_run(self, again: Callable[[], None]) -> bool:
        self._again = again
        if self.view is None:
            self.say(self.status if self.status.state is State.BAD_INPUT else state.NO_IMAGE)
            return False
        if self.choices.model is None:
            self.say(state.NO_MODEL)
            return False
        return True

    def _on_segmented(self, segmentation: Segmentation) -> None:
        assert self.view is not None
        report = segmentation.report
        if not segmentation.complete and report.n_windows <= self._n_ahead:
            self.say(state.cancelled(self._n_ahead, report.n_windows_planned))
            return
        result = from_run(segmentation, self.view, self.table)
        ahead = self.previewed
        if not segmentation.complete and self._n_ahead and ahead is not None and not ahead.complete:
            fill_in(result, ahead)
        self.show_result(result)
        if segmentation.complete:
            found = sum(1 for ml in report.volumes_ml.values() if ml > 0)
            self.say(state.done(len(self.table), found, report.seconds.total))
        else:
            self.say(state.cancelled(report.n_windows, report.n_windows_planned))

    def _on_ahead(self, segmentation: Segmentation) -> None:
        """Show what is on screen of a run that goes on."""
        assert self.view is not None
        result, first = self.previewed, self._n_ahead == 0
        self._n_ahead = max(self._n_ahead, segmentation.report.n_windows)
        if result is None or result.base is None or (first and not result.complete):
            result = from_run(segmentation, self.view, self.table)
            result.complete = False
        else:
            merge_window(result, segmentation)
        self.put(result)

    def _submit_clicks(self, places: list[Place], *, afresh: bool = False) -> None:
        run = partial(self.bench.click, self.view, self.choices.copy(), places)
        self.submit("click", run, partial(self._on_clicked, afresh=afresh), replace=False)

    def _on_clicked(self, answers: list[Clicked], *, afresh: bool) -> None:
        if not answers:
            self.say(state.cancelled(0, 1))
            return
        result = None if afresh else self.previewed
        for answer in answers:
            result = with_click(result, answer)
        assert result is not None
        self.show_result(result)
        if answers[-1].label:
            self.say_preview()
        else:
            self.say(Status(State.PREVIEW, sentence(answers[-1].message)))

    def _on_compared(self, agreement: Agreement) -> None:
        self.agreement_changed.emit(agreement)
        self.say(state.compared(keep_text(agreement.keep), agreement.dice))

    def _on_failure(self, problem: BaseException) -> None:
        self.progress_changed.emit(None)
        self.say(state.failure(problem, self.choices.device))

    def _on_progress(self, progress: Any) -> None:
        if isinstance(progress, Ahead):
            self._on_ahead(progress.segmentation)
            return
        self.progress_changed.emit(progress)
        if self.status.state is State.RUNNING:
            self.say(state.running(sentence(progress.message)))

    # -- what is on screen -----------------------------------------------------------------------------------

    def show_result(self, result: Result) -> None:
        """Put the result of a finished run on screen."""
        self.put(result)
        self.progress_changed.emit(None)

    def put(self, result: Result) -> None:
        """Put a result on screen."""
        result.key = self.intake.key
        self.result = result
        self.display.show(result)
        self.result_changed.emit(result)

    def set_show(self, show: str, stage: int) -> None:
        """Choose the token view and the stage it stops at."""
        self.choices.show, self.choices.stage = show, stage
        self.display.recolour(self.result)

    def show_view(self, name: str) -> None:
        """Turn the viewer to "axial", "coronal", "sagittal" or "3d", as a radiologist expects it."""
        if self.view is not None:
            self.board.show_view(self.view, name)
            self.say(self.status)

    def click_targets(self) -> tuple[Any, list[Any]] | None:
        """Return the image layer clicks are for, and what is drawn on it."""
        image = self.board.layer(self.view.uid) if self.view is not None else None
        if image is None or self.view is None:
            return None
        drawn = [self.board.ours(self.view.uid, kind) for kind in ("preview", "seg")]
        return image, [layer for layer in drawn if layer is not None and layer.visible]

    def describe(self, position: Any) -> str:
        """Say what lies at a place in world coordinates."""
        layer = self.board.layer(self.result.view.uid) if self.result is not None else None
        return describe(self.result, layer, position) if self.result is not None and layer is not None else ""

    def centre(self) -> tuple[int, int, int]:
        """Return the voxel in the middle of what the user looks at."""
        assert self.view is not None
        result = self.previewed
        return (
            result.clicks[-1].index
            if result is not None and result.base is None and result.clicks
            else self.board.centre_index(self.view)
        )

    @property
    def table(self) -> Any:
        """The model's label table."""
        assert self.prepared is not None
        return self.prepared.checkpoint.labels

    # -- the status line -------------------------------------------------------------------------------------

    def say(self, status: Status) -> None:
        """Put a sentence into the status line, with what is doubtful about the image."""
        self.status = status._replace(warnings=self.intake.warnings())
        self.status_changed.emit(self.status)

    def say_preview(self, ahead: str = "") -> None:
        """Say which structures are on screen."""
        result = self.previewed
        found = {} if result is None else result.found()
        volume_ml = sum(voxels.volume_ml for voxels in found.values())
        if result is None or not volume_ml:
            self.say(Status(State.PREVIEW, f"{ahead} Nothing is previewed now.".strip()))
            return
        names = list(dict.fromkeys(click.name for click in result.clicks))
        if result.base is not None:
            names = [result.table.name_of(index) for index, voxels in found.items() if voxels.voxels]
        self.say(state.preview(names, volume_ml))


def _unheard(value: Any) -> None:
    """Hear of something and leave it at that."""
