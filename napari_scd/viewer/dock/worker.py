"""Runs work beside the GUI thread: one job at a time, with progress, cancel and errors that are never lost.

superqt's *generator* workers swallow RuntimeError, which is every torch shape error and out-of-memory. So
jobs are plain functions in a `FunctionWorker` whose `quit` raises a flag the engine looks at between windows.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari.qt.threading import create_worker
from qtpy.QtCore import QObject, Signal
from superqt.utils import FunctionWorker

from napari_scd.cancel import CancelToken

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.viewer.logic import DockJob


class NamedJob:
    """A job by name, forgotten as soon as it is done.

    napari's list of tasks keeps what it is given for as long as its window lives. It shows the name when the
    window is closed too early.
    """

    def __init__(self, kind: str, job: Callable[[], Any]) -> None:
        self._kind = kind
        self._job: Callable[[], Any] | None = job

    def __str__(self) -> str:
        return f"napari-scd ({self._kind})"

    def __call__(self) -> Any:
        """Do the job, the first time."""
        job, self._job = self._job, None
        return job() if job else None


class StoppableWorker(FunctionWorker[Any]):
    """A function worker that napari's task list, and we, may ask to stop.

    It stops after the current window; what it has by then is still returned. `quit` is the flag's own
    method, so that the task list keeps the flag and not the worker.
    """

    def __init__(self, job: NamedJob, cancel: CancelToken) -> None:
        super().__init__(job)
        self.quit = cancel.cancel  # type: ignore[method-assign]


class WorkerQueue(QObject):
    """A queue with one job running at a time; lives in the GUI thread, and so do its callbacks.

    A job waiting in the queue is replaced by a newer one of the same kind, unless asked otherwise.

    Parameters
    ----------
    held
        Run nothing until `release`: importing PyTorch in the worker slows down the GUI thread.
    """

    _progressed = Signal(object, object)
    busy_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None, *, held: bool = False) -> None:
        super().__init__(parent)
        self._held = held
        self._queue: list[DockJob] = []
        self._running: DockJob | None = None
        self._worker: StoppableWorker | None = None
        self._closed = False
        self._progressed.connect(self._on_progress)

    @property
    def running(self) -> str | None:
        """Kind of the running job."""
        return self._running.kind if self._running else None

    @property
    def waiting(self) -> tuple[str, ...]:
        """Kinds of the waiting jobs, the next one first."""
        return tuple(job.kind for job in self._queue)

    def submit(self, work: DockJob, *, replace: bool = True) -> None:
        """Queue a job."""
        if self._closed:
            return
        if replace:
            self._queue = [waiting for waiting in self._queue if waiting.kind != work.kind]
        self._queue.append(work)
        self._start_next()

    def release(self) -> None:
        """Begin to run jobs."""
        self._held = False
        self._start_next()

    def drop(self, *kinds: str) -> None:
        """Drop waiting jobs of these kinds."""
        self._queue = [waiting for waiting in self._queue if waiting.kind not in kinds]

    def cancel(self) -> None:
        """Ask the running job to stop, and forget the waiting ones."""
        self._queue.clear()
        if self._worker is not None:
            self._worker.quit()

    def close(self) -> None:
        """Stop for good: no callback is called from now on."""
        self._closed = True
        self.cancel()

    def _start_next(self) -> None:
        if self._held or self._running is not None or not self._queue or self._closed:
            return
        work = self._running = self._queue.pop(0)
        cancel = CancelToken()
        worker = create_worker(
            NamedJob(work.kind, partial(work.run, partial(self._tell, work), cancel)),
            cancel,
            _worker_class=StoppableWorker,
            _ignore_errors=True,
            _start_thread=False,
        )
        worker.returned.connect(self._on_returned)
        worker.errored.connect(self._on_errored)
        worker.finished.connect(self._on_finished)
        self._worker = worker
        self.busy_changed.emit(True)
        worker.start()

    def _tell(self, work: DockJob, step: object) -> None:
        """Pass a step on to the GUI thread; called in the worker."""
        if not self._closed:
            self._progressed.emit(work, step)

    def _on_progress(self, work: DockJob, step: object) -> None:
        if work is self._running and not self._closed:
            work.progressed(step)

    def _on_returned(self, value: object) -> None:
        if self._running is not None and not self._closed:
            self._running.done(value)

    def _on_errored(self, problem: BaseException) -> None:
        if self._running is not None and not self._closed:
            self._running.failed(problem)

    def _on_finished(self) -> None:
        self._running = self._worker = None
        if not self._closed:
            self.busy_changed.emit(bool(self._queue))
            self._start_next()
