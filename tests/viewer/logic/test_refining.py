"""Objects that start from a mask or a box, names that are offered, and the model that answers instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.logic.scan_object import free_label, unused_name
from napari_scd.viewer.state import State

from ..conftest import TABLE, PointedBackend, ball, make_dock, two_balls
from .test_prompting import ONE, THREE, TWO, click, exclude, preview, rows, say


def source(dock: Any, start: str) -> Any:
    found = [one for one in dock.control.refining.sources() if one.title.startswith(start)]
    assert found, [one.title for one in dock.control.refining.sources()]
    return found[0]


def test_a_label_of_any_labels_layer_is_refined(pointed: Any) -> None:
    mask = np.zeros((40, 48, 56), np.uint16)
    mask[ball(mask.shape, (20, 16, 16), 8) | ball(mask.shape, (20, 34, 16), 9.5)] = 7
    pointed.viewer.add_labels(mask, name="drawn")
    pointed.control.refining.start(source(pointed, "label 7 (drawn)"))
    assert np.array_equal(preview(pointed).data > 0, mask > 0)
    (row,) = rows(pointed)
    assert (row.name, row.n_prompts, row.current) == ("drawn", 0, True)
    assert say(pointed).startswith("Drawn, ") and "right click removes" in say(pointed)
    exclude(pointed, THREE)
    assert preview(pointed).data[THREE] == 0 and preview(pointed).data[ONE] == 1
    pointed.control.undo()
    assert preview(pointed).data[THREE] == 1
    pointed.control.undo()
    assert preview(pointed) is None and mask[ONE] == 7, "and the mask is as it was"


def test_a_mask_on_another_grid_is_refused_in_one_sentence(pointed: Any) -> None:
    pointed.viewer.add_labels(np.ones((10, 10, 10), np.uint8), name="small")
    pointed.control.refining.start(source(pointed, "label 1 (small)"))
    assert pointed.control.status.state is State.ERROR
    assert "10 x 10 x 10 voxels, the scan has 40 x 48 x 56" in say(pointed)


def test_an_accepted_object_is_refined_in_its_place(pointed: Any) -> None:
    click(pointed, ONE)
    pointed.control.prompted.rename(1, "ball")
    pointed.control.accept()
    pointed.control.refining.start(source(pointed, "ball (ct [SCD seg])"))
    exclude(pointed, THREE)
    pointed.control.accept()
    seg = pointed.control.store.ours(pointed.image.unique_id, "seg")
    assert seg.data[ONE] == 1 and seg.data[THREE] == 0
    assert [row.name for row in rows(pointed)] == ["ball"]


def test_a_box_limits_the_object(pointed: Any) -> None:
    click(pointed, ONE)
    shapes = pointed.viewer.add_shapes(
        [np.array([[20, 6, 6], [20, 6, 27], [20, 25, 27], [20, 25, 6]])], shape_type="rectangle", name="mine"
    )
    pointed.control.limit(shapes)
    pointed.queue.run_all()
    assert say(pointed).startswith("Box, 21 mm deep")
    assert preview(pointed).data[ONE] == 1 and preview(pointed).data[THREE] == 0
    boxes = pointed.control.store.ours(pointed.image.unique_id, "boxes")
    assert len(boxes.data) == 3 and sorted({int(box[0, 0]) for box in boxes.data}) == [10, 20, 30]
    pointed.control.undo()
    assert pointed.control.store.ours(pointed.image.unique_id, "boxes") is None
    empty = pointed.viewer.add_shapes(name="nothing", ndim=3)
    pointed.control.limit(empty)
    assert "holds no rectangle" in say(pointed)


class NamedBackend(PointedBackend):
    """A model with names that knows nothing here, and a promptable one beside it."""

    def __init__(self) -> None:
        super().__init__("whole")
        self.knows = False

    def click(self, view: Any, choices: Any, places: Any, progress: Any, cancel: Any) -> list[Any]:
        answers = super().click(view, choices, places, progress, cancel)
        return answers if self.knows else [answer._replace(label=0) for answer in answers]


@pytest.fixture
def named(model: Any) -> Any:
    dock = make_dock(model, backend=NamedBackend(), promptable="any.safetensors", data=two_balls())
    assert not dock.control.state.is_promptable
    return dock


def test_what_the_chosen_model_does_not_know_the_promptable_one_answers(named: Any) -> None:
    click(named, TWO)
    assert say(named).startswith(
        "fake knows 4 structures, none of them here; the model 'any' answered instead: object 1, "
    )
    assert preview(named).data[TWO] == 5, "a label the chosen model has no use for"
    named.control.prompting.new_object()
    click(named, ONE)
    exclude(named, THREE)
    assert [row.n_prompts for row in rows(named)] == [1, 2]
    named.control.segment()
    named.queue.run_all()
    assert [row.n_prompts for row in rows(named)] == [1, 2], "a run over the volume keeps the objects"
    assert {row.label for row in rows(named)}.isdisjoint(TABLE.indices)
    assert set(np.unique(preview(named).data)) >= {1, 2, 5, 6}


def test_a_structure_with_a_name_is_clicked_beside_an_object(named: Any) -> None:
    click(named, TWO)
    named.backend.knows = True
    click(named, ONE)
    assert [(row.name, row.label, row.current) for row in rows(named)] == [("object 1", 5, False)]
    assert preview(named).data[TWO] == 5 and preview(named).data[ONE] in (1, 2)
    assert "hippocampus" in say(named)


def test_without_a_promptable_model_the_status_says_what_the_chosen_one_knows(named: Any) -> None:
    named.choices.promptable = None
    click(named, TWO)
    assert say(named).startswith("fake knows 4 structures; ") and "A promptable model would" in say(named)
    assert not preview(named).data.any()
    named.control.exclude(ONE)
    assert say(named) == "There is no object yet: click what you want to segment."


def test_a_name_is_offered_where_a_model_with_names_found_something(pointed: Any, model: Any) -> None:
    named = make_dock(model, data=two_balls(), backend=PointedBackend("whole"), promptable="any")
    named.control.segment()
    named.queue.run_all()
    assert preview(named).data[ONE] in (1, 2)
    named.choices.model = "any"
    named.control.source.refresh()
    named.queue.run_all()
    click(named, TWO)
    assert rows(named)[-1].guess in TABLE.names
    named.control.prompted.rename(rows(named)[-1].label, rows(named)[-1].guess)
    assert rows(named)[-1].guess == "" and rows(named)[-1].name.endswith("hippocampus 2")


def test_a_label_of_the_preview_is_refined_as_that_structure(model: Any) -> None:
    dock = make_dock(model, data=two_balls(), backend=PointedBackend("whole"), promptable="any")
    dock.control.segment()
    dock.queue.run_all()
    before = preview(dock).data.copy()
    assert before[TWO] == 2
    dock.choices.model = "any"
    dock.control.source.refresh()
    dock.queue.run_all()
    assert dock.control.status.state is State.PREVIEW, "what is there is gone on with"
    dock.control.refining.start(source(dock, "posterior hippocampus ("))
    assert np.array_equal(preview(dock).data, before), "the others stay, and so does its number"
    exclude(dock, TWO)
    assert preview(dock).data[TWO] == 0 and preview(dock).data[ONE] == before[ONE]
    assert [row.name for row in rows(dock)] == ["posterior hippocampus"]


def test_clicks_are_repeated_on_request(pointed: Any) -> None:
    click(pointed, ONE)
    pointed.control.prompting.new_object()
    click(pointed, TWO)
    n_asked = pointed.backend.calls.count("prompt")
    pointed.control.replay()
    pointed.queue.run_all()
    assert pointed.backend.calls.count("prompt") == n_asked + 1
    assert preview(pointed).data[ONE] == 1 and preview(pointed).data[TWO] == 2
    pointed.control.discard()
    pointed.control.replay()
    assert say(pointed).startswith("There are no clicks to repeat")


def test_names_and_labels_that_are_free() -> None:
    assert unused_name("a", ["A", "a 2"]) == "a 3"
    assert free_label(range(1, 256)) == 0
