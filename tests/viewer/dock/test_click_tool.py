from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.dock.click_tool import ClickTool, voxel_under

from ..conftest import blob
from ..layers.test_source_view import PLACES


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_a_click_in_2d_finds_its_voxel(model: Any, place: dict[str, Any]) -> None:
    image = model.add_image(blob(), **place)
    for index in [(3, 4, 5), (20, 27, 0)]:
        world = np.asarray(image.data_to_world(index))
        assert voxel_under(image, [], world, None, [1, 2]) == index


def test_a_click_outside_finds_none(model: Any) -> None:
    image = model.add_image(blob())
    assert voxel_under(image, [], np.array([5.0, -3, 5]), None, [1, 2]) is None


def test_a_click_in_a_4d_viewer_finds_the_voxel_of_a_3d_image(model: Any) -> None:
    image = model.add_image(blob(), scale=(2, 1, 1))
    model.add_image(np.zeros((3, 8, 8, 8)))
    assert voxel_under(image, [], np.array([1.0, 8, 5, 6]), None, [2, 3]) == (4, 5, 6)


def test_a_ray_takes_the_brightest_voxel(model: Any) -> None:
    data = np.zeros((10, 12, 14))
    data[3, 5, 6] = 1
    image = model.add_image(data, scale=(2, 1, 1))
    model.dims.ndisplay = 3
    position, direction = np.array([-50.0, 5, 6]), np.array([1.0, 0, 0])
    assert voxel_under(image, [], position, direction, [0, 1, 2]) == (3, 5, 6)
    assert voxel_under(image, [], position + [0, 40, 0], direction, [0, 1, 2]) is None


def test_a_ray_takes_the_surface_it_sees(model: Any) -> None:
    data = np.zeros((10, 12, 14))
    data[3:6, 5, 6] = 1
    data[8, 5, 6] = 5
    image = model.add_image(data, rendering="iso", iso_threshold=0.5)
    model.dims.ndisplay = 3
    position, direction = np.array([-50.0, 5, 6]), np.array([1.0, 0, 0])
    assert voxel_under(image, [], position, direction, [0, 1, 2]) == (3, 5, 6)


def test_a_ray_takes_labels_before_the_image(model: Any) -> None:
    image = model.add_image(blob((10, 12, 14)))
    labels = np.zeros((10, 12, 14), np.uint8)
    labels[7, 5, 6] = 1
    drawn = model.add_labels(labels)
    model.dims.ndisplay = 3
    position, direction = np.array([-50.0, 5, 6]), np.array([1.0, 0, 0])
    assert voxel_under(image, [drawn], position, direction, [0, 1, 2]) == (7, 5, 6)


class Mouse:
    """A click as napari tells it: press, perhaps moves, release."""

    def __init__(self, model: Any, tool: ClickTool) -> None:
        self.model, self.tool = model, tool

    def click(self, position: Any, *, drag_px: float = 0, button: int = 1, modifiers: Any = ()) -> None:
        event = SimpleNamespace(
            type="mouse_press",
            button=button,
            pos=np.array([10.0, 10]),
            position=position,
            view_direction=None,
            dims_displayed=[1, 2],
            modifiers=modifiers,
        )
        callback = self.model.mouse_drag_callbacks[-1]
        steps = callback(self.model, event)
        for kind in ("mouse_press", "mouse_move", "mouse_release"):
            event.type = kind
            event.pos = np.array([10.0 + (drag_px if kind == "mouse_move" else 0), 10])
            if next(steps, "ended") == "ended":
                return


@pytest.fixture
def tool(model: Any) -> Any:
    image = model.add_image(blob())
    heard = SimpleNamespace(clicks=[], refusals=[])
    made = ClickTool(
        model, lambda: (image, []), lambda *click: heard.clicks.append(click), heard.refusals.append
    )
    made.start()
    return SimpleNamespace(tool=made, heard=heard, mouse=Mouse(model, made), model=model, image=image)


def test_a_click_is_heard_and_shift_takes_everything(tool: Any) -> None:
    tool.mouse.click((3, 4, 5))
    tool.mouse.click((3, 4, 5), modifiers=(SimpleNamespace(name="Shift"),))
    assert tool.heard.clicks == [((3, 4, 5), False), ((3, 4, 5), True)]


def test_a_small_tremble_is_a_click_and_a_drag_is_none(tool: Any) -> None:
    tool.mouse.click((3, 4, 5), drag_px=2)
    tool.mouse.click((3, 4, 5), drag_px=20)
    tool.mouse.click((3, 4, 5), button=2)
    assert len(tool.heard.clicks) == 1


def test_painting_comes_first(tool: Any) -> None:
    painted = tool.model.add_labels(np.zeros((24, 28, 32), np.uint8), name="mine")
    painted.mode = "paint"
    tool.mouse.click((3, 4, 5))
    assert tool.heard.clicks == [] and "'mine' is in paint mode" in tool.heard.refusals[0]


def test_outside_is_refused_with_a_sentence(tool: Any) -> None:
    tool.mouse.click((3, -4, 5))
    assert "outside" in tool.heard.refusals[0]


def test_the_cross_stays_while_on_and_goes_after(tool: Any) -> None:
    n_callbacks = len(tool.model.mouse_drag_callbacks)
    assert str(tool.model.cursor.style) == "cross"
    tool.model.cursor.style = "standard"
    assert str(tool.model.cursor.style) == "cross"
    tool.tool.start()
    assert len(tool.model.mouse_drag_callbacks) == n_callbacks, "starting twice listens once"
    tool.tool.stop()
    assert str(tool.model.cursor.style) == "standard"
    assert len(tool.model.mouse_drag_callbacks) == n_callbacks - 1
