"""What the dock does: owns the jobs, drops late answers, puts results on the board. Knows no Qt.

Every change of image, model or viewer raises the generation; an answer of an older generation is dropped.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_scd.errors import InputError
from napari_scd.viewer import geometry, state
from napari_scd.viewer.dial import Dial
from napari_scd.viewer.display import Display
from napari_scd.viewer.hover import describe
from napari_scd.viewer.lane import Work
from napari_scd.viewer.outcome import Outcome
from napari_scd.viewer.results import Result, from_run, record_of, with_click
from napari_scd.viewer.state import State, Status, keep_text, sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.engine import Click, Segmentation
    from napari_scd.viewer.bench import Agreement, Bench, Prepared
    from napari_scd.viewer.board import Board
    from napari_scd.viewer.geometry import SourceView
    from napari_scd.viewer.lane import Lane
    from napari_scd.viewer.state import Choices

LIVE = ("window", "replay", "plan")
RUNS = ("segment", "click", "compare", *LIVE)


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

    def __init__(self, board: Board, lane: Lane, bench: Bench, choices: Choices) -> None:
        self.board = board
        self.bench = bench
        self.choices = choices
        self.status: Status = state.NO_IMAGE
        self.view: SourceView | None = None
        self.prepared: Prepared | None = None
        self.result: Result | None = None
        self.display = Display(board, choices)
        self.dial = Dial(self)
        self.outcome = Outcome(self)
        self._lane = lane
        self._generation = 0
        self._key: tuple[Any, ...] | None = None
        self._again: Callable[[], None] = self.refresh
        self._preloaded = False

    # -- getting ready ---------------------------------------------------------------------------------------

    def preload(self) -> None:
        """Import torch and load the chosen model in the background."""
        self._lane.submit(
            Work("preload", self.bench.preload, self._on_preloaded, self._on_failure, self._on_progress)
        )
        self._key = None
        self.refresh()
        if self.view is None and self.choices.model is not None:
            self.submit("warm", partial(self.bench.prepare, None, self.choices.copy()), lambda _: None)

    def refresh(self) -> None:
        """Look at the chosen image and model again; prepare them when either changed."""
        status, view = self._look()
        if view is None:
            if self._key is not None or self.status.sentence != status.sentence:
                self._forget_input()
                self.say(status)
            return
        key = (view.key, view.orientation_known, self.choices.model)
        self.view = view
        if key == self._key:
            return
        self._forget_input()
        self.view, self._key = view, key
        if self.choices.model is None:
            self.say(state.NO_MODEL)
            return
        self.say(state.loading(self.choices.model) if self._preloaded else state.PRELOADING)
        self.submit("prepare", partial(self.bench.prepare, view, self.choices.copy()), self._on_prepared)

    def replan(self) -> None:
        """Ask again what a run would cost, after a setting changed."""
        if self.prepared is not None and self.view is not None:
            run = partial(self.bench.prepare, self.view, self.choices.copy())
            self.submit("plan", run, self._on_replanned)

    @property
    def can_segment(self) -> bool:
        """Whether the whole volume may be segmented: not with a click model, unless it fits its window."""
        if self.prepared is None:
            return False
        return self.prepared.checkpoint.recipe.field != "click" or self.prepared.plan.n_windows == 1

    @property
    def pending(self) -> Result | None:
        """The result on screen that is not yet accepted."""
        return self.result if self.result is not None and not self.result.accepted else None

    @property
    def previewed(self) -> Result | None:
        """The result on screen that is of the chosen image and model and not yet accepted."""
        result = self.pending
        return result if result is not None and result.key == self._key else None

    def _look(self) -> tuple[Status, SourceView | None]:
        wanted = [self.board.layer(uid) for uid in self.choices.volumes]
        if not wanted or wanted[0] is None:
            return state.NO_IMAGE, None
        problem = geometry.problem_of(wanted[0])
        if problem is not None:
            return state.bad_input(problem), None
        try:
            view = geometry.look_at(wanted[0], self.board.point, self.choices.world_axes)
            if self.choices.n_channels > 1 and tuple(view.data.shape[:-3]) == (self.choices.n_channels,):
                return state.NO_IMAGE, geometry.as_channels(view)
            return state.NO_IMAGE, geometry.with_channels(view, wanted[1:], self.board.point)
        except InputError as error:
            return state.bad_input(str(error)), None

    def _forget_input(self) -> None:
        self._generation += 1
        self._lane.drop("prepare", *RUNS)
        if self._lane.running in RUNS:
            self._lane.cancel()
        self.view, self._key = None, None
        self._set_prepared(None)
        self.progress_changed.emit(None)

    def _on_preloaded(self, devices: tuple[str, ...]) -> None:
        self._preloaded = True
        self.devices_found.emit(devices)
        if self.status.state is State.PRELOADING and self.choices.model is not None:
            self.say(state.loading(self.choices.model))

    def _on_prepared(self, prepared: Prepared) -> None:
        self._set_prepared(prepared)
        self.dial.tell_cost()
        before, view = self.pending, self.view
        same_frame = before is not None and view is not None and before.view.frame == view.frame
        if before is not None and view is not None and before.view.uid == view.uid and same_frame:
            self.say(state.stale("The model" if before.view.key == view.key else "The image"))
        else:
            self.say_ready()

    def _on_replanned(self, prepared: Prepared) -> None:
        self.prepared = prepared
        if self.status.state in (State.READY, State.LOADING):
            self.say_ready()

    def _set_prepared(self, prepared: Prepared | None) -> None:
        self.prepared = prepared
        self.prepared_changed.emit(prepared)

    # -- running ---------------------------------------------------------------------------------------------

    def segment(self) -> None:
        """Segment the whole volume."""
        if self._lane.running == "segment" or not self._may_run(self.segment):
            return
        if self.prepared is not None and not self.can_segment:
            self.say(state.one_at_a_time(self.prepared.checkpoint.provenance.name))
            return
        self._lane.drop("segment", *LIVE)
        self.say(state.running("Segmenting the volume."))
        self.submit(
            "segment", partial(self.bench.segment, self.view, self.choices.copy()), self._on_segmented
        )

    def click(self, index: Sequence[int], *, everything: bool = False) -> None:
        """Segment the structure at a voxel of the image, or take it away when it is already on screen."""
        if not self._may_run(partial(self.click, index, everything=everything)):
            return
        z, y, x = (int(i) for i in index)
        result = self.previewed
        gone = result.unclick((z, y, x)) if result is not None else None
        if result is not None and gone is not None:
            self.show_result(result)
            self.say_preview(f"{gone.name} was taken away.")
            return
        self.say(state.running("Looking at the clicked place."))
        run = partial(self.bench.click, self.view, self.choices.copy(), [((z, y, x), everything)])
        self.submit("click", run, partial(self._on_clicked, everything=everything), replace=False)

    def compare(self) -> None:
        """Measure the agreement of the visible window with the dense network."""
        if not self._may_run(self.compare):
            return
        self.say(state.running("Running the visible window with every token, to compare."))
        run = partial(self.bench.compare, self.view, self.choices.copy(), self.centre())
        self.submit("compare", run, self._on_compared)

    def cancel(self) -> None:
        """Stop the running job after its current window; what it found stays."""
        if self._lane.running in RUNS:
            self._lane.cancel()
            self.say(state.CANCELLING)

    def remedy(self, action: str) -> None:
        """Do what the button beside an error says."""
        if action == "run_on_cpu":
            self.choices.device = "cpu"
        elif action == "single_batch":
            self.choices.batch = 1
        if self.prepared is None:
            self._key = None
            self.refresh()
        else:
            self._again()

    def close(self) -> None:
        """Stop everything; layers stay."""
        self._generation += 1
        self._lane.close()

    def submit(
        self, kind: str, run: Callable[..., Any], done: Callable[[Any], None], *, replace: bool = True
    ) -> None:
        """Queue a job; its answer counts only while image and model stay the same."""
        generation = self._generation

        def if_current(callback: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda value: callback(value) if generation == self._generation else None

        work = Work(kind, run, *map(if_current, (done, self._on_failure, self._on_progress)))
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
        if not segmentation.complete and report.n_windows == 0:
            self.say(state.cancelled(0, report.n_windows_planned))
            return
        self.show_result(from_run(segmentation, self.view, self.table))
        if segmentation.complete:
            found = sum(1 for ml in report.volumes_ml.values() if ml > 0)
            self.say(state.done(len(self.table), found, report.seconds.total))
        else:
            self.say(state.cancelled(report.n_windows, report.n_windows_planned))

    def _on_clicked(self, clicks: list[Click], *, everything: bool) -> None:
        if not clicks or self.view is None:
            self.say(state.cancelled(0, 1))
            return
        result = self.previewed
        for click in clicks:
            record = record_of(click, everything=everything)
            result = with_click(result, click, record, self.view, self.table)
        assert result is not None
        self.show_result(result)
        if clicks[-1].label:
            self.say_preview()
        else:
            self.say(Status(State.PREVIEW, sentence(clicks[-1].message)))

    def _on_compared(self, agreement: Agreement) -> None:
        self.agreement_changed.emit(agreement)
        self.say(state.compared(keep_text(agreement.keep), agreement.dice))

    def _on_failure(self, problem: BaseException) -> None:
        self.progress_changed.emit(None)
        self.say(state.failure(problem, self.choices.device))

    def _on_progress(self, progress: Any) -> None:
        self.progress_changed.emit(progress)
        if self.status.state is State.RUNNING:
            self.say(state.running(sentence(progress.message)))

    # -- what is on screen -----------------------------------------------------------------------------------

    def show_result(self, result: Result) -> None:
        """Put a result on screen."""
        result.key = self._key
        self.result = result
        self.display.show(result)
        self.progress_changed.emit(None)
        self.result_changed.emit(result)

    def set_show(self, show: str, stage: int) -> None:
        """Choose the token view and the stage it stops at."""
        self.choices.show, self.choices.stage = show, stage
        self.display.recolour(self.result)

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
            if result is not None and result.clicks
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
        warnings: tuple[tuple[State, str], ...] = ()
        if self.view is not None:
            warnings += () if self.view.voxel_size_known else (state.NO_VOXEL_SIZE,)
            warnings += () if self.view.orientation_known else (state.NO_ORIENTATION,)
        if self.prepared is not None:
            warnings += tuple((State.READY, text) for text in self.prepared.warnings)
        self.status = status._replace(warnings=warnings)
        self.status_changed.emit(self.status)

    def say_ready(self) -> None:
        """Say what a run would cost."""
        if self.prepared is not None and self.view is not None:
            plan = self.prepared.plan
            size = state.Size(self.view.shape, self.view.spacing_mm)
            click_only = not self.can_segment
            self.say(state.ready(size, plan.n_windows, plan.seconds, plan.device, click_only=click_only))

    def say_preview(self, ahead: str = "") -> None:
        """Say which structures are on screen."""
        result = self.previewed
        if result is None or not result.clicks:
            self.say(Status(State.PREVIEW, f"{ahead} Nothing is previewed now.".strip()))
            return
        names = list(dict.fromkeys(click.name for click in result.clicks))
        volume_ml = sum(voxels.volume_ml for voxels in result.found().values())
        self.say(state.preview(names, volume_ml))
