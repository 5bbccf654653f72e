from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QEvent, QObject  # noqa: E402
from qtpy.QtWidgets import QLabel, QPushButton  # noqa: E402

from napari_scd.viewer.dock.panels.advanced import AdvancedPanel  # noqa: E402
from napari_scd.viewer.dock.panels.edit import EditPanel  # noqa: E402
from napari_scd.viewer.dock.panels.elided import ElidedText  # noqa: E402
from napari_scd.viewer.dock.panels.input import InputPanel  # noqa: E402
from napari_scd.viewer.dock.panels.objects import ObjectsPanel  # noqa: E402
from napari_scd.viewer.dock.panels.parts import Chooser  # noqa: E402
from napari_scd.viewer.dock.panels.result import ResultPanel  # noqa: E402
from napari_scd.viewer.dock.panels.run import RunPanel  # noqa: E402
from napari_scd.viewer.dock.panels.tokens import TokensPanel  # noqa: E402
from napari_scd.viewer.dock.panels.volumes import LayerChooser  # noqa: E402
from napari_scd.viewer.layers.build import Voxels  # noqa: E402
from napari_scd.viewer.logic import status as sentences  # noqa: E402
from napari_scd.viewer.logic.keep_estimate import Cost  # noqa: E402
from napari_scd.viewer.logic.trust import Trust  # noqa: E402
from napari_scd.volume import LabelTable  # noqa: E402

from ..conftest import TABLE  # noqa: E402


def shown(qtbot: Any, panel: Any) -> Any:
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_a_long_name_loses_whole_parts_before_it_ends_in_dots(qtbot: Any) -> None:
    chooser, text = shown(qtbot, Chooser(parted_by=", ")), "abdomen-ct, 13 structures, preview"
    wide = chooser.fontMetrics().horizontalAdvance(text) + 20
    assert [chooser.fitting(text, int(part * wide)) for part in (1, 0.9, 0.5)] == [
        text, "abdomen-ct, 13 structures", "abdomen-ct"
    ]  # fmt: skip
    assert chooser.fitting(text, wide // 5).endswith("…")
    pace = shown(qtbot, ElidedText("pace", lines=1, parted_by="/"))
    for width, words in ((300, "0.22 s/window"), (60, "0.22 s")):
        pace.setFixedWidth(width)
        pace.setText("0.22 s/window")
        assert QLabel.text(pace) == words and pace.toolTip() == "0.22 s/window"


def test_a_chooser_keeps_its_choice_while_the_list_changes(qtbot: Any) -> None:
    chooser = shown(qtbot, Chooser())
    assert chooser.set_items([("a", 1), ("b", 2)])
    chooser.choose(2)
    assert not chooser.set_items([("new", 3), ("b renamed", 2)])
    assert chooser.value == 2 and chooser.toolTip() == "b renamed"
    assert chooser.set_items([("a", 1)]) and chooser.value == 1
    assert chooser.set_items([]) and chooser.value is None


def test_the_status_line_shows_warnings_and_a_way_out(qtbot: Any) -> None:
    panel = shown(qtbot, InputPanel())
    shown(qtbot, panel.footer)
    panel.show_status(sentences.NO_IMAGE._replace(warnings=(sentences.NO_ORIENTATION,)))
    assert panel.status.text() == sentences.NO_IMAGE.sentence
    assert panel.warnings.isVisible() and "Orientation unknown" in panel.warnings.text()
    with qtbot.waitSignal(panel.remedy_wanted) as wanted:
        panel.show_status(sentences.NO_MODEL)
        panel.remedy.click()
    assert wanted.args == ["choose_model"] and not panel.warnings.isVisible()


def test_there_is_one_chooser_per_channel(qtbot: Any) -> None:
    layers = [SimpleNamespace(name=f"t{i}", unique_id=f"u{i}") for i in (1, 2)]
    panel = shown(qtbot, InputPanel(lambda: layers))
    panel.reset_choices()
    panel.set_channels(["T1", "T2", "FLAIR"])
    assert panel.n_channels == 3 and panel.chosen_volumes == ("u1", "u2", "u2")
    panel.set_channels(["image"])
    assert panel.chosen_volumes == ("u1",)


def test_click_models_switch_whole_volumes_off(qtbot: Any) -> None:
    panel = shown(qtbot, RunPanel())
    panel.set_can_segment(True, click_only=True)
    assert not panel.segment.isEnabled() and panel.click.isEnabled()
    assert "one structure at a time" in panel.segment.toolTip()
    panel.set_running(True)
    panel.show_progress(SimpleNamespace(done=9, total=27))
    assert panel.progress_row.isVisible() and (panel.bar.value(), panel.bar.maximum()) == (9, 27)
    panel.set_running(False)
    assert not panel.progress_row.isVisible()


def test_the_bar_swings_until_the_length_of_a_run_is_known(qtbot: Any) -> None:
    panel = shown(qtbot, RunPanel())
    assert not panel.bar.swings
    panel.set_running(True)
    assert panel.bar.swings and (panel.bar.value(), panel.bar.maximum()) == (1, 2)
    qtbot.waitUntil(lambda: panel.bar.from_right)
    panel.hide()
    assert not panel.bar.swings
    panel.show()
    assert panel.bar.swings
    panel.show_progress(SimpleNamespace(done=9, total=27))
    assert not panel.bar.swings and not panel.bar.from_right


class Paintings(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: Any) -> None:
        super().__init__()
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, widget: Any, event: Any) -> bool:  # noqa: N802 (Qt's name)
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_progress_is_painted_when_the_event_loop_comes_round(qtbot: Any) -> None:
    panel = shown(qtbot, RunPanel())
    panel.set_running(True)
    qtbot.wait(20)
    paintings = Paintings(panel.bar)
    for done in range(9):
        panel.show_progress(SimpleNamespace(done=done, total=9))
    assert paintings.count == 0
    qtbot.waitUntil(lambda: paintings.count > 0)
    assert panel.bar.value() == 8


def test_the_slider_speaks_in_ratios(qtbot: Any) -> None:
    panel = shown(qtbot, TokensPanel())
    panel.set_stages(3, 0.5, [(0.05, 0.8), (1.0, 0.0)])
    with qtbot.waitSignal(panel.keep_moved) as moved:
        panel.keep.setValue(35)
    assert moved.args == [0.35] and panel.value.text() == "0.35"
    with qtbot.waitSignal(panel.keep_moved) as moved:
        panel.apart.click()
    assert moved.args == [(0.35, 0.35, 0.35)] and panel.stage_box.isVisible()
    with qtbot.waitSignal(panel.keep_moved) as moved:
        panel.stage_sliders[2].setValue(80)
    assert moved.args == [(0.35, 0.35, 0.8)]


def test_views_and_stages_go_round(qtbot: Any) -> None:
    panel = shown(qtbot, TokensPanel())
    heard: list[Any] = []
    panel.show_chosen.connect(lambda show, stage: heard.append((show, stage)))
    for _ in range(4):
        panel.next_show()
    for step in (1, 1, 1, 1, -1):
        panel.next_stage(step)
    assert heard == [
        ("dim", 0), ("exit", 0), ("score", 0), ("off", 0),
        ("off", 1), ("off", 2), ("off", 3), ("off", 0), ("off", 3),
    ]  # fmt: skip


def test_costs_are_written_and_few_tokens_warned_of(qtbot: Any) -> None:
    panel = shown(qtbot, TokensPanel())
    panel.show_cost(Cost((1728, 864, 432, 216), 0.57, 0.4), 0.31, "0.97")
    assert panel.counts.text() == (
        "1,728 -> 216 tokens · 57 % of the encoder's multiply-adds saved · 0.31 s per window · "
        "agreement with dense 0.97"
    )
    assert panel.funnel.counts == (1728, 864, 432, 216)
    assert panel.funnel.toolTip() == "input 1728 > stage 1 864 > stage 2 432 > stage 3 216"
    panel.show_cost(Cost((1728, 86, 8, 8), 0.73, 0.5), None, "")
    assert "Only 8 tokens are left" in panel.counts.text()
    panel.show_cost(None, None, "")
    assert panel.counts.text() == ""


@pytest.mark.parametrize("n_stages", [0, 1, 3, 5])
def test_any_number_of_stages_can_be_shown(qtbot: Any, n_stages: int) -> None:
    panel = shown(qtbot, TokensPanel())
    panel.set_stages(n_stages, 0.5, [])
    assert len(panel.stage_sliders) == n_stages
    panel.show_cost(Cost((64,) * (n_stages + 1), 0.0, 0.0), None, "")
    assert not panel.grab().isNull()


def test_the_legend_lists_what_was_found(qtbot: Any) -> None:
    panel = shown(qtbot, ResultPanel())
    panel.show_structures(TABLE, {1: Voxels(100, 3.14159), 2: Voxels(0, 0.0), 3: Voxels(5, 0.1)}, (3,))
    rows = [panel.legend.topLevelItem(row) for row in range(panel.legend.topLevelItemCount())]
    assert [(row.text(0), row.text(1)) for row in rows] == [
        ("anterior hippocampus", "3.1 ml"),
        ("left kidney", "0.1 ml"),
    ]
    with qtbot.waitSignal(panel.structure_isolated) as alone:
        panel.legend.itemDoubleClicked.emit(rows[1], 0)
    assert alone.args == [3]
    with qtbot.waitSignal(panel.structure_isolated) as again:
        panel.legend.itemDoubleClicked.emit(rows[1], 0)
    assert again.args == [0]
    panel.show_structures(None, {}, ())
    assert not panel.legend.isVisible()


def test_advanced_settings_are_told(qtbot: Any) -> None:
    panel = shown(qtbot, AdvancedPanel())
    panel.set_strides((96, 96, 96), 8)
    steps = [panel.stride.itemData(row) for row in range(panel.stride.count())]
    assert steps == [None, 96, 72, 48, 24]
    heard: list[Any] = []
    panel.changed.connect(lambda name, value: heard.append((name, value)))
    panel.stride.setCurrentIndex(1)
    panel.stride.activated.emit(1)
    panel.live.click()
    assert heard == [("stride", 96), ("live", True)]
    assert not panel.isExpanded()


@pytest.mark.parametrize(
    "panel", [InputPanel, RunPanel, TokensPanel, ResultPanel, AdvancedPanel, EditPanel, ObjectsPanel]
)
def test_every_panel_fits_300_pixels_even_with_large_type(qtbot: Any, panel: Any) -> None:
    made = panel()
    made.setStyleSheet("* { font-size: 16pt; }")
    shown(qtbot, made)
    if isinstance(made, EditPanel | AdvancedPanel):
        made.expand(animate=False)
        content = made.content()
        assert content.minimumSizeHint().width() <= 290
        made.resize(290, 900)
        buttons = content.findChildren(QPushButton)
        qtbot.waitUntil(lambda: all(one.geometry().bottom() <= content.height() for one in buttons))
    assert made.minimumSizeHint().width() <= 290


def test_the_volume_list_follows_a_layer_and_not_its_name(qtbot: Any) -> None:
    layers = [SimpleNamespace(name="a", unique_id=1), SimpleNamespace(name="b", unique_id=2)]
    chooser = shown(qtbot, LayerChooser(lambda: layers, "scd.volume"))
    assert chooser.uid is None
    chooser.reset_choices()
    assert chooser.uid == 1 and chooser.names == ["a", "b"]
    chooser.choose_row(1)
    layers[1].name = "renamed"
    layers.insert(0, SimpleNamespace(name="b", unique_id=3))
    chooser.reset_choices()
    assert chooser.uid == 2 and chooser.native.currentText() == "renamed"
    with qtbot.waitSignal(chooser.chosen):
        chooser.native.setCurrentIndex(0)
        chooser.native.activated.emit(0)
    assert chooser.uid == 3 and chooser.native.toolTip() == "b"
    layers.clear()
    chooser.reset_choices()
    assert chooser.uid is None and chooser.names == []


def test_an_intensity_window_needs_two_numbers_in_order(qtbot: Any) -> None:
    panel = shown(qtbot, AdvancedPanel())
    heard: list[Any] = []
    panel.changed.connect(lambda name, value: heard.append((name, value)))
    panel.refused.connect(heard.append)
    for low, high in (("-100", ""), ("-100", "240.5"), ("300", "200"), ("", "")):
        panel.low.setText(low)
        panel.high.setText(high)
        panel.high.editingFinished.emit()
    assert heard == [
        ("window", (-100.0, 240.5)),
        "Intensities from 300 to 200 are not a range: the first must be lower.",
        ("window", None),
    ]
    panel.set_window((1.5, 80.0))
    assert (panel.low.text(), panel.high.text()) == ("1.5", "80")


def test_the_legend_follows_the_size_of_the_type(qtbot: Any) -> None:
    panel = shown(qtbot, ResultPanel())
    panel.show_structures(TABLE, {1: Voxels(100, 3.1), 3: Voxels(5, 0.1)}, ())
    before = panel.legend.height()
    panel.setStyleSheet("* { font-size: 30pt; }")
    qtbot.waitUntil(lambda: panel.legend.height() > before)


def test_names_in_the_legend_wrap_and_lesser_columns_make_room(qtbot: Any) -> None:
    names = ["left cerebral white matter", "left cerebellum white matter", "left thalamus"]
    table = LabelTable.from_names(names)
    panel = shown(qtbot, ResultPanel())
    legend = panel.legend
    trust = {index: Trust(0.8, 0.75, 1.1, "a case") for index in table.indices}
    panel.resize(700, 500)
    panel.show_structures(table, {i: Voxels(i, 25.1) for i in table.indices}, (), trust=trust)
    heights = [legend.visualItemRect(legend.topLevelItem(row)).height() for row in range(3)]
    assert len(set(heights)) == 1 and not any(legend.isColumnHidden(column) for column in range(4))
    panel.resize(290, 500)
    qtbot.waitUntil(lambda: legend.visualItemRect(legend.topLevelItem(0)).height() > heights[0])
    assert legend.visualItemRect(legend.topLevelItem(2)).height() == heights[2]
    assert not legend.isColumnHidden(3), "two lines are enough"
    panel.setStyleSheet("* { font-size: 20pt; }")
    qtbot.waitUntil(lambda: legend.isColumnHidden(3) and legend.isColumnHidden(2))
    assert "Tested Dice 0.75 on a case." in legend.topLevelItem(0).toolTip(0)
    panel.setStyleSheet("")
    panel.resize(700, 500)
    qtbot.waitUntil(lambda: not legend.isColumnHidden(3) and not legend.isColumnHidden(2))
    panel.show_structures(table, {i: Voxels(i, 25.1) for i in table.indices}, ())
    assert legend.isColumnHidden(2) and legend.isColumnHidden(3), "nothing is known"
