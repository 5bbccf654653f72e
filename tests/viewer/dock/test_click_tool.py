from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.dock.click_tool import ClickTool

from ..conftest import blob


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


def test_a_short_right_click_and_x_held_exclude(model: Any) -> None:
    image = model.add_image(blob())
    heard = SimpleNamespace(clicks=[], excluded=[], x_held=False)
    made = ClickTool(
        model,
        lambda: (image, []),
        lambda *click: heard.clicks.append(click),
        lambda why: None,
        heard.excluded.append,
        lambda: heard.x_held,
    )
    made.start()
    mouse = Mouse(model, made)
    mouse.click((3, 4, 5), button=2)
    mouse.click((3, 4, 5), button=2, drag_px=20)
    heard.x_held = True
    mouse.click((6, 4, 5))
    assert heard.excluded == [(3, 4, 5), (6, 4, 5)] and heard.clicks == []


def test_a_brush_dab_on_our_own_labels_is_no_click_and_no_error(model: Any) -> None:
    image, labels = model.add_image(blob()), model.add_labels(np.zeros((24, 28, 32), np.uint8))
    heard = SimpleNamespace(clicks=[], refusals=[])
    made = ClickTool(
        model, lambda: (image, [labels]), lambda *click: heard.clicks.append(click), heard.refusals.append
    )
    made.start()
    labels.mode = "paint"
    Mouse(model, made).click((3, 4, 5))
    assert heard.clicks == [] and heard.refusals == []
