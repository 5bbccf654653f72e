"""Every state of the dock, reached as a user reaches it, with its exact sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_scd.viewer.logic.failures import BadVolume
from napari_scd.viewer.state import Remedy, State

from ..conftest import make_dock
from .test_controller import BRIGHT, click, segment

if TYPE_CHECKING:
    from collections.abc import Callable


def no_image(dock: Any) -> None:
    dock.viewer.layers.clear()
    dock.control.source.refresh()


def loading(dock: Any) -> None:
    dock.choices.model = "models/brain.safetensors"
    dock.control.source.refresh()


def preloading(dock: Any) -> None:
    dock.control.source._preloaded = False
    dock.control.source.preload()


def running(dock: Any) -> None:
    dock.control.segment()
    dock.queue.begin()


def cancelling(dock: Any) -> None:
    running(dock)
    dock.control.cancel()


def cancelled(dock: Any) -> None:
    cancelling(dock)
    dock.queue.finish()


def stale(dock: Any) -> None:
    segment(dock)
    dock.choices.live = False
    dock.control.slider.set_keep(0.25)
    dock.control.slider.settle()


def stale_model(dock: Any) -> None:
    segment(dock)
    dock.choices.model = "another"
    dock.control.source.refresh()
    dock.queue.run_all()


def out_of_memory(dock: Any) -> None:
    dock.backend.fail = MemoryError()
    segment(dock)


def broken(dock: Any) -> None:
    dock.backend.fail = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    segment(dock)


def bad_volume(dock: Any) -> None:
    dock.backend.fail = BadVolume("The volume holds no finite value (all NaN or infinite): check it.")
    dock.image.data = np.full((8, 8, 8), np.nan)
    dock.control.source.refresh()
    dock.queue.run_all()


WAYS: dict[str, tuple[Callable[[Any], None], State, str]] = {
    "no image": (no_image, State.NO_IMAGE, "Open a 3D volume, or File > Open Sample > SCD."),
    "preloading": (
        preloading,
        State.PRELOADING,
        "Getting ready in the background: you can look around in your volume in the meantime.",
    ),
    "loading": (loading, State.LOADING, "Loading brain and preparing the volume."),
    "ready": (lambda dock: None, State.READY, "32x28x24 at 1x1x2 mm: 8 windows, about 11 s on cpu."),
    "running": (running, State.RUNNING, "Segmenting the volume."),
    "cancelling": (cancelling, State.CANCELLING, "Stopping after this window."),
    "cancelled": (
        cancelled,
        State.CANCELLED,
        "Stopped after 4 of 8 windows: the partial result is a preview.",
    ),
    "done": (segment, State.DONE, "4 labels, 2 found in 1.6 s. Accept (U) or Discard."),
    "preview": (
        lambda dock: click(dock, BRIGHT),
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
def test_a_state_and_its_sentence(dock: Any, name: str) -> None:
    way, state, sentence = WAYS[name]
    way(dock)
    status = dock.control.status
    if "{ml}" in sentence:
        ml = sum(voxels.volume_ml for voxels in dock.control.result.found().values())
        sentence = sentence.format(ml=f"{ml:.2g}")
    assert (status.state, status.sentence) == (state, sentence)
    assert status.remedy == REMEDIES.get(name)


def test_every_state_is_reached() -> None:
    reached = {state for _, state, _ in WAYS.values()}
    # told beside the state, see below and test_trust.py
    warned = {State.WARN_GEOMETRY, State.WARN_ORIENTATION, State.WARN_FIT}
    assert reached | warned == set(State)


def test_doubts_about_the_image_stand_beside_the_state(model: Any) -> None:
    dock = make_dock(model, scale=(1, 1, 1), units=None)
    dock.choices.world_axes = None
    dock.control.source.refresh()
    assert dock.control.status.warnings == (
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
    dock = make_dock(model)
    bad = model.add_image(data, name="bad", rgb=rgb)
    dock.choices.volumes = (bad.unique_id,)
    dock.control.source.refresh()
    status = dock.control.status
    assert (
        status.state is State.BAD_INPUT and status.sentence.startswith("'bad' ") and says in status.sentence
    )
    segment(dock)
    assert dock.control.status.sentence == status.sentence, "it stays until another image is chosen"
    dock.choices.volumes = (dock.image.unique_id,)
    dock.control.source.refresh()
    dock.queue.run_all()
    assert dock.control.status.state is State.READY


def test_a_run_asked_for_while_the_model_is_loaded_says_so_until_it_is_done(dock: Any) -> None:
    dock.control.source.refresh(again=True)
    dock.queue.begin()
    dock.control.segment()
    assert dock.control.status.sentence == "Loading the model, then segmenting the volume."
    dock.queue.finish()
    assert dock.control.status.state is State.RUNNING, "it waits for its turn, and can be cancelled"
    dock.queue.run_all()
    assert dock.control.status.state is State.DONE


def test_a_run_that_waits_for_the_model_can_be_cancelled(dock: Any) -> None:
    dock.control.source.refresh(again=True)
    dock.queue.begin()
    dock.control.segment()
    dock.control.cancel()
    assert dock.control.status.state is State.LOADING and "segment" not in dock.queue.waiting
    dock.queue.finish()
    dock.queue.run_all()
    assert dock.control.status.state is State.READY and dock.control.result is None
