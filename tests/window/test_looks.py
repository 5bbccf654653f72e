"""The dock on both themes, narrow and wide, with large type and long names; the pictures are kept."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtWidgets import QApplication, QPushButton, QScrollArea  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402

from .conftest import Window, scan  # noqa: E402

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]

LONG = "sub-0123456789_ses-follow-up_acq-axial_rec-bone_run-02_T1w_defaced_and_resampled_to_1mm"


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("width", [300, 480])
@pytest.mark.parametrize("font_pt", [9, 14])
def test_nothing_is_cut_off(open_window: Any, theme: str, width: int, font_pt: int) -> None:
    window: Window = open_window(**scan())
    window.viewer.theme = theme
    window.viewer.layers["scan"].name = LONG
    window.use("aa-whole")
    window.widget.setStyleSheet(f"* {{ font-size: {font_pt}pt; }}")
    window.dock.setFixedWidth(width)
    window.press("run")
    window.wait(State.DONE)
    window.part("advanced").expand(animate=False)
    window.qtbot.wait(50)
    QApplication.processEvents()
    area = window.widget.findChild(QScrollArea)
    assert area.widget().minimumSizeHint().width() <= area.viewport().width(), "no sideways scrolling"
    for button in window.widget.findChildren(QPushButton):
        if button.isVisible():
            text = button.fontMetrics().horizontalAdvance(button.text().replace("&", ""))
            assert button.width() >= text, f"'{button.text()}' is cut off"
    assert window.part("volume").toolTip() == LONG
    window.shoot(f"looks-{theme}-{width}-{font_pt}pt")
    area.verticalScrollBar().setValue(area.verticalScrollBar().maximum())
    window.shoot(f"looks-{theme}-{width}-{font_pt}pt-below")
