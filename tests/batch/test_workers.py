"""Processes of this machine: what they cannot do is said once, and a case that kills them is given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_scd.batch import PlannedCase, SegmentJob, Targets, WorkersDied, outcomes_of_workers, workers
from napari_scd.errors import UnknownModel

CASES = [PlannedCase(Path(f"{name}.nii"), name, Path(f"out/{name}.nii.gz")) for name in "abc"]


def test_a_job_that_cannot_start_is_one_error() -> None:
    job = SegmentJob(Targets(Path("out")), model="no-such-model")
    with pytest.raises(UnknownModel):
        list(outcomes_of_workers(CASES, job, 2))


def test_no_cases_need_no_processes() -> None:
    assert list(outcomes_of_workers([], SegmentJob(Targets(Path("out")), model="m"), 4)) == []


def test_a_case_that_kills_every_process_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "_work", dying)
    job = SegmentJob(Targets(Path("out")), model="m")
    outcomes = list(outcomes_of_workers(CASES[:1], job, 1))
    assert [outcome.case.name for outcome in outcomes] == ["a"]
    assert isinstance(outcomes[0].failure, WorkersDied)
    assert outcomes[0].exit_code == 1


def dying(job: object, connection: object) -> None:
    """A process that ends at once."""
