"""What a user can get wrong with a promptable model in the dock: one sentence, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_scd.viewer.state import State

from ..conftest import PointedBackend, make_dock, two_balls
from .test_prompting import ONE, THREE, TWO, click, exclude, preview, rows, say

if TYPE_CHECKING:
    from collections.abc import Callable


def flat_box(dock: Any) -> None:
    dock.control.prompting.within((5, 5, 5), (5, 9, 9))


def box_beside(dock: Any) -> None:
    dock.control.prompting.within((90, 90, 90), (95, 95, 95))


def line_for_a_box(dock: Any) -> None:
    line = dock.viewer.add_shapes([np.array([[20, 6, 6], [20, 6, 20]])], shape_type="line", name="line")
    dock.control.limit(line)


def empty_stroke(dock: Any) -> None:
    dock.control.prompting.include()


def outside(dock: Any) -> None:
    dock.control.click((20, 16, 99))


def excluded_twice_over(dock: Any) -> None:
    dock.control.exclude(ONE)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (outside, "The point at voxel (20, 16, 99) lies outside the scan of 40 x 48 x 56 voxels"),
        (excluded_twice_over, "is both included and excluded: remove one of the two."),
        (flat_box, "The box has no volume"),
        (line_for_a_box, "The box has no volume"),
        (box_beside, "lies outside the scan of 40 x 48 x 56 voxels"),
        (empty_stroke, "The stroke is empty"),
    ],
)
def test_prompts_that_cannot_be_answered(pointed: Any, wrong: Callable[[Any], None], said: str) -> None:
    click(pointed, ONE)
    before = preview(pointed).data.copy()
    wrong(pointed)
    pointed.queue.run_all()
    assert pointed.control.status.state is State.ERROR and said in say(pointed), say(pointed)
    assert np.array_equal(preview(pointed).data, before) and rows(pointed)[0].n_prompts == 1
    exclude(pointed, THREE)
    assert rows(pointed)[0].n_prompts == 2, "and it goes on"


def test_only_exclude_clicks(pointed: Any) -> None:
    exclude(pointed, ONE)
    assert say(pointed) == "There is no object yet: click what you want to segment."
    click(pointed, ONE)
    pointed.control.prompting.new_object()
    exclude(pointed, TWO)
    assert "no object" in say(pointed) and len(rows(pointed)) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (np.full((20, 24, 18), 7, np.int16), "Every voxel of the image is 7, so there is nothing to tell"),
        (np.zeros((20, 24)), "is 2D (20x24): open the whole volume (3D)."),
        (np.zeros((1, 20, 24)), "is a single slice (1x20x24): open the whole volume (3D)."),
        (np.zeros((20, 24, 18, 3), np.uint8), "is a colour image: convert it to grey values"),
    ],
)
def test_images_without_anything_to_click(pointed: Any, data: np.ndarray, said: str) -> None:
    click(pointed, ONE)
    before = preview(pointed).data.copy()
    bad = pointed.viewer.add_image(data, name="bad", rgb=data.ndim == 4)
    pointed.choices.volumes = (bad.unique_id,)
    pointed.control.source.refresh()
    pointed.queue.run_all()
    click(pointed, (0, 5, 5))
    assert said in say(pointed) and pointed.control.prompting.waiting == 0
    pointed.choices.volumes = (pointed.image.unique_id,)
    pointed.control.source.refresh()
    pointed.queue.run_all()
    assert np.array_equal(preview(pointed).data, before) and rows(pointed)[0].n_prompts == 1


def test_a_structure_larger_than_the_scan_is_cut_and_said_so(model: Any) -> None:
    part = two_balls()[:, 12:20]
    dock = make_dock(model, backend=PointedBackend(), promptable="fake", data=part, scale=(1, 1, 1))
    click(dock, (20, 4, 16))
    assert "reaches the edge of the scan" in say(dock)
    assert preview(dock).data[20, 0, 16] == 1 and rows(dock)[0].n_prompts == 1
