"""Cases on the workers of a dask cluster; a worker that dies loses nothing but its own time."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from napari_scd.cli.console import unexpected
from napari_scd.cli.run.segment import Runner, prepare, run_case
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_scd.batch.cohort import Job
    from napari_scd.cli.orders import Order

_RETRIES = 3
_PATIENCE = "20s"
_one_at_a_time = threading.Lock()  # a session holds one volume, and workers may have several threads


def outcomes_of_cluster(
    jobs: Sequence[Job], order: Order, address: str
) -> Iterator[tuple[Job, dict[str, Any]]]:
    """Send cases to a cluster and yield what comes out, in the order in which they finish.

    Parameters
    ----------
    jobs : sequence of Job
        Their paths must mean the same files on every worker.
    order : Order
    address : str
        Of the scheduler, such as ``tcp://node1:8786``.

    Raises
    ------
    InputError
        When dask.distributed is missing or nothing answers at the address.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise InputError(
            "--scheduler needs dask.distributed, which is missing; run: python -m pip install "
            "'napari-scd[cluster]'."
        ) from error
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise InputError(
            f"No dask scheduler answers at '{address}'; start one (dask scheduler) and give its address, "
            "such as tcp://HOST:8786."
        ) from error
    with client:
        futures = {client.submit(segment_job, job, order, pure=False, retries=_RETRIES): job for job in jobs}
        for future in as_completed(futures, loop=client.loop):
            yield futures[future], _outcome(future)


def segment_job(job: Job, order: Order) -> dict[str, Any]:
    """Segment one case; runs on a worker, which loads the model once."""
    with _one_at_a_time:
        outcome = run_case(_runner(order), job.case, None, asked=job.asked)
    return outcome.to_dict()


@lru_cache(maxsize=1)
def _runner(order: Order) -> Runner:
    return prepare(order)


def _outcome(future: Any) -> dict[str, Any]:
    if future.status == "finished":
        result: dict[str, Any] = future.result()
        return result
    error = future.exception()
    if isinstance(error, InputError):
        return {"status": "failed", "error": str(error), "exit_code": 2}
    if type(error).__name__ == "KilledWorker":
        sentence = "Every worker that took this case died, perhaps for want of memory; give workers more."
        return {"status": "failed", "error": sentence, "exit_code": 1}
    return {"status": "failed", "error": unexpected(error), "exit_code": 1}
