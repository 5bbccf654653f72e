"""The list of objects: what it shows, and what it asks for."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import Qt  # noqa: E402
from qtpy.QtWidgets import QLineEdit  # noqa: E402

from napari_scd.viewer.dock.panels.objects import ObjectsPanel  # noqa: E402
from napari_scd.viewer.logic.object_list import ObjectRow  # noqa: E402
from napari_scd.viewer.logic.refining import RefineSource  # noqa: E402

ROWS = (
    ObjectRow(1, "ball", (230, 159, 0), 12.3, 1, False, True, ""),
    ObjectRow(2, "object 2", (86, 180, 233), 3.1, 4, True, False, "liver"),
)


@pytest.fixture
def panel(qtbot: Any) -> Any:
    made = ObjectsPanel(lambda: [RefineSource("liver (organs)", "uid", 6)])
    qtbot.addWidget(made)
    made.show()
    made.show_objects(ROWS)
    return made


def test_colour_name_volume_and_clicks_are_listed(panel: Any) -> None:
    texts = [[panel.list.topLevelItem(row).text(column) for column in range(3)] for row in range(2)]
    assert texts == [["ball", "12.3 ml", "1 click"], ["object 2", "3.1 ml", "4 clicks"]]
    assert [panel.list.topLevelItem(row).font(0).bold() for row in range(2)] == [False, True]
    assert panel.guess.isVisible() and panel.guess.text() == "liver? Name it so"


def test_the_list_chooses_names_and_removes(panel: Any) -> None:
    heard: list[Any] = []
    panel.chosen.connect(lambda label: heard.append(("chosen", label)))
    panel.renamed.connect(lambda *what: heard.append(("renamed", *what)))
    panel.remove_wanted.connect(lambda label: heard.append(("remove", label)))
    panel.list.itemClicked.emit(panel.list.topLevelItem(0), 0)
    panel.list.itemClicked.emit(panel.list.topLevelItem(1), 3)
    panel.list.topLevelItem(0).setText(0, "left kidney")
    panel.guess.click()
    assert heard == [("chosen", 1), ("remove", 2), ("renamed", 1, "left kidney"), ("renamed", 2, "liver")]
    panel.show_objects(())
    assert not panel.list.isVisible() and not panel.guess.isVisible()


def test_a_name_is_typed_after_a_double_click_while_answers_arrive(panel: Any, qtbot: Any) -> None:
    heard: list[Any] = []
    panel.chosen.connect(lambda label: panel.show_objects(ROWS))
    panel.renamed.connect(lambda *what: heard.append(what))
    left, viewport = Qt.MouseButton.LeftButton, panel.list.viewport()
    place = panel.list.visualItemRect(panel.list.topLevelItem(1)).center()
    place.setX(40)
    qtbot.mouseClick(viewport, left, pos=place)
    qtbot.mouseDClick(viewport, left, pos=place)
    (editor,) = viewport.findChildren(QLineEdit)
    editor.selectAll()
    qtbot.keyClicks(editor, "left")
    panel.show_objects([ROWS[0], ROWS[1]._replace(n_prompts=5)])
    qtbot.keyClicks(editor, " kidney")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(heard))
    assert heard == [(2, "left kidney")] and panel.list.topLevelItem(1).text(2) == "5 clicks"


def test_refine_offers_the_labels_that_are_there(panel: Any, qtbot: Any) -> None:
    heard: list[Any] = []
    panel.refine_wanted.connect(heard.append)
    qtbot.mouseClick(panel.refine, Qt.MouseButton.LeftButton)
    (action,) = panel.menu.actions()
    action.trigger()
    panel.menu.close()
    assert heard == [RefineSource("liver (organs)", "uid", 6)]
