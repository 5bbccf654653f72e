from __future__ import annotations

import pytest

from napari_scd.errors import DeviceUnavailable, InputError, OutOfMemory
from napari_scd.viewer.logic.failures import BadVolume, CannotSave, failure
from napari_scd.viewer.state import State


def test_a_users_error_keeps_its_own_sentence() -> None:
    assert failure(InputError("The image is empty."), "auto").sentence == "The image is empty."


@pytest.mark.parametrize(
    ("problem", "device", "batch", "action"),
    [
        (OutOfMemory("cuda"), "auto", None, "run_on_cpu"),
        (OutOfMemory("cpu"), "cpu", None, "single_batch"),
        (MemoryError(), "cpu", 4, "single_batch"),
        (DeviceUnavailable("cuda"), "cuda", None, "run_on_cpu"),
        (CannotSave("The folder is read-only."), "cpu", None, "export"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "cpu", None, "retry"),
    ],
)
def test_a_failure_offers_a_way_out(
    problem: BaseException, device: str, batch: int | None, action: str
) -> None:
    status = failure(problem, device, batch)
    assert status.state is State.ERROR
    assert status.remedy is not None and status.remedy.action == action
    assert "\n" not in status.sentence


def test_one_window_at_a_time_is_not_offered_when_that_is_what_failed() -> None:
    assert failure(MemoryError(), "cpu", 1).remedy is None


def test_a_sentence_is_never_taken_for_a_class() -> None:
    """A user error that merely talks about memory or devices keeps its own sentence, without a button."""
    status = failure(InputError("The header says 'out of memory' and 'device available'."), "cuda")
    assert status.remedy is None and status.sentence.startswith("The header says")


def test_a_bad_volume_is_bad_input() -> None:
    assert failure(BadVolume("All voxels are NaN."), "cpu").state is State.BAD_INPUT
