from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtWidgets import QLabel  # noqa: E402

from napari_scd.viewer.dock.panels.ct_window import CtWindowRow  # noqa: E402
from napari_scd.viewer.dock.panels.elided import StatusBox  # noqa: E402
from napari_scd.viewer.dock.panels.orientation import OrientationChooser  # noqa: E402


@pytest.fixture
def chooser(qtbot: Any) -> OrientationChooser:
    made = OrientationChooser()
    qtbot.addWidget(made)
    made.show()
    made.show_scan(np.arange(12, dtype=np.uint8).reshape(3, 4), 1.0, "SPL", by_file=True)
    return made


def choose(chooser: Any, value: str) -> None:
    chooser.choose(value)
    chooser.activated.emit(chooser.currentIndex())


def test_words_become_directions_of_axes(qtbot: Any, chooser: OrientationChooser) -> None:
    assert chooser.value is None and not chooser.top.isEnabled()
    assert chooser.picture.letters == ("A", "P", "R", "L")
    with qtbot.waitSignal(chooser.chosen) as said:
        chooser.by_file.click()
    assert said.args == ["SPL"] and chooser.top.isEnabled()
    with qtbot.waitSignal(chooser.chosen) as said:
        choose(chooser.left, "L")
    assert said.args == ["SPR"] and chooser.picture.letters == ("A", "P", "L", "R")
    choose(chooser.top, "S")
    assert chooser.picture.letters[0] == "S"
    offered = {chooser.left.itemData(row) for row in range(chooser.left.count())}
    assert offered == {"A", "P", "R", "L"}, "an edge cannot be the end that lies at the top"
    with qtbot.waitSignal(chooser.chosen) as said:
        chooser.by_file.click()
    assert said.args == [None]


@pytest.mark.parametrize("axes", ["SPL", "IAR", "LPS", "RSA", "PIL"])
def test_what_is_shown_is_what_is_said(chooser: OrientationChooser, axes: str) -> None:
    chooser.show_scan(None, 1.0, axes, by_file=False)
    assert chooser.value == axes


def test_the_list_of_ct_windows_names_the_limits_of_the_layer(qtbot: Any) -> None:
    row = CtWindowRow()
    qtbot.addWidget(row)
    row.show_limits((-160, 240))
    assert row.windows.currentText() == "Soft tissue L40 W400"
    row.show_limits((-161, 240))
    assert row.windows.currentText() == "As opened"
    with qtbot.waitSignal(row.chosen) as chosen:
        choose(row.windows, (-1350.0, 150.0))
    assert chosen.args == [(-1350.0, 150.0)]


def test_a_text_that_does_not_fit_ends_in_dots(qtbot: Any) -> None:
    box = StatusBox()
    qtbot.addWidget(box)
    box.resize(200, box.height())
    box.show()
    height, sentence = box.height(), "One sentence after the other. " * 12
    for words in ("Short.", sentence):
        box.status.setText(words)
        assert box.status.text() == box.status.toolTip() == words and box.height() == height
    shown = QLabel.text(box.status)
    assert shown.endswith("…") and sentence.startswith(shown[:20])
    box.warn("Take care.")
    assert len(QLabel.text(box.status)) < len(shown) and box.warnings.isVisible()
    assert box.height() == height == box.warnings.geometry().bottom() + 1
