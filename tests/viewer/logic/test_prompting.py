"""The promptable model in the dock: clicks, objects, strokes, undo and accept, without a window."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_scd.viewer.state import State

ONE, TWO, THREE, NOWHERE = (20, 16, 16), (20, 16, 42), (20, 34, 16), (2, 2, 2)


def preview(dock: Any) -> Any:
    return dock.control.store.ours(dock.image.unique_id, "preview")


def click(dock: Any, *places: Any) -> None:
    for place in places:
        dock.control.click(place)
    dock.queue.run_all()


def exclude(dock: Any, place: Any) -> None:
    dock.control.exclude(place)
    dock.queue.run_all()


def rows(dock: Any) -> list[Any]:
    return dock.control.prompted.rows()


def say(dock: Any) -> str:
    return dock.control.status.sentence


def test_a_promptable_model_says_how_to_begin(pointed: Any) -> None:
    assert say(pointed) == "56x48x40 at 1x1x1 mm: press K, then click anything."
    assert not pointed.control.state.can_segment


def test_clicks_correct_one_object_and_are_taken_back_one_at_a_time(pointed: Any) -> None:
    control, image = pointed.control, pointed.image.data
    click(pointed, ONE)
    assert preview(pointed).data[ONE] == 1 and preview(pointed).data[THREE] == 1, "as bright as the click"
    assert preview(pointed).data[TWO] == 0
    (row,) = rows(pointed)
    assert (row.name, row.n_prompts, row.current) == ("object 1", 1, True)
    assert say(pointed).startswith("Object 1, ") and "after 1 prompt." in say(pointed)
    before = preview(pointed).data.copy()
    exclude(pointed, THREE)
    assert preview(pointed).data[THREE] == 0 and preview(pointed).data[ONE] == 1
    assert rows(pointed)[0].n_prompts == 2 and rows(pointed)[0].volume_ml < row.volume_ml
    control.undo()
    assert np.array_equal(preview(pointed).data, before) and rows(pointed)[0].n_prompts == 1
    assert say(pointed).startswith("Undid click 2 of object 1.")
    control.redo()
    assert preview(pointed).data[THREE] == 0 and rows(pointed)[0].n_prompts == 2
    control.undo()
    control.undo()
    assert preview(pointed) is None and rows(pointed) == []
    assert image is pointed.image.data


def test_a_click_that_changes_nothing_says_so(pointed: Any) -> None:
    click(pointed, ONE)
    assert "thing" not in say(pointed)
    exclude(pointed, NOWHERE)
    assert say(pointed).startswith("Nothing to remove there: object 1, ") and "after 2 prompts." in say(
        pointed
    )
    click(pointed, ONE)
    assert say(pointed).startswith("That changed nothing: object 1, ") and rows(pointed)[0].n_prompts == 3
    exclude(pointed, THREE)
    assert say(pointed).startswith("Object 1, ")


def test_a_click_while_another_is_computed_waits_its_turn(pointed: Any) -> None:
    control, queue = pointed.control, pointed.queue
    control.click(ONE)
    queue.begin()
    control.exclude(THREE)
    control.click((20, 16, 18))
    assert say(pointed) == "Segmenting what you clicked (2 more waiting)."
    assert control.prompting.waiting == 3
    queue.finish()
    queue.run_all()
    assert rows(pointed)[0].n_prompts == 3 and preview(pointed).data[THREE] == 0


def test_a_click_that_waits_or_runs_is_taken_back_first(pointed: Any) -> None:
    control, queue = pointed.control, pointed.queue
    click(pointed, ONE)
    control.exclude(THREE)
    queue.begin()
    control.click((20, 16, 18))
    control.undo()
    control.undo()
    queue.finish()
    queue.run_all()
    assert rows(pointed)[0].n_prompts == 1 and preview(pointed).data[THREE] == 1
    assert say(pointed).startswith("The click was withdrawn before it was answered.")
    control.exclude(THREE)
    control.undo()
    queue.run_all()
    assert rows(pointed)[0].n_prompts == 1, "one that had not begun"


def test_cancel_stops_the_click_and_forgets_those_behind_it(pointed: Any) -> None:
    control, queue = pointed.control, pointed.queue
    control.click(ONE)
    queue.begin()
    control.click(TWO)
    control.cancel()
    queue.finish()
    queue.run_all()
    assert rows(pointed) == [] and control.prompting.waiting == 0
    assert say(pointed).startswith("Stopped: the click was not taken, and nothing was changed.")


def test_a_new_object_is_started_and_an_earlier_one_continued(pointed: Any) -> None:
    control = pointed.control
    click(pointed, ONE)
    control.prompting.new_object()
    assert say(pointed).startswith("New object: click it.")
    click(pointed, TWO)
    assert preview(pointed).data[ONE] == 1 and preview(pointed).data[TWO] == 2
    assert preview(pointed).selected_label == 2, "the brush paints the current object"
    assert [row.current for row in rows(pointed)] == [False, True]
    control.prompted.select(1)
    assert [row.current for row in rows(pointed)] == [True, False]
    exclude(pointed, THREE)
    assert [row.n_prompts for row in rows(pointed)] == [2, 1]
    control.undo()
    control.undo()
    assert [row.name for row in rows(pointed)] == ["object 1"] and rows(pointed)[0].current is False


def test_a_new_object_asked_for_while_a_click_is_computed(pointed: Any) -> None:
    control, queue = pointed.control, pointed.queue
    control.click(ONE)
    queue.begin()
    control.prompting.new_object()
    control.click(TWO)
    queue.finish()
    queue.run_all()
    assert [row.n_prompts for row in rows(pointed)] == [1, 1]


def test_objects_are_named_and_removed(pointed: Any) -> None:
    control = pointed.control
    click(pointed, ONE)
    control.prompting.new_object()
    click(pointed, TWO)
    control.prompted.rename(1, "  left   ball ")
    control.prompted.rename(2, "Left ball")
    assert [row.name for row in rows(pointed)] == ["left ball", "Left ball 2"]
    assert list(preview(pointed).features["name"]) == ["left ball", "Left ball 2"]
    control.prompted.rename(1, " ")
    assert "needs a name" in say(pointed) and rows(pointed)[0].name == "left ball"
    control.prompted.remove(1)
    assert [row.label for row in rows(pointed)] == [2] and preview(pointed).data[ONE] == 0
    control.undo()
    assert [row.label for row in rows(pointed)] == [1, 2] and preview(pointed).data[ONE] == 1
    control.prompted.remove(1)
    control.prompted.remove(2)
    assert preview(pointed) is None
    control.undo()
    assert preview(pointed).data[TWO] == 2


def test_what_cannot_be_answered_is_one_sentence_and_nothing_is_lost(pointed: Any) -> None:
    control = pointed.control
    exclude(pointed, ONE)
    assert say(pointed) == "There is no object yet: click what you want to segment."
    click(pointed, ONE)
    before = preview(pointed).data.copy()
    exclude(pointed, ONE)
    assert control.status.state is State.ERROR and "both included and excluded" in say(pointed)
    click(pointed, (20, 16, 99))
    assert control.status.state is State.ERROR and "outside the scan" in say(pointed)
    pointed.backend.fail = MemoryError("no more")
    click(pointed, TWO)
    assert "Not enough memory" in say(pointed) and control.status.remedy is not None
    assert np.array_equal(preview(pointed).data, before) and rows(pointed)[0].n_prompts == 1
    exclude(pointed, THREE)
    assert rows(pointed)[0].n_prompts == 2, "and it goes on"
    pointed.backend.fail = RuntimeError("a hiccup")
    click(pointed, (20, 16, 18))
    assert control.status.remedy.text == "Try again" and rows(pointed)[0].n_prompts == 2
    control.remedy(control.status.remedy.action)
    pointed.queue.run_all()
    assert rows(pointed)[0].n_prompts == 3


def test_accept_gives_every_object_a_label_and_undo_brings_them_back(pointed: Any) -> None:
    control = pointed.control
    click(pointed, ONE)
    control.prompting.new_object()
    click(pointed, TWO)
    control.accept()
    seg = control.store.ours(pointed.image.unique_id, "seg")
    assert say(pointed).startswith("Accepted 2 objects, ")
    assert seg.data[ONE] == 1 and seg.data[TWO] == 2
    assert [row.accepted for row in rows(pointed)] == [True, True]
    click(pointed, (20, 34, 19))
    assert preview(pointed).data[THREE] == 3, "a label that is free in the segmentation"
    control.undo()
    control.undo()
    assert not seg.data.any() and [row.accepted for row in rows(pointed)] == [False, False]


def test_an_accepted_object_is_continued_in_its_place(pointed: Any) -> None:
    control = pointed.control
    click(pointed, ONE)
    control.prompted.rename(1, "ball")
    control.accept()
    control.prompted.select(1)
    exclude(pointed, THREE)
    assert rows(pointed)[0].n_prompts == 2, "its clicks are still known"
    control.accept()
    seg = control.store.ours(pointed.image.unique_id, "seg")
    assert seg.data[ONE] == 1 and seg.data[THREE] == 0, "protected labels, but it was asked for"
    assert [row.name for row in rows(pointed)] == ["ball"]
    control.prompted.rename(1, "round")
    assert list(seg.features["name"]) == ["round"]
    control.prompted.remove(1)
    assert not seg.data.any() and rows(pointed) == []
    control.undo()
    assert seg.data[ONE] == 1 and [row.name for row in rows(pointed)] == ["round"]


def test_clicks_are_kept_as_points_of_two_kinds(pointed: Any) -> None:
    click(pointed, ONE)
    exclude(pointed, THREE)
    points = pointed.control.store.ours(pointed.image.unique_id, "clicks")
    assert np.array_equal(points.data, [ONE, THREE])
    assert list(points.features["kind"]) == ["include", "exclude"]
    assert points.symbol[0] != points.symbol[1] and not np.allclose(*points.face_color)


def test_tokens_are_those_of_the_current_object_and_the_keep_slider_asks_again(pointed: Any) -> None:
    control = pointed.control
    click(pointed, ONE)
    first = control.result.tokens
    control.prompting.new_object()
    click(pointed, TWO)
    assert control.result.tokens is not first
    control.prompted.select(1)
    assert control.result.tokens is first
    control.slider.set_keep(0.25)
    control.slider.settle()
    pointed.queue.run_all()
    assert control.result.objects[0].keep == (0.25,) and control.result.objects[1].keep == (0.5,)
    assert rows(pointed)[0].n_prompts == 1
    control.compare()
    pointed.queue.run_all()
    assert say(pointed) == "object 1 at keep 0.50 agrees 0.93 (Dice) with all tokens."


def test_painting_and_erasing_are_strokes_of_the_object(pointed: Any) -> None:
    control = pointed.control
    click(pointed, ONE)
    layer = preview(pointed)
    layer.data[20, 30:38, 14:18] = 0
    control.edits.look()
    control.edits.look()
    pointed.queue.run_all()
    (one,) = control.result.objects
    assert [step.kind for step in one.prompts.steps] == ["include", "exclude"]
    assert len(one.prompts.excluded) == 32 and layer.data[THREE] == 0
    layer.data[20, 14:18, 40:44] = 1
    control.edits.look()
    pointed.queue.run_all()
    assert [step.kind for step in control.result.objects[0].prompts.steps][-1] == "include"
    control.undo()
    control.undo()
    assert layer.data[THREE] == 1 and layer.data[TWO] == 0 and not control.result.edits
    control.prompting.new_object()
    layer.data[20, 14:18, 40:44] = layer.selected_label
    control.edits.look()
    pointed.queue.run_all()
    assert [row.label for row in rows(pointed)] == [1, 2] and layer.data[TWO] == 2


def test_another_image_ends_the_object(pointed: Any) -> None:
    control, queue = pointed.control, pointed.queue
    click(pointed, ONE)
    control.click(TWO)
    queue.begin()
    pointed.image.data = pointed.image.data[::-1].copy()
    control.source.refresh()
    queue.finish()
    queue.run_all()
    assert control.prompting.waiting == 0 and control.status.state is State.STALE
    click(pointed, ONE)
    assert [row.n_prompts for row in rows(pointed)] == [1], "an object of its own"
    pointed.viewer.layers.remove(pointed.image)
    control.layers_changed()
    control.source.refresh()
    assert control.status.state is State.NO_IMAGE and rows(pointed) == []
    control.click(ONE)
    control.exclude(ONE)
    assert control.status.state is State.NO_IMAGE or "no object" in say(pointed)
