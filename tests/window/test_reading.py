"""What helps to read a scan, in a real window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from napari_scd.viewer.state import State  # noqa: E402

from .conftest import Window, scan  # noqa: E402

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]


def letters(window: Window) -> str:
    """Letters on the canvas: top, bottom, left, right."""
    overlays = window.viewer.canvas.overlays
    shown = [overlays[f"scd_{edge}"] for edge in ("top", "bottom", "left", "right")]
    return " ".join(overlay.text for overlay in shown if overlay.visible)


def test_letters_and_the_orientation_in_words(open_window: Any) -> None:
    window: Window = open_window(**scan())
    window.use("aa-whole")
    assert letters(window) == "A? P? R? L?"
    assert "head and feet" in window.part("warnings").toolTip()
    window.part("advanced").expand(animate=False)
    window.part("orientation.by_file").click()
    window.wait(State.READY)
    assert letters(window) == "A P R L" and not window.part("warnings").isVisible()
    window.choose("orientation.left", "patient's left")
    window.wait(State.READY)
    assert letters(window) == "A P L R"
    window.part("orientation.picture").repaint()
    window.shoot("orientation")
    window.press("view.sagittal")
    assert letters(window) == "S I A P"
    window.press("view.3d")
    assert letters(window) == ""
    window.press("view.axial")
    assert letters(window) == "A P R L", "the camera turns: the patient's right is on the left again"
    other = window.viewer.add_image(scan()["data"] + 1, name="other", scale=(2, 2, 2), units="mm")
    window.choose("volume", "other")
    window.wait(State.READY)
    assert letters(window).count("?") == 4, "what was said of one scan is not true of another"
    window.choose("volume", "scan")
    window.wait(State.READY)
    assert letters(window) == "A P R L"
    window.viewer.layers.clear()
    window.until(lambda: letters(window) == "")
    assert other not in window.viewer.layers
    window.widget.tear_down()
    assert not any(name.startswith("scd_") for name in window.viewer.canvas.overlays)


def test_ct_windows_for_ct_only(open_window: Any) -> None:
    hounsfield = scan()["data"] * 12 - 1000
    window: Window = open_window(**scan() | {"data": hounsfield})
    window.use("aa-whole")
    image = window.viewer.layers["scan"]
    opened = tuple(image.contrast_limits)
    assert window.part("ct_window").isVisible()
    window.choose("ct_window", "Lung")
    assert tuple(image.contrast_limits) == (-1350, 150)
    window.choose("ct_window", "As opened")
    assert tuple(image.contrast_limits) == opened
    image.contrast_limits = (0, 80)
    assert window.part("ct_window").currentText().startswith("Brain")
    window.viewer.add_image(np.abs(hounsfield), name="mr", scale=(2, 2, 2), units="mm")
    window.choose("volume", "mr")
    window.wait(State.READY)
    assert not window.part("ct_window").isVisible()
