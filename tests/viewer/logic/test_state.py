from __future__ import annotations

import pytest

from napari_scd.errors import InputError
from napari_scd.viewer.logic import state
from napari_scd.viewer.logic.state import Choices, Size, State, resolve


def test_choices_become_a_frozen_request() -> None:
    request = resolve(Choices(keep=0.35, device="cpu", stride=16))
    assert (request.keep, request.device, request.stride) == (0.35, "cpu", 16)
    assert hash(request) == hash(resolve(Choices(keep=0.35, device="cpu", stride=16)))


def test_stages_set_apart_win_over_the_common_ratio() -> None:
    assert resolve(Choices(keep=0.5, keep_per_stage=(0.9, 0.5, 0.2))).keep == (0.9, 0.5, 0.2)


def test_a_single_field_can_be_overridden() -> None:
    assert resolve(Choices(keep=0.35), keep=1.0).keep == 1.0


def test_a_bad_ratio_is_the_users_error() -> None:
    with pytest.raises(InputError, match="outside"):
        resolve(Choices(keep=0.01))


def test_a_copy_does_not_follow() -> None:
    choices = Choices(keep=0.5)
    copy = choices.copy()
    choices.keep = 0.1
    assert copy.keep == 0.5


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (state.NO_IMAGE, "Open a 3D volume, or File > Open Sample > SCD."),
        (
            state.ready(Size((120, 384, 384), (2.5, 0.8, 0.8)), 27, 11.0, "cpu", click_only=False),
            "384x384x120 at 0.8x0.8x2.5 mm: 27 windows, about 11 s on cpu.",
        ),
        (
            state.ready(Size((51, 50, 35), (1, 1, 1)), 1, None, "cpu", click_only=True),
            "35x50x51 at 1x1x1 mm: press K, then click a structure.",
        ),
        (state.done(13, 11, 10.8), "13 labels, 11 found in 11 s. Accept (U) or Discard."),
        (
            state.cancelled(9, 27),
            "Stopped after 9 of 27 windows: the partial result is a preview.",
        ),
        (state.cancelled(0, 27), "Stopped before the first window: nothing was changed."),
        (
            state.preview(["liver", "spleen"], 1200.0),
            "Preview: liver, spleen, 1,200 ml. Accept (U) or Discard.",
        ),
        (state.CANCELLING, "Stopping after this window."),
    ],
)
def test_sentences(status: state.Status, sentence: str) -> None:
    assert status.sentence == sentence


def test_warnings_have_the_sentences_of_the_specification() -> None:
    assert state.NO_VOXEL_SIZE == (State.WARN_GEOMETRY, "No voxel size: assuming 1 mm.")
    assert state.NO_ORIENTATION[1] == (
        "Orientation unknown: left and right may be swapped. Set it in Advanced."
    )


def test_a_users_error_keeps_its_own_sentence() -> None:
    assert state.failure(InputError("The image is empty."), "auto").sentence == "The image is empty."


@pytest.mark.parametrize(
    ("problem", "device", "action"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "cuda", "run_on_cpu"),
        (MemoryError(), "cpu", "single_batch"),
        (
            InputError("Device 'cuda' is not available on this machine: use 'cpu' or 'auto'."),
            "cuda",
            "run_on_cpu",
        ),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "cpu", "retry"),
    ],
)
def test_a_failure_offers_a_way_out(problem: BaseException, device: str, action: str) -> None:
    status = state.failure(problem, device)
    assert status.state is State.ERROR
    assert status.remedy is not None and status.remedy.action == action
    assert "\n" not in status.sentence


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.31, "0.31 s"), (11.2, "11 s"), (125, "2 min 5 s"), (0.0731, "73 ms")]
)
def test_durations(seconds: float, text: str) -> None:
    assert state.duration(seconds) == text
