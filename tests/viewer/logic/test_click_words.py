from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.logic.answers import clicked
from napari_scd.viewer.logic.apart import apart_ml, sizes_of
from napari_scd.viewer.state import State

from ..conftest import TABLE, fake_segmentation
from .test_controller import BRIGHT, click, ours, segment
from .test_edits import paint

BESIDE = (10, 15, 28)  # two voxels of 1 mm outside the ball


@pytest.fixture
def near(dock: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A dock whose model takes the nearest structure, where nothing lies under the click."""

    def answer(view: Any, choices: Any, places: Any, progress: Any, cancel: Any) -> list[Any]:
        answers = []
        for index, everything in places:
            volume = view.volume()
            segmentation = fake_segmentation(volume, 0.5, only=1)
            click = SimpleNamespace(
                segmentation=segmentation, label=1, name="hippocampus", message="", index=index
            )
            answers.append(clicked(click, view, TABLE, everything=everything))
        return answers

    monkeypatch.setattr(dock.backend, "click", answer)
    return dock


def test_what_lies_beside_the_click_is_said_with_its_distance(near: Any) -> None:
    bright = fake_segmentation(near.control.view.volume(), 0.5).labels.array > 0
    gap = 28 - int(np.flatnonzero(bright[10, 15]).max())
    assert gap > 0
    click(near, BESIDE)
    said = near.control.status.sentence
    assert said.startswith("Nothing exactly at the click; hippocampus, ") and f"begins {gap} mm away" in said
    assert "Ctrl+Z" in said


def test_a_click_beside_a_structure_on_screen_changes_nothing(near: Any) -> None:
    segment(near)
    before, result = ours(near, "preview").data.copy(), near.control.result
    click(near, BESIDE)
    assert np.array_equal(ours(near, "preview").data, before) and near.control.result is result
    assert near.control.status.sentence.startswith("Nothing exactly at the click, and nothing was changed: ")
    assert near.control.status.state is State.PREVIEW
    click(near, BRIGHT)
    assert near.control.status.sentence.startswith("Removed "), "inside, a click removes it"


def test_everything_at_a_click_is_counted_and_not_summed(dock: Any) -> None:
    click(dock, BRIGHT, everything=True)
    n_labels = len(np.unique(ours(dock, "preview").data)) - 1
    counted = "1 structure" if n_labels == 1 else f"{n_labels} structures"
    assert dock.control.status.sentence == f"Preview: {counted} around the click. Accept (U) or Discard."


def test_two_objects_of_one_name_are_not_summed(dock: Any) -> None:
    click(dock, BRIGHT)
    click(dock, (10, 15, 26))
    result = dock.control.result
    (first, second), voxel_ml = sizes_of(result), result.voxel_ml
    assert first[0] == second[0] == "hippocampus"
    total = sum(voxels.volume_ml for voxels in result.found().values())
    assert 0 < second[1] < total and first[1] + second[1] <= total + voxel_ml * len(result.labels.ravel())
    dock.control.state.say_current()
    assert dock.control.status.sentence.count("hippocampus") == 2
    apart = apart_ml(result)
    assert apart and all(len(parts) == 2 for parts in apart.values())
    dock.control.accept()
    accepted = dock.control.result
    assert apart_ml(accepted) == apart, "nor when they are accepted"
    assert sizes_of(accepted) == [first, second]


def test_objects_of_one_name_accepted_one_by_one_are_not_summed(dock: Any) -> None:
    for place in (BRIGHT, (10, 15, 26)):
        click(dock, place)
        dock.control.accept()
    accepted = dock.control.result
    parts = apart_ml(accepted)
    assert parts and all(len(volumes) == 2 for volumes in parts.values())
    found = accepted.found()
    assert all(sum(volumes) == pytest.approx(found[index].volume_ml) for index, volumes in parts.items())
    paint(ours(dock, "seg"), [(20, 2, 2), (20, 2, 3)], 1)
    dock.control.edits.look()
    assert apart_ml(dock.control.result)[1][-1] == pytest.approx(2 * accepted.voxel_ml), "what was painted"
