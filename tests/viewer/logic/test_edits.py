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


def test_painting_on_the_preview_is_counted_at_once(dock: Any) -> None:
    told: list[Any] = []
    segment(dock)
    dock.control.state.result_changed.connect(told.append)
    before = dock.control.result.found()
    paint(ours(dock, "preview"), [DARK, (1, 1, 2)], 4)
    dock.control.edits.look()
    assert told[-1].found()[4].voxels == before[4].voxels + 2
    assert list(ours(dock, "preview").features["voxels"]) == [
        int((ours(dock, "preview").data == label).sum()) for label in (1, 2, 3, 4)
    ]
    paint(ours(dock, "preview"), [BRIGHT], 0)
    dock.control.edits.look()
    assert sum(one.voxels for one in told[-1].found().values()) == int((ours(dock, "preview").data > 0).sum())


def test_painting_on_the_segmentation_is_counted_at_once(dock: Any) -> None:
    segment(dock)
    dock.control.accept()
    before = dock.control.result.found()[4].voxels
    paint(ours(dock, "seg"), [DARK], 4)
    dock.control.edits.look()
    assert dock.control.result.found()[4].voxels == before + 1
    assert ours(dock, "seg").features["voxels"][3] == before + 1


def test_strokes_clicks_and_accepts_are_undone_one_by_one(dock: Any) -> None:
    click(dock, BRIGHT)
    states = [ours(dock, "preview").data.copy()]
    paint(ours(dock, "preview"), [DARK], 3)
    dock.control.edits.look()
    states.append(ours(dock, "preview").data.copy())
    click(dock, (10, 15, 26))
    states.append(ours(dock, "preview").data.copy())
    dock.control.accept()
    np.testing.assert_array_equal(ours(dock, "seg").data, states[2])
    for state in reversed(states):
        dock.control.undo()
        np.testing.assert_array_equal(ours(dock, "preview").data, state)
        assert not ours(dock, "seg").data.any()
    dock.control.undo()
    assert ours(dock, "preview") is None
    for state in states:
        dock.control.redo()
        np.testing.assert_array_equal(ours(dock, "preview").data, state)
    dock.control.redo()
    assert ours(dock, "preview") is None
    np.testing.assert_array_equal(ours(dock, "seg").data, states[2])


def test_undo_of_accept_says_what_is_there_now(dock: Any) -> None:
    segment(dock)
    (name, _), *_ = sizes_of(dock.control.result)
    dock.control.accept()
    dock.control.undo()
    assert dock.control.status.state is State.PREVIEW
    assert dock.control.status.sentence.startswith(f"Undid Accept. Preview: {name}, ")
    dock.control.redo()
    assert dock.control.status.sentence.startswith("Redid Accept. Accepted: ")


def test_undo_of_accept_leaves_what_was_painted_since(dock: Any) -> None:
    segment(dock)
    dock.control.accept()
    seg = ours(dock, "seg")
    paint(seg, [DARK], 4)
    dock.control.edits.look()
    dock.control.undo()
    assert seg.data[DARK] == 0 and seg.data.any(), "the stroke first"
    dock.control.undo()
    assert not seg.data.any()


def test_discard_can_be_undone(dock: Any) -> None:
    segment(dock)
    shown = ours(dock, "preview").data.copy()
    dock.control.discard()
    dock.control.undo()
    np.testing.assert_array_equal(ours(dock, "preview").data, shown)
    assert ours(dock, "tokens") is not None


def test_discard_leaves_what_was_accepted(dock: Any) -> None:
    click(dock, BRIGHT)
    dock.control.accept()
    click(dock, (10, 15, 26))
    dock.control.discard()
    assert dock.control.result.accepted and ours(dock, "seg").data.any()
    assert dock.control.status.sentence.startswith("Discarded the preview. Accepted: hippocampus, ")


def test_nothing_is_left_to_undo_or_redo(dock: Any) -> None:
    dock.control.undo()
    assert dock.control.status.sentence == "Nothing to undo."
    dock.control.redo()
    assert dock.control.status.sentence == "Nothing to redo."


def test_what_was_painted_survives_another_run(dock: Any) -> None:
    segment(dock)
    paint(ours(dock, "preview"), [DARK], 3)
    segment(dock)
    assert ours(dock, "preview").data[DARK] == 3 and dock.control.result.labels[DARK] == 3


def test_an_erased_preview_is_neither_accepted_nor_exported(dock: Any, tmp_path: Any) -> None:
    segment(dock)
    preview = ours(dock, "preview")
    paint(preview, list(map(tuple, np.argwhere(preview.data))), 0)
    dock.control.accept()
    assert dock.control.status.sentence == "Nothing to accept: the preview is empty."
    assert ours(dock, "seg") is None
    dock.control.export(tmp_path / "out.nii.gz")
    dock.queue.run_all()
    assert dock.control.status.sentence == "Nothing to export: there are no labels."
    assert list(tmp_path.iterdir()) == []


def test_accepting_what_is_there_already_says_so(dock: Any) -> None:
    segment(dock)
    dock.control.accept()
    segment(dock)
    dock.control.accept()
    assert dock.control.status.sentence.startswith("Nothing was accepted into 'ct [SCD seg]': every voxel")
    assert ours(dock, "preview") is not None, "nothing is lost"


def test_export_after_undo_writes_the_preview_and_says_so(dock: Any, tmp_path: Any) -> None:
    import nibabel as nib

    segment(dock)
    dock.control.accept()
    dock.control.undo()
    dock.control.export(tmp_path / "out.nii.gz")
    dock.queue.run_all()
    written = np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj)
    assert int((written > 0).sum()) == int((ours(dock, "preview").data > 0).sum()) > 0
    assert dock.control.status.sentence.endswith(
        "The preview was saved too, although it is not accepted yet."
    )


def test_export_writes_the_segmentation_with_the_preview_on_top(dock: Any, tmp_path: Any) -> None:
    import nibabel as nib

    click(dock, BRIGHT)
    dock.control.accept()
    paint(ours(dock, "seg"), [DARK], 4)
    click(dock, (10, 15, 26))
    dock.control.export(tmp_path / "out.nii.gz")
    dock.queue.run_all()
    written = np.asarray(nib.load(tmp_path / "out.nii.gz").dataobj)
    both = (ours(dock, "seg").data > 0) | (ours(dock, "preview").data > 0)
    assert int((written > 0).sum()) == int(both.sum()) and (written == 4).sum() == 1


def test_the_provenance_is_the_whole_story(dock: Any, tmp_path: Any) -> None:
    segment(dock)
    dock.control.slider.set_keep(0.25)
    dock.control.slider.settle()
    dock.queue.run_all()
    click(dock, BRIGHT)  # removes it
    click(dock, BRIGHT)
    paint(ours(dock, "preview"), [DARK], 3)
    dock.control.accept()
    paint(ours(dock, "seg"), [(1, 1, 2)], 4)
    dock.control.export(tmp_path / "out.nii.gz")
    dock.queue.run_all()
    story = json.loads((tmp_path / "out.json").read_text())
    assert [entry["action"] for entry in story["history"]] == [
        "segment", "keep slider", "remove", "click", "paint", "accept", "paint",
    ]  # fmt: skip
    whole, slider, _, clicked, stroke = story["history"][:5]
    assert whole["region"] == [[0, 24], [0, 28], [0, 32]] and whole["n_windows"] == 8
    assert slider["keep"] == [0.25] * 3 and slider["region"] != whole["region"]
    assert clicked["voxel"] == list(BRIGHT) and clicked["label"] == "hippocampus"
    assert stroke["voxels"] == {"left kidney": 1} and stroke["on"] == "preview"
    data = ours(dock, "seg").data
    assert [one["voxels"] for one in story["structures"]] == [int((data == i).sum()) for i in (1, 2, 3, 4)]


def test_undone_steps_are_not_part_of_the_story(dock: Any, tmp_path: Any) -> None:
    segment(dock)
    click(dock, BRIGHT)
    dock.control.undo()
    assert [entry["action"] for entry in dock.control.result.history] == ["segment"]


def test_a_new_step_forgets_the_undone_ones() -> None:
    steps = UndoSteps()
    for name in ("a", "b"):
        steps.add(UndoStep(name, Shown(), Shown()))
    assert steps.undo().name == "b"  # type: ignore[union-attr]
    steps.add(UndoStep("c", Shown(), Shown()))
    assert steps.redo() is None and steps.undo().name == "c"  # type: ignore[union-attr]


@pytest.mark.parametrize("label", [3, 0])
def test_removing_a_structure_forgets_what_was_painted_onto_it(dock: Any, label: int) -> None:
    segment(dock)
    own = int(ours(dock, "preview").data[BRIGHT])
    paint(ours(dock, "preview"), [DARK], own)
    paint(ours(dock, "preview"), [(1, 1, 3)], label)
    click(dock, BRIGHT)
    data = ours(dock, "preview").data
    assert data[BRIGHT] == 0 and data[DARK] == 0 and data[1, 1, 3] == label
