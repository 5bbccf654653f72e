"""Every state of the dock, reached as a user reaches it, with its exact sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_scd.viewer.logic.failures import BadVolume
from napari_scd.viewer.state import Remedy, State

from ..conftest import make_desk
from .test_controller import BRIGHT, click, segment

if TYPE_CHECKING:
    from collections.abc import Callable


def no_image(desk: Any) -> None:
    desk.viewer.layers.clear()
    desk.control.source.refresh()


def loading(desk: Any) -> None:
    desk.choices.model = "models/brain.safetensors"
    desk.control.source.refresh()


def preloading(desk: Any) -> None:
    desk.control.source._preloaded = False
    desk.control.source.preload()


def running(desk: Any) -> None:
    desk.control.segment()
    desk.queue.begin()


def cancelling(desk: Any) -> None:
    running(desk)
    desk.control.cancel()


def cancelled(desk: Any) -> None:
    cancelling(desk)
    desk.queue.finish()


def stale(desk: Any) -> None:
    segment(desk)
    desk.choices.live = False
    desk.control.slider.set_keep(0.25)
    desk.control.slider.settle()


def stale_model(desk: Any) -> None:
    segment(desk)
    desk.choices.model = "another"
    desk.control.source.refresh()
    desk.queue.run_all()


def out_of_memory(desk: Any) -> None:
    desk.backend.fail = MemoryError()
    segment(desk)


def broken(desk: Any) -> None:
    desk.backend.fail = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    segment(desk)


def bad_volume(desk: Any) -> None:
    desk.backend.fail = BadVolume("The volume holds no finite value (all NaN or infinite): check it.")
    desk.image.data = np.full((8, 8, 8), np.nan)
    desk.control.source.refresh()
    desk.queue.run_all()


WAYS: dict[str, tuple[Callable[[Any], None], State, str]] = {
    "no image": (no_image, State.NO_IMAGE, "Open a 3D volume, or File > Open Sample > SCD."),
    "preloading": (
        preloading,
        State.PRELOADING,
        "Getting ready in the background: you can look around in your volume in the meantime.",
    ),
    "loading": (loading, State.LOADING, "Loading brain and preparing the volume."),
    "ready": (lambda desk: None, State.READY, "32x28x24 at 1x1x2 mm: 8 windows, about 11 s on cpu."),
    "running": (running, State.RUNNING, "Segmenting the volume."),
    "cancelling": (cancelling, State.CANCELLING, "Stopping after this window."),
    "cancelled": (
        cancelled,
        State.CANCELLED,
        "Stopped after 4 of 8 windows: the partial result is a preview.",
    ),
    "done": (segment, State.DONE, "4 labels, 2 found in 1.6 s. Accept (U) or Discard."),
    "preview": (
        lambda desk: click(desk, BRIGHT),
        State.PREVIEW,
        "Preview: hippocampus, {ml} ml. Accept (U) or Discard.",
    ),
    "stale keep": (
        stale,
        State.STALE,
        "Keep changed since this result: segment or click again to update it.",
    ),
    "stale model": (
        stale_model,
        State.STALE,
        "The model changed since this result: segment or click again to update it.",
    ),
    "out of memory": (
        out_of_memory,
        State.ERROR,
        "Not enough memory for this run. Nothing was lost; run one window at a time.",
    ),
    "broken": (
        broken,
        State.ERROR,
        "The run failed (RuntimeError: mat1 and mat2 shapes cannot be multiplied).",
    ),
    "bad volume": (
        bad_volume,
        State.BAD_INPUT,
        "The volume holds no finite value (all NaN or infinite): check it.",
    ),
}
REMEDIES = {
    "out of memory": Remedy("Run one window at a time", "single_batch"),
    "broken": Remedy("Try again", "retry"),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_state_and_its_sentence(desk: Any, name: str) -> None:
    way, state, sentence = WAYS[name]
    way(desk)
    status = desk.control.status
    if "{ml}" in sentence:
        ml = sum(voxels.volume_ml for voxels in desk.control.result.found().values())
        sentence = sentence.format(ml=f"{ml:.2g}")
    assert (status.state, status.sentence) == (state, sentence)
    assert status.remedy == REMEDIES.get(name)


def test_every_state_is_reached() -> None:
    reached = {state for _, state, _ in WAYS.values()}
    # told beside the state, see below and test_trust.py
    warned = {State.WARN_GEOMETRY, State.WARN_ORIENTATION, State.WARN_FIT}
    assert reached | warned == set(State)


def test_doubts_about_the_image_stand_beside_the_state(model: Any) -> None:
    desk = make_desk(model, scale=(1, 1, 1), units=None)
    desk.choices.world_axes = None
    desk.control.source.refresh()
    assert desk.control.status.warnings == (
        (State.WARN_GEOMETRY, "No voxel size: assuming 1 mm."),
        (
            State.WARN_ORIENTATION,
            "Orientation unknown: left and right, front and back, or head and feet may be swapped. "
            "Set it in Advanced.",
        ),
    )


@pytest.mark.parametrize(
    ("data", "rgb", "says"),
    [
        (np.zeros((8, 8, 8, 3), np.uint8), True, "is a colour image"),
        (np.zeros((8, 9)), False, "is 2D (8x9)"),
        (np.zeros((2, 2, 8, 8, 8)), False, "has 5 axes (2x2x8x8x8)"),
        (np.zeros((1, 8, 9)), False, "is a single slice (1x8x9)"),
    ],
)
def test_images_that_cannot_be_segmented(model: Any, data: np.ndarray, rgb: bool, says: str) -> None:
    desk = make_desk(model)
    bad = model.add_image(data, name="bad", rgb=rgb)
    desk.choices.volumes = (bad.unique_id,)
    desk.control.source.refresh()
    status = desk.control.status
    assert (
        status.state is State.BAD_INPUT and status.sentence.startswith("'bad' ") and says in status.sentence
    )
    segment(desk)
    assert desk.control.status.sentence == status.sentence, "it stays until another image is chosen"
    desk.choices.volumes = (desk.image.unique_id,)
    desk.control.source.refresh()
    desk.queue.run_all()
    assert desk.control.status.state is State.READY


def test_a_run_asked_for_while_the_model_is_loaded_says_so_until_it_is_done(desk: Any) -> None:
    desk.control.source.refresh(again=True)
    desk.queue.begin()
    desk.control.segment()
    assert desk.control.status.sentence == "Loading the model, then segmenting the volume."
    desk.queue.finish()
    assert desk.control.status.state is State.RUNNING, "it waits for its turn, and can be cancelled"
    desk.queue.run_all()
    assert desk.control.status.state is State.DONE


def test_a_run_that_waits_for_the_model_can_be_cancelled(desk: Any) -> None:
    desk.control.source.refresh(again=True)
    desk.queue.begin()
    desk.control.segment()
    desk.control.cancel()
    assert desk.control.status.state is State.LOADING and "segment" not in desk.queue.waiting
    desk.queue.finish()
    desk.queue.run_all()
    assert desk.control.status.state is State.READY and desk.control.result is None
