"""What a cluster gives back, and what is said when there is none."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from napari_scd.batch import CaseOutcome, PlannedCase, SegmentJob, Targets, outcomes_of_cluster
from napari_scd.batch.cluster import WorkersDied, outcome_of
from napari_scd.errors import ChooseFrame, InputError

CASE = PlannedCase(Path("a.nii"), "a", Path("out/a.nii.gz"))


class FinishedFuture:
    """A future of dask that ended, as far as it is looked at."""

    def __init__(self, result: object = None, error: Exception | None = None) -> None:
        self.status = "finished" if error is None else "error"
        self._result, self._error = result, error

    def result(self) -> object:
        return self._result

    def exception(self) -> Exception | None:
        return self._error


class KilledWorker(Exception):
    """Named as dask names it."""


def test_nothing_answers() -> None:
    pytest.importorskip("distributed")
    job = SegmentJob(Targets(Path("out")), model="whole")
    with pytest.raises(InputError, match="No dask scheduler answers at"):
        next(outcomes_of_cluster([CASE], job, "tcp://127.0.0.1:1", patience_s=0.5))


def test_an_outcome_travels_with_its_error_and_facts() -> None:
    outcome = CaseOutcome(CASE, {}, ChooseFrame(3, "The file is 4D"))
    back = pickle.loads(pickle.dumps(outcome))
    assert back.exit_code == 2
    assert isinstance(back.failure, ChooseFrame)
    assert back.failure.n_frames == 3
    assert outcome_of(FinishedFuture(back), CASE) == back


@pytest.mark.parametrize(
    ("error", "kind", "exit_code"),
    [
        (InputError("no model"), "InputError", 2),
        (KilledWorker("worker-1"), "WorkersDied", 1),
        (RuntimeError("boom"), "Crash", 1),
    ],
)
def test_a_task_that_did_not_end_is_an_outcome_too(error: Exception, kind: str, exit_code: int) -> None:
    outcome = outcome_of(FinishedFuture(error=error), CASE)
    assert (type(outcome.failure).__name__, outcome.exit_code) == (kind, exit_code)
    assert outcome.to_dict("why") == {
        "input": "a.nii",
        "status": "failed",
        "error": "why",
        "exit_code": exit_code,
    }


def test_dead_workers_are_named_in_words() -> None:
    outcome = outcome_of(FinishedFuture(error=KilledWorker()), CASE)
    assert isinstance(outcome.failure, WorkersDied)
    assert "Every worker that took this case died" in str(outcome.failure)
