"""Painting, erasing, undo and redo: legend, files and sentences follow."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.logic.apart import sizes_of
from napari_scd.viewer.logic.undo import Shown, UndoStep, UndoSteps
from napari_scd.viewer.state import State

from .test_controller import BRIGHT, DARK, click, ours, segment


def paint(layer: Any, places: list[tuple[int, ...]], label: int) -> None:
    layer.data_setitem(tuple(np.array(axis) for axis in zip(*places, strict=True)), label)


def test_painting_on_the_preview_is_counted_at_once(desk: Any) -> None:
    told: list[Any] = []
    segment(desk)
    desk.control.state.result_changed.connect(told.append)
    before = desk.control.result.found()
    paint(ours(desk, "preview"), [DARK, (1, 1, 2)], 4)
    desk.control.edits.look()
    assert told[-1].found()[4].voxels == before[4].voxels + 2
    assert list(ours(desk, "preview").features["voxels"]) == [
        int((ours(desk, "preview").data == label).sum()) for label in (1, 2, 3, 4)
    ]
    paint(ours(desk, "preview"), [BRIGHT], 0)
    desk.control.edits.look()
    assert sum(one.voxels for one in told[-1].found().values()) == int((ours(desk, "preview").data > 0).sum())


def test_painting_on_the_segmentation_is_counted_at_once(desk: Any) -> None:
    segment(desk)
    desk.control.accept()
    before = desk.control.result.found()[4].voxels
    paint(ours(desk, "seg"), [DARK], 4)
    desk.control.edits.look()
    assert desk.control.result.found()[4].voxels == before + 1
    assert ours(desk, "seg").features["voxels"][3] == before + 1


def test_strokes_clicks_and_accepts_are_undone_one_by_one(desk: Any) -> None:
    click(desk, BRIGHT)
    states = [ours(desk, "preview").data.copy()]
    paint(ours(desk, "preview"), [DARK], 3)
    desk.control.edits.look()
    states.append(ours(desk, "preview").data.copy())
    click(desk, (10, 15, 26))
    states.append(ours(desk, "preview").data.copy())
    desk.control.accept()
    np.testing.assert_array_equal(ours(desk, "seg").data, states[2])
    for state in reversed(states):
        desk.control.undo()
        np.testing.assert_array_equal(ours(desk, "preview").data, state)
        assert not ours(desk, "seg").data.any()
    desk.control.undo()
    assert ours(desk, "preview") is None
    for state in states:
        desk.control.redo()
        np.testing.assert_array_equal(ours(desk, "preview").data, state)
    desk.control.redo()
    assert ours(desk, "preview") is None
    np.testing.assert_array_equal(ours(desk, "seg").data, states[2])


def test_undo_of_accept_says_what_is_there_now(desk: Any) -> None:
    segment(desk)
    (name, _), *_ = sizes_of(desk.control.result)
    desk.control.accept()
    desk.control.undo()
    assert desk.control.status.state is State.PREVIEW
    assert desk.control.status.sentence.startswith(f"Undid Accept. Preview: {name}, ")
    desk.control.redo()
    assert desk.control.status.sentence.startswith("Redid Accept. Accepted: ")


def test_undo_of_accept_leaves_what_was_painted_since(desk: Any) -> None:
    segment(desk)
    desk.control.accept()
    seg = ours(desk, "seg")
    paint(seg, [DARK], 4)
    desk.control.edits.look()
    desk.control.undo()
    assert seg.data[DARK] == 0 and seg.data.any(), "the stroke first"
    desk.control.undo()
    assert not seg.data.any()


def test_discard_can_be_undone(desk: Any) -> None:
    segment(desk)
    shown = ours(desk, "preview").data.copy()
    desk.control.discard()
    desk.control.undo()
    np.testing.assert_array_equal(ours(desk, "preview").data, shown)
    assert ours(desk, "tokens") is not None


def test_discard_leaves_what_was_accepted(desk: Any) -> None:
    click(desk, BRIGHT)
    desk.control.accept()
    click(desk, (10, 15, 26))
    desk.control.discard()
    assert desk.control.result.accepted and ours(desk, "seg").data.any()
    assert desk.control.status.sentence.startswith("Discarded the preview. Accepted: hippocampus, ")


def test_nothing_is_left_to_undo_or_redo(desk: Any) -> None:
    desk.control.undo()
    assert desk.control.status.sentence == "Nothing to undo."
    desk.control.redo()
    assert desk.control.status.sentence == "Nothing to redo."


def test_what_was_painted_survives_another_run(desk: Any) -> None:
    segment(desk)
    paint(ours(desk, "preview"), [DARK], 3)
    segment(desk)
    assert ours(desk, "preview").data[DARK] == 3 and desk.control.result.labels[DARK] == 3


def test_an_erased_preview_is_neither_accepted_nor_exported(desk: Any, tmp_path: Any) -> None:
    segment(desk)
    preview = ours(desk, "preview")
    paint(preview, list(map(tuple, np.argwhere(preview.data))), 0)
    desk.control.accept()
    assert desk.control.status.sentence == "Nothing to accept: the preview is empty."
    assert ours(desk, "seg") is None
    desk.control.export(tmp_path / "out.nii.gz")
    desk.queue.run_all()
    assert desk.control.status.sentence == "Nothing to export: there are no labels."
    assert list(tmp_path.iterdir()) == []


def test_accepting_what_is_there_already_says_so(desk: Any) -> None:
    segment(desk)
    desk.control.accept()
    segment(desk)
    desk.control.accept()
    assert desk.control.status.sentence.startswith("Nothing was accepted into 'ct [SCD seg]': every voxel")
    assert ours(desk, "preview") is not None, "nothing is lost"


def test_export_after_undo_writes_the_preview_and_says_so(desk: Any, tmp_path: Any) -> None:
    import nibabel as nib

    segment(desk)
    desk.control.accept()
    desk.control.undo()
    desk.control.export(tmp_path / "out.nii.gz")
    desk.queue.run_all()
    written = np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj)
    assert int((written > 0).sum()) == int((ours(desk, "preview").data > 0).sum()) > 0
    assert desk.control.status.sentence.endswith(
        "The preview was saved too, although it is not accepted yet."
    )


def test_export_writes_the_segmentation_with_the_preview_on_top(desk: Any, tmp_path: Any) -> None:
    import nibabel as nib

    click(desk, BRIGHT)
    desk.control.accept()
    paint(ours(desk, "seg"), [DARK], 4)
    click(desk, (10, 15, 26))
    desk.control.export(tmp_path / "out.nii.gz")
    desk.queue.run_all()
    written = np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj)
    both = (ours(desk, "seg").data > 0) | (ours(desk, "preview").data > 0)
    assert int((written > 0).sum()) == int(both.sum()) and (written == 4).sum() == 1


def test_the_provenance_is_the_whole_story(desk: Any, tmp_path: Any) -> None:
    segment(desk)
    desk.control.slider.set_keep(0.25)
    desk.control.slider.settle()
    desk.queue.run_all()
    click(desk, BRIGHT)  # removes it
    click(desk, BRIGHT)
    paint(ours(desk, "preview"), [DARK], 3)
    desk.control.accept()
    paint(ours(desk, "seg"), [(1, 1, 2)], 4)
    desk.control.export(tmp_path / "out.nii.gz")
    desk.queue.run_all()
    story = json.loads((tmp_path / "out.json").read_text())
    assert [entry["action"] for entry in story["history"]] == [
        "segment", "keep slider", "remove", "click", "paint", "accept", "paint",
    ]  # fmt: skip
    whole, slider, _, clicked, stroke = story["history"][:5]
    assert whole["region"] == [[0, 24], [0, 28], [0, 32]] and whole["n_windows"] == 8
    assert slider["keep"] == [0.25] * 3 and slider["region"] != whole["region"]
    assert clicked["voxel"] == list(BRIGHT) and clicked["label"] == "hippocampus"
    assert stroke["voxels"] == {"left kidney": 1} and stroke["on"] == "preview"
    data = ours(desk, "seg").data
    assert [one["voxels"] for one in story["structures"]] == [int((data == i).sum()) for i in (1, 2, 3, 4)]


def test_undone_steps_are_not_part_of_the_story(desk: Any, tmp_path: Any) -> None:
    segment(desk)
    click(desk, BRIGHT)
    desk.control.undo()
    assert [entry["action"] for entry in desk.control.result.history] == ["segment"]


def test_a_new_step_forgets_the_undone_ones() -> None:
    steps = UndoSteps()
    for name in ("a", "b"):
        steps.add(UndoStep(name, Shown(), Shown()))
    assert steps.undo().name == "b"  # type: ignore[union-attr]
    steps.add(UndoStep("c", Shown(), Shown()))
    assert steps.redo() is None and steps.undo().name == "c"  # type: ignore[union-attr]


@pytest.mark.parametrize("label", [3, 0])
def test_removing_a_structure_forgets_what_was_painted_onto_it(desk: Any, label: int) -> None:
    segment(desk)
    own = int(ours(desk, "preview").data[BRIGHT])
    paint(ours(desk, "preview"), [DARK], own)
    paint(ours(desk, "preview"), [(1, 1, 3)], label)
    click(desk, BRIGHT)
    data = ours(desk, "preview").data
    assert data[BRIGHT] == 0 and data[DARK] == 0 and data[1, 1, 3] == label
