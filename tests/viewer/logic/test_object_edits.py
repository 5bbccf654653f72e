"""Edits of one object's shape: legend, undo, accept and provenance follow."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.logic.object_edits import EDIT_WORDS
from napari_scd.viewer.state import State
from napari_scd.volume import SHAPE_EDITS, ShapeEdit

from .test_controller import BRIGHT, DARK, ours, segment
from .test_edits import paint
from .test_prompting import ONE, THREE, exclude, preview, rows
from .test_prompting import click as clicked


def edit(dock: Any, kind: str, amount: float = 0.0, label: int = 1) -> None:
    dock.control.objects.apply(label, ShapeEdit(kind, amount))
    dock.queue.run_all()


def test_every_edit_has_its_words() -> None:
    assert set(EDIT_WORDS) == set(SHAPE_EDITS)


def test_growing_the_preview_is_counted_said_and_undone(dock: Any) -> None:
    told: list[Any] = []
    segment(dock)
    before = ours(dock, "preview").data.copy()
    dock.control.state.result_changed.connect(told.append)
    edit(dock, "grow", 1.0)
    after = ours(dock, "preview").data
    assert (after == 1).sum() > (before == 1).sum() and (after[before > 0] == before[before > 0]).all()
    assert not (after != before)[before == 2].any(), "other objects keep their voxels"
    assert told[-1].found()[1].voxels == (after == 1).sum() == ours(dock, "preview").features["voxels"][0]
    sentence = dock.control.status.sentence
    assert sentence.startswith("Grew anterior hippocampus by 1 mm: ") and "(was " in sentence
    dock.control.undo()
    np.testing.assert_array_equal(ours(dock, "preview").data, before)
    assert "Undid growing anterior hippocampus." in dock.control.status.sentence
    dock.control.redo()
    np.testing.assert_array_equal(ours(dock, "preview").data, after)


def test_voxels_are_measured_in_millimetres(dock: Any) -> None:
    segment(dock)  # voxels of 2 x 1 x 1 mm
    before = ours(dock, "preview").data == 1
    edit(dock, "grow", 0.9)
    added = (ours(dock, "preview").data == 1) & ~before
    along_z = np.diff(before.astype(int), axis=0, prepend=0, append=0)
    assert added.any() and along_z.any()
    assert not added[: np.flatnonzero(before.any(axis=(1, 2)))[0]].any(), "a slice is 2 mm away"


def test_the_segmentation_is_edited_where_there_is_no_preview(dock: Any, tmp_path: Any) -> None:
    segment(dock)
    dock.control.accept()
    seg = ours(dock, "seg")
    accepted = seg.data.copy()
    paint(seg, [DARK], 1)
    edit(dock, "keep largest part")
    np.testing.assert_array_equal(seg.data, accepted)
    assert ours(dock, "preview") is None and dock.control.result.found()[1].voxels == (accepted == 1).sum()
    dock.control.undo()
    assert seg.data[DARK] == 1
    dock.control.redo()
    assert seg.data[DARK] == 0
    dock.control.export(tmp_path / "out.nii.gz")
    dock.queue.run_all()
    entry = json.loads((tmp_path / "out.json").read_text())["history"][-1]
    assert entry["action"] == "keep largest part" and entry["on"] == "segmentation"
    assert entry["label"] == "anterior hippocampus" and entry["voxels"] == {"added": 0, "removed": 1}


def test_edits_are_accepted_and_survive_another_run(dock: Any) -> None:
    segment(dock)
    edit(dock, "shrink", 1.5)
    shrunk = ours(dock, "preview").data.copy()
    segment(dock)
    np.testing.assert_array_equal(ours(dock, "preview").data, shrunk)
    dock.control.accept()
    np.testing.assert_array_equal(ours(dock, "seg").data, shrunk)


def test_painted_slices_are_interpolated(dock: Any) -> None:
    segment(dock)
    for z in (2, 6):
        paint(ours(dock, "preview"), [(z, y, x) for y in range(2, 6) for x in range(2, 6)], 3)
    edit(dock, "interpolate slices", label=3)
    data = ours(dock, "preview").data
    assert [int((plane == 3).sum()) for plane in data[1:8]] == [0, 16, 16, 16, 16, 16, 0]


def test_what_changes_nothing_says_so_and_is_no_step(dock: Any) -> None:
    segment(dock)
    edit(dock, "fill holes")
    assert dock.control.status.sentence.startswith("Filling holes of anterior hippocampus changed nothing.")
    edit(dock, "grow", 0.1)
    assert dock.control.status.sentence.startswith("Growing anterior hippocampus by 0.1 mm changed nothing.")
    dock.control.undo()
    assert ours(dock, "preview") is None, "the run was the last step"


def test_an_edit_without_an_object_says_so(dock: Any) -> None:
    edit(dock, "smooth", 2.0)
    assert dock.control.status.sentence == "Nothing to edit: choose an object that is there."
    segment(dock)
    edit(dock, "smooth", 2.0, label=4)
    assert dock.control.status.sentence == "Nothing to edit: choose an object that is there."


def test_painting_while_an_edit_runs_is_not_lost(dock: Any) -> None:
    segment(dock)
    dock.control.objects.apply(1, ShapeEdit("grow", 1.0))
    paint(ours(dock, "preview"), [DARK], 3)
    dock.queue.run_all()
    assert ours(dock, "preview").data[DARK] == 3
    assert dock.control.status.sentence.startswith("The object changed meanwhile: edit it again.")


def test_a_cancelled_edit_changes_nothing(dock: Any) -> None:
    segment(dock)
    before, said = ours(dock, "preview").data.copy(), dock.control.status
    dock.control.objects.apply(1, ShapeEdit("smooth", 3.0))
    dock.control.objects.apply(2, ShapeEdit("grow", 3.0))
    dock.queue.begin()
    dock.control.cancel()
    assert dock.control.status.sentence == "Stopping: nothing will be changed."
    dock.queue.finish()
    dock.queue.run_all()
    assert dock.control.status.sentence.startswith("Stopped: nothing was changed. Preview: ")
    np.testing.assert_array_equal(ours(dock, "preview").data, before)
    dock.control.undo()
    assert ours(dock, "preview") is None, f"the run was the last step: {said.sentence}"


def test_an_edit_that_ends_while_it_is_cancelled_changes_nothing(dock: Any) -> None:
    segment(dock)
    before = ours(dock, "preview").data.copy()
    dock.control.objects.apply(1, ShapeEdit("grow", 3.0))
    job = dock.queue.begin()
    change = job.run(job.progressed, dock.queue.flag)
    dock.control.cancel()
    job.done(change)
    assert dock.control.status.sentence.startswith("Stopped: nothing was changed.")
    np.testing.assert_array_equal(ours(dock, "preview").data, before)


def test_an_edit_that_waits_can_be_cancelled(dock: Any) -> None:
    segment(dock)
    dock.control.source.replan()
    dock.queue.begin()
    dock.control.objects.apply(1, ShapeEdit("grow", 3.0))
    dock.control.cancel()
    assert dock.queue.waiting == ()
    assert dock.control.status.sentence.startswith("Stopped: nothing was changed. Preview: ")


@pytest.mark.parametrize("amount", [0.0, -2.0])
def test_an_amount_of_nothing_is_refused(dock: Any, amount: float) -> None:
    segment(dock)
    before = ours(dock, "preview").data.copy()
    edit(dock, "smooth", amount)
    assert dock.control.status.state is State.ERROR and "above zero" in dock.control.status.sentence
    np.testing.assert_array_equal(ours(dock, "preview").data, before)
    assert before[BRIGHT]


def test_a_clicked_object_is_edited_and_corrected_from_its_new_shape(pointed: Any, tmp_path: Any) -> None:
    control = pointed.control
    clicked(pointed, ONE)
    before = preview(pointed).data.copy()
    edit(pointed, "shrink", 2.0)
    shrunk = preview(pointed).data.copy()
    assert 0 < (shrunk > 0).sum() < (before > 0).sum()
    (row,) = rows(pointed)
    assert (row.n_prompts, row.current) == (0, True) and row.volume_ml == pytest.approx(shrunk.sum() / 1000)
    exclude(pointed, THREE)
    corrected = preview(pointed).data
    assert corrected[ONE] == 1 and corrected[THREE] == 0 and not (corrected & ~shrunk & 1).any()
    control.undo()
    np.testing.assert_array_equal(preview(pointed).data, shrunk)
    control.undo()
    np.testing.assert_array_equal(preview(pointed).data, before)
    assert rows(pointed)[0].n_prompts == 1, "its click is known again"
    control.redo()
    control.accept()
    np.testing.assert_array_equal(ours(pointed, "seg").data, shrunk)
    control.export(tmp_path / "out.nii.gz")
    pointed.queue.run_all()
    (one,) = json.loads((tmp_path / "out_prompts.json").read_text())["objects"]
    assert one["prompts"] == [] and one["previous"]


@pytest.mark.parametrize("way", ["edit", "paint"])
def test_an_accepted_object_goes_on_as_it_was_left(pointed: Any, way: str) -> None:
    clicked(pointed, ONE)
    pointed.control.accept()
    seg = ours(pointed, "seg")
    if way == "edit":
        edit(pointed, "shrink", 2.0)
    else:
        paint(seg, [(2, 2, 2)], 1)
    left = seg.data.copy()
    pointed.control.prompted.select(1)
    np.testing.assert_array_equal(preview(pointed).data, left)


def test_an_edit_that_leaves_nothing_is_not_done(dock: Any) -> None:
    segment(dock)
    before = ours(dock, "preview").data.copy()
    edit(dock, "shrink", 50.0)
    assert dock.control.status.sentence.startswith(
        "Shrinking anterior hippocampus by 50 mm would leave nothing of it: not done. Preview: "
    )
    np.testing.assert_array_equal(ours(dock, "preview").data, before)
