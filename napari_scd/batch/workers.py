"""Runs cases in several processes; each loads the model once, and one that dies is replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections import deque
from dataclasses import replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from napari_scd.batch.cluster import RETRIES, WorkersDied
from napari_scd.batch.outcomes import CaseOutcome
from napari_scd.errors import InputError
from napari_scd.own_process import granted_cores, settle_account, settle_threads, usable_cores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection
    from types import FrameType

    from napari_scd.batch.jobs import PlannedCase, SegmentJob

_GRACE_S = 5.0


def outcomes_of_workers(
    cases: Sequence[PlannedCase], job: SegmentJob, n_workers: int
) -> Iterator[CaseOutcome]:
    """Segment cases on several processes and yield their outcomes, in the order in which they finish.

    Parameters
    ----------
    cases : sequence of PlannedCase
    job : SegmentJob
        Without a number of threads the processes share the cores evenly.
    n_workers : int
        How many processes; no more than there are cases.

    Raises
    ------
    InputError
        When nothing at all can start, such as for a model that is damaged.
    """
    n_workers = min(n_workers, len(cases))
    threads = job.threads or max(1, (granted_cores() or usable_cores()) // max(n_workers, 1))
    waiting = deque((case, 0) for case in cases)
    workers = [_Worker(replace(job, threads=threads)) for _ in range(n_workers)]
    try:
        for worker in workers:
            worker.give(*waiting.popleft())
        while any(worker.case for worker in workers):
            wait([worker.connection for worker in workers if worker.case])
            for worker in workers:
                if worker.case is None or not worker.connection.poll():
                    continue
                case, tries = worker.case, worker.tries
                outcome = worker.take()
                if outcome is None:  # the process has died
                    worker.start()
                    if tries < RETRIES:
                        waiting.append((case, tries + 1))
                    else:
                        died = "Every process that took this case died, perhaps for lack of memory."
                        yield CaseOutcome(case, {}, WorkersDied(died))
                else:
                    yield outcome
            for worker in workers:
                if worker.case is None and waiting:
                    worker.give(*waiting.popleft())
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process, the case it works on, and how often that case was tried before."""

    def __init__(self, job: SegmentJob) -> None:
        self._job = job
        self.case: PlannedCase | None = None
        self.tries = 0
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy threads that hold locks
        self.connection, far_end = context.Pipe()
        self._process = context.Process(target=_work, args=(self._job, far_end), daemon=True)
        self._process.start()
        far_end.close()  # so that the end of the process is seen as the end of the pipe
        self.case = None

    def give(self, case: PlannedCase, tries: int) -> None:
        self.case, self.tries = case, tries
        try:
            self.connection.send(case)
        except OSError:
            return  # it died while waiting; reading from it will show that

    def take(self) -> CaseOutcome | None:
        """Return the outcome of the case; None when the process died."""
        self.case = None
        try:
            answer = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            return None
        if isinstance(answer, InputError):
            raise answer
        outcome: CaseOutcome = answer
        return outcome

    def end(self) -> None:
        self.connection.close()
        self._process.terminate()
        self._process.join(_GRACE_S)
        if self._process.is_alive():
            self._process.kill()


def _work(job: SegmentJob, connection: Connection) -> None:
    """Answer cases until the pipe ends; runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent, which ends this process
    signal.signal(signal.SIGTERM, _leave)
    settle_account()
    settle_threads()
    from napari_scd.batch.runner import prepare  # loads PyTorch, which reads those settings

    try:
        runner = prepare(job)
    except InputError as error:
        connection.send(error)
        return
    try:
        while True:
            connection.send(runner.run(connection.recv()))
    except (EOFError, OSError):
        os._exit(0)  # the parent has died, so nobody wants an answer


def _leave(number: int, frame: FrameType | None) -> None:
    """Unwind, so that half-written files are removed."""
    sys.exit(128 + number)
