"""What the parts of the dock share: the chosen image and model, the results, the status line and the jobs.

The parts (source, runs, slider, review, saving) know this state and not each other. Every change of image or
model raises the generation; answers to jobs of an older generation are dropped.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_scd.cancel import Cancelled
from napari_scd.viewer.logic import prompt_sentences
from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.apart import sizes_of
from napari_scd.viewer.logic.failures import VoxelsChanged, failure
from napari_scd.viewer.logic.jobs import RUNS, DockJob
from napari_scd.viewer.logic.undo import Shown, UndoSteps
from napari_scd.viewer.logic.wording import sentence
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from napari_scd.viewer.layers import LayerStore, SourceView
    from napari_scd.viewer.logic.backend import Backend, ReadyModel
    from napari_scd.viewer.logic.choices import Choices
    from napari_scd.viewer.logic.jobs import JobQueue
    from napari_scd.viewer.logic.result import Result

    Place = tuple[Hashable, tuple[int, ...]]  # an image layer's unique_id, and its frame

# states whose sentence is about one frame of a scan with several
OF_A_FRAME = frozenset({State.READY, State.PREVIEW, State.DONE, State.STALE, State.CANCELLED})


class DockState:
    """State of one dock, and the signals that tell of its changes.

    Attributes
    ----------
    view
        The chosen image as it is to be segmented; None while there is none that can be.
    ready
        The loaded model and the plan of a run; None until both are ready.
    key
        What a new result depends on: the image's voxels and place, and the model.
    shown
        The preview and what was accepted, by image and frame.
    steps
        What can be undone, by image and frame.
    """

    status_changed = Signal(object)  # Status
    progress_changed = Signal(object)  # engine.Progress, or None when a run ends
    ready_changed = Signal(object)  # ReadyModel or None
    cost_changed = Signal(object)  # Cost or None
    result_changed = Signal(object)  # Result or None
    agreement_changed = Signal(object)  # Agreement or None
    devices_found = Signal(object)  # tuple of names
    planned = Signal(object)  # engine.Plan
    mask_drawn = Signal()  # the first mask of an image is in its layer; its other layers follow
    voxels_changed = Signal()  # a run found voxels that were changed in place

    def __init__(self, store: LayerStore, jobs: JobQueue, backend: Backend, choices: Choices) -> None:
        self.store, self.jobs, self.backend, self.choices = store, jobs, backend, choices
        self.status: Status = sentences.NO_IMAGE
        self.view: SourceView | None = None
        self.ready: ReadyModel | None = None
        self.key: tuple[Any, ...] | None = None
        self.shown: dict[Place, Shown] = {}
        self.steps: defaultdict[Place, UndoSteps] = defaultdict(UndoSteps)
        self._said: Status = self.status
        self._generation = 0

    @property
    def place(self) -> Place | None:
        """The chosen image and frame."""
        return None if self.view is None else (self.view.uid, self.view.frame)

    @property
    def now(self) -> Shown:
        """What the chosen image and frame hold."""
        return Shown() if self.place is None else self.shown.get(self.place, Shown())

    @property
    def result(self) -> Result | None:
        """The result of the chosen image and frame: the preview, else what was accepted."""
        return self.now.result

    @property
    def pending(self) -> Result | None:
        """The preview of the chosen image and frame."""
        return self.now.preview

    @property
    def previewed(self) -> Result | None:
        """The preview, where it belongs to the image and model as they are now."""
        result = self.pending
        return result if result is not None and result.key == self.key else None

    @property
    def same_image(self) -> Result | None:
        """The preview, where it belongs to the image as it is now, whatever the model."""
        result = self.pending
        return result if result is not None and self.view and result.view.key == self.view.key else None

    @property
    def generation(self) -> int:
        """Number that changes with image and model: answers to jobs of an older one are dropped."""
        return self._generation

    @property
    def is_promptable(self) -> bool:
        """Whether the chosen model segments what it is pointed at."""
        return self.choices.model is not None and self.choices.model == self.choices.promptable

    @property
    def can_segment(self) -> bool:
        """Whether the whole volume may be segmented: not by clicks alone, unless it fits a window."""
        if self.ready is None:
            return False
        field = self.ready.checkpoint.recipe.field
        return field == "whole" or (field == "click" and self.ready.plan.n_windows == 1)

    def known(self) -> tuple[str, int]:
        """Return the loaded model's name, and how many structures it has names for."""
        assert self.ready is not None
        checkpoint = self.ready.checkpoint
        return checkpoint.provenance.name, len(checkpoint.labels)

    def key_of(self, view: SourceView) -> tuple[Any, ...]:
        """Return everything a result of an image depends on: its voxels and place, and the model."""
        return view.key, view.orientation_known, self.choices.model

    # -- the status line -------------------------------------------------------------------------------------

    def say(self, status: Status) -> None:
        """Put a sentence into the status line, with the frame it is about and what is doubtful."""
        self._said = status
        text = status.sentence
        if self.view is not None and self.view.n_frames > 1 and status.state in OF_A_FRAME:
            text = f"{self.view.frame_title}: {text}"
        self.status = status._replace(sentence=text, warnings=self._warnings())
        self.status_changed.emit(self.status)

    def say_again(self, sentence: str = "") -> None:
        """Say the same again, or another sentence in the same state."""
        self.say(self._said._replace(sentence=sentence or self._said.sentence))

    def say_current(self, before: str = "") -> None:
        """Say what the chosen image and frame hold, after the sentence `before`."""
        preview, accepted = self.now
        goes_on = self.is_promptable and self.same_image is not None  # objects join what is there
        if preview is not None and preview.key != self.key and not goes_on:
            same_image = self.view is not None and preview.view.key == self.view.key
            status = sentences.stale("The model" if same_image else "The image")
        elif preview is not None and preview.current:
            status = prompt_sentences.current(preview)
        elif preview is not None:
            status = sentences.preview(sizes_of(preview))
        elif accepted is not None:
            status = sentences.segmentation(sizes_of(accepted))
        else:
            status = self._ready_status()
        self.say(status._replace(sentence=f"{before} {status.sentence}".strip()))

    def say_ready(self) -> None:
        """Say what a run would cost."""
        if self.ready is not None and self.view is not None:
            self.say(self._ready_status())

    def _ready_status(self) -> Status:
        if self.ready is None or self.view is None:
            return self._said
        plan = self.ready.plan
        size = sentences.Size(self.view.shape, self.view.spacing_mm)
        if self.is_promptable:
            return prompt_sentences.ready(size)
        click_only = not self.can_segment
        return sentences.ready(
            size, plan.n_windows, self.ready.whole_run_s, plan.device, click_only=click_only
        )

    def centre(self) -> tuple[int, int, int]:
        """Return the voxel in the middle of what the user looks at."""
        assert self.view is not None
        result = self.previewed
        if result is not None and result.base is None and result.clicks:
            return result.clicks[-1].place
        return self.store.screen.centre_index(self.view)

    # -- jobs ------------------------------------------------------------------------------------------------

    def submit(
        self,
        kind: str,
        run: Callable[..., Any],
        done: Callable[[Any], None],
        *,
        partly: Callable[[Any], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        replace: bool = True,
        lasting: bool = False,
        silent: bool = False,
    ) -> None:
        """Queue a job.

        Parameters
        ----------
        run
            Function of (progress, cancel), called in the worker.
        done
            Hears the answer, but only while image and model stay the same, or always if `lasting`.
        failed
            Hears what went wrong, before the status line does.
        partly
            Hears the steps of progress instead of the progress bar; returns whether it took a step.
        replace
            Take the place of a waiting job of this kind.
        silent
            Nobody asked for it: its progress and failure are not shown (the user's next job will report the
            failure).
        """
        generation = self._generation

        def if_current(callback: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda value: callback(value) if lasting or generation == self._generation else None

        def on_failure(problem: BaseException) -> None:
            if failed is not None:
                failed(problem)
            self._on_failure(problem)

        told = (done, _ignore, _ignore) if silent else (done, on_failure, partly or self.progressed)
        self.jobs.submit(DockJob(kind, run, *map(if_current, told)), replace=replace)

    def progressed(self, progress: Any) -> None:
        """Show how far a run is."""
        self.progress_changed.emit(progress)
        if self.status.state is State.RUNNING:
            self.say(sentences.running(sentence(progress.message)))

    def drop_runs(self) -> None:
        """Forget requests for another image or model; answers that still arrive are dropped."""
        self._generation += 1
        self.jobs.drop("prepare", *RUNS)
        if self.jobs.running in RUNS:
            self.jobs.cancel()
        self.progress_changed.emit(None)

    def close(self) -> None:
        """Stop everything; layers stay."""
        self._generation += 1
        self.jobs.close()

    def _on_failure(self, problem: BaseException) -> None:
        self.progress_changed.emit(None)
        if isinstance(problem, Cancelled):
            self.say_current(sentences.STOPPED)
            return
        if isinstance(problem, VoxelsChanged):
            self.voxels_changed.emit()
            return
        self.say(failure(problem, self.choices.device, self.choices.batch))

    def _warnings(self) -> tuple[tuple[State, str], ...]:
        found: tuple[tuple[State, str], ...] = ()
        if self.view is not None:
            found += () if self.view.voxel_size_known else (sentences.NO_VOXEL_SIZE,)
            found += () if self.view.orientation_known else (sentences.NO_ORIENTATION,)
            found += (sentences.MIRRORED,) if self.store.screen.mirrors(self.view) else ()
        if self.result is not None:
            misfits = self.result.report.get("misfits", ())
            found = tuple((State.WARN_FIT, f"Doubtful: {text}") for text in misfits) + found
        if self.ready is not None:
            found += tuple((State.READY, text) for text in self.ready.warnings)
        return found


def _ignore(value: Any) -> None:
    """Ignore an answer that nobody waits for."""
