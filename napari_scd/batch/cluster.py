"""Runs cases on the workers of a dask cluster; when a worker dies, another gets its case."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from napari_scd.batch.outcomes import CaseOutcome, Crash, described
from napari_scd.errors import InputError
from napari_scd.own_process import settle_account, settle_threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_scd.batch.jobs import PlannedCase, SegmentJob
    from napari_scd.batch.runner import Runner

RETRIES = 3
_one_at_a_time = threading.Lock()  # a session holds one volume, and workers may have several threads


class WorkersDied(Crash):
    """Every worker that took a case died."""


def outcomes_of_cluster(
    cases: Sequence[PlannedCase], job: SegmentJob, address: str, *, patience_s: float = 20.0
) -> Iterator[CaseOutcome]:
    """Send cases to a cluster and yield their outcomes, in the order in which they finish.

    Parameters
    ----------
    cases : sequence of PlannedCase
        Their paths must mean the same files on every worker.
    job : SegmentJob
    address : str
        Of the scheduler, such as ``tcp://node1:8786``.
    patience_s : float
        How long to wait for the scheduler to answer.

    Raises
    ------
    InputError
        When dask.distributed is missing or nothing answers at the address.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise InputError(
            "A cluster needs the package dask.distributed, which is not installed: run python -m pip install "
            "'napari-scd[cluster]'."
        ) from error
    try:
        client = Client(address, timeout=f"{patience_s}s", set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise InputError(
            f"No dask scheduler answers at '{address}': start one (dask scheduler) and give its address, "
            "such as tcp://HOST:8786."
        ) from error
    with client:
        futures = {
            client.submit(segment_case, case, job, pure=False, retries=RETRIES): case for case in cases
        }
        for future in as_completed(futures, loop=client.loop):
            yield outcome_of(future, futures[future])


def segment_case(case: PlannedCase, job: SegmentJob) -> CaseOutcome:
    """Segment one case; runs on a worker, which loads the model once."""
    with _one_at_a_time:
        return _runner(job).run(case)


@lru_cache(maxsize=1)
def _runner(job: SegmentJob) -> Runner:
    settle_account()
    settle_threads()
    from napari_scd.batch.runner import prepare  # loads PyTorch, which reads those settings

    return prepare(job)


def outcome_of(future: Any, case: PlannedCase) -> CaseOutcome:
    """Return the outcome of a case on the cluster, even if its task itself failed."""
    if future.status == "finished":
        outcome: CaseOutcome = future.result()
        return outcome
    error = future.exception()
    if isinstance(error, InputError):
        return CaseOutcome(case, {}, error)
    if type(error).__name__ == "KilledWorker":
        died = WorkersDied("Every worker that took this case died, perhaps for lack of memory.")
        return CaseOutcome(case, {}, died)
    return CaseOutcome(case, {}, Crash(described(error)))
