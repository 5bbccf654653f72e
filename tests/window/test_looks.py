"""The dock on both themes, narrow and wide, with large type and long names; the pictures are kept."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtWidgets import QPushButton, QScrollArea  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402

from .conftest import Window, scan  # noqa: E402

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]

LONG = "sub-0123456789_ses-follow-up_acq-axial_rec-bone_run-02_T1w_defaced_and_resampled_to_1mm"
NORMAL_PT, LARGE_PT = 9, 14


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_cut_off(open_window: Any, theme: str) -> None:
    window: Window = open_window(**scan())
    window.viewer.theme = theme
    window.viewer.layers["scan"].name = LONG
    window.use("aa-whole")
    window.press("run")
    window.wait(State.DONE)
    window.part("advanced").expand(animate=False)
    window.press("keep.apart")
    for width, font_pt in ((300, NORMAL_PT), (300, LARGE_PT), (480, NORMAL_PT)):
        window.widget.setStyleSheet(f"* {{ font-size: {font_pt}pt; }}")
        window.dock.setFixedWidth(width)
        window.qtbot.wait(100)
        area = window.widget.findChild(QScrollArea)
        assert area.widget().minimumSizeHint().width() <= area.viewport().width(), "no sideways scrolling"
        for button in window.widget.findChildren(QPushButton):
            text = button.fontMetrics().horizontalAdvance(button.text().replace("&", ""))
            assert not button.isVisible() or button.width() >= text, f"'{button.text()}' is cut off"
        for end in ("top", "bottom"):
            bar = area.verticalScrollBar()
            bar.setValue(bar.minimum() if end == "top" else bar.maximum())
            window.shoot(f"looks-{theme}-{width}px-{font_pt}pt-{end}")
    assert window.part("volume").toolTip() == LONG
