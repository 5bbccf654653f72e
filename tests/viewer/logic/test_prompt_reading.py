"""Prompts files that are read into the dock: names, labels, wrong files, and what is there already."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_scd.viewer.state import State

from .test_prompting import ONE, THREE, TWO, click, exclude, preview, rows, say

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def points(*places: Any, kind: str = "include") -> list[dict[str, Any]]:
    return [{"kind": kind, "points": [place]} for place in places]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A ball with a correction, and another ball, in voxels."""
    balls = [
        {"name": "ball", "label": 7, "prompts": points(ONE) + points(THREE, kind="exclude")},
        {"name": "other ball", "prompts": points(TWO)},
    ]
    path = tmp_path / "balls.json"
    path.write_text(json.dumps({"unit": "voxel", "objects": balls}))
    return path


def read(dock: Any, path: Any) -> None:
    dock.control.reading.read(path)
    dock.queue.run_all()


def test_a_file_written_by_hand_is_answered(pointed: Any, written: Path) -> None:
    read(pointed, written)
    assert say(pointed).startswith("Read 2 objects from balls.json. Other ball, ")
    assert [(row.label, row.name, row.n_prompts) for row in rows(pointed)] == [
        (7, "ball", 2),
        (2, "other ball", 1),
    ]
    assert preview(pointed).data[ONE] == 7 and preview(pointed).data[TWO] == 2
    assert preview(pointed).data[THREE] == 0
    crosses = pointed.control.store.ours(pointed.image.unique_id, "clicks")
    assert list(crosses.features["kind"]) == ["include", "exclude", "include"]
    exclude(pointed, (20, 16, 44))
    assert [row.n_prompts for row in rows(pointed)] == [2, 2], "the last object goes on"


def test_what_is_there_keeps_its_label_and_its_name(pointed: Any, written: Path) -> None:
    click(pointed, TWO)
    pointed.control.prompted.rename(1, "ball")
    read(pointed, written)
    read(pointed, written)
    assert [(row.label, row.name) for row in rows(pointed)] == [
        (1, "ball"),
        (7, "ball 2"),
        (2, "other ball"),
        (3, "ball 3"),
        (4, "other ball 2"),
    ]
    pointed.control.undo()
    pointed.control.undo()
    assert [row.name for row in rows(pointed)] == ["ball"]


def test_clicks_given_meanwhile_make_an_object_of_their_own(pointed: Any, written: Path) -> None:
    values = json.loads(written.read_text())
    values["objects"][0]["label"] = 1
    written.write_text(json.dumps(values))
    pointed.control.reading.read(written)
    pointed.queue.begin()
    pointed.control.click(TWO)
    pointed.queue.finish()
    pointed.queue.run_all()
    assert [(row.label, row.name, row.n_prompts) for row in rows(pointed)] == [
        (2, "ball", 2),
        (3, "other ball", 1),
        (1, "object 1", 1),
    ]


def test_reading_is_stopped(pointed: Any, written: Path) -> None:
    pointed.control.reading.read(written)
    pointed.queue.begin()
    pointed.control.cancel()
    pointed.queue.finish()
    pointed.queue.run_all()
    assert rows(pointed) == [] and preview(pointed) is None
    assert say(pointed).startswith("Stopped after 0 of 2 objects from balls.json.")


GRID = {"shape": [40, 48, 56], "affine": np.eye(4).tolist()}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: values.clear(), "There are no objects"),
        (lambda values: values.update(grid=GRID | {"shape": [9, 9, 9]}), "another scan (of 9 x 9 x 9 voxels"),
        (
            lambda values: values.update(grid=GRID | {"affine": np.diag([2.0, 1, 1, 1]).tolist()}),
            "another scan (with as many voxels as this one, in other places)",
        ),
        (lambda values: values.update(grid=[1, 2]), "The 'grid' of the prompts cannot be read"),
        (lambda values: values.update(grid=GRID | {"shape": [1e400, 1, 1]}), "cannot be read"),
        (
            lambda values: values["objects"][1].update(prompts=points((20, 16, 99))),
            "Object 'other ball': The point at voxel (20, 16, 99) lies outside the scan",
        ),
        (
            lambda values: values["objects"][0].update(prompts=points(ONE, kind="exclude")),
            "Object 'ball': There are only exclude prompts",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_nothing_is_lost(
    pointed: Any, written: Path, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    click(pointed, ONE)
    before = preview(pointed).data.copy()
    values = json.loads(written.read_text())
    change(values)
    written.write_text(json.dumps(values))
    read(pointed, written)
    assert pointed.control.status.state is State.ERROR and said in say(pointed)
    assert np.array_equal(preview(pointed).data, before) and len(rows(pointed)) == 1


def test_a_file_of_the_same_grid_and_one_that_is_no_json(pointed: Any, written: Path, tmp_path: Path) -> None:
    values = json.loads(written.read_text()) | {"grid": GRID}
    written.write_text(json.dumps(values))
    read(pointed, written)
    assert len(rows(pointed)) == 2
    for text in (None, "{", "a scan"):
        path = tmp_path / "wrong.json"
        if text is not None:
            path.write_text(text)
        read(pointed, path)
        assert pointed.control.status.state is State.ERROR and "wrong.json" in say(pointed)
    assert len(rows(pointed)) == 2


def test_without_an_image_or_a_promptable_model(pointed: Any, written: Path) -> None:
    pointed.choices.promptable = None
    read(pointed, written)
    assert "choose a promptable one" in say(pointed)
    pointed.viewer.layers.remove(pointed.image)
    pointed.control.layers_changed()
    pointed.control.source.refresh()
    read(pointed, written)
    assert pointed.control.status.state is State.NO_IMAGE
