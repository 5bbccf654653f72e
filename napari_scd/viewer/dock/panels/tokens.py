"""Tokens: the keep slider, the token views and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from napari_scd.viewer.dock.panels.funnel import Funnel, KeepSlider
from napari_scd.viewer.dock.panels.parts import Chooser, Panel, flow, form, wrapping_label
from napari_scd.viewer.layers import exit_colour
from napari_scd.viewer.logic import SHOW_MODES, SHOW_TITLES, duration

FEW_TOKENS = 16  # fewer than these left is worth a warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.logic import Cost


class TokensPanel(Panel):
    """The keep ratio, and the view of what it does."""

    keep_moved = Signal(object)  # float, or tuple of floats when the stages are set apart
    show_chosen = Signal(str, int)
    compare_wanted = Signal()
    explode_wanted = Signal()

    def __init__(self) -> None:
        super().__init__("Tokens")
        self.keep = KeepSlider()
        self.keep.setObjectName("scd.keep")
        self.keep.setToolTip(
            "Share of the tokens every stage keeps: less is faster. The line marks the model's own ratio."
        )
        self.value = QLabel()
        self.value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.apart = QPushButton()
        self.apart.setObjectName("scd.keep.apart")
        self.apart.setText("per stage")
        self.apart.setCheckable(True)
        self.apart.setToolTip("Set each stage separately")
        head = QHBoxLayout()
        head.addWidget(QLabel("Keep"))
        head.addWidget(self.value, 1)
        head.addWidget(self.apart)
        self.column.addLayout(head)
        self.column.addWidget(self.keep)
        self.stage_box = QWidget()
        self._stage_rows = form()
        self.stage_box.setLayout(self._stage_rows)
        self.stage_box.hide()
        self.stage_sliders: list[KeepSlider] = []
        self.column.addWidget(self.stage_box)
        self.show_chooser = Chooser("scd.show")
        self.show_chooser.set_items([(SHOW_TITLES[mode], mode) for mode in SHOW_MODES])
        self.show_chooser.setToolTip("How tokens are drawn on the image (H)")
        self.stages = QWidget()
        self.stages.setObjectName("scd.stage")
        self._stage_line = QHBoxLayout(self.stages)
        self._stage_line.setContentsMargins(0, 0, 0, 0)
        self._stage_line.setSpacing(2)
        self._stage_group = QButtonGroup(self)
        rows = form()
        rows.addRow("Show (H)", self.show_chooser)
        rows.addRow("Stage (N)", self.stages)
        self.column.addLayout(rows)
        self.funnel = Funnel()
        self.column.addWidget(self.funnel)
        self.counts = wrapping_label("scd.counts")
        self.column.addWidget(self.counts)
        self.compare = QPushButton("Compare with dense")
        self.compare.setObjectName("scd.compare")
        self.compare.setToolTip(
            "Run the visible window with every token too, and measure the agreement (Dice)."
        )
        self.explode = QPushButton("Explode stages")
        self.explode.setObjectName("scd.explode")
        self.explode.setToolTip("Add the tokens as a layer with a slider over the stages.")
        self.column.addLayout(flow(self.compare, self.explode))
        self.set_stages(3, 0.5, [])
        self.keep.valueChanged.connect(self._on_keep)
        self.apart.toggled.connect(self._on_apart)
        self.show_chooser.activated.connect(lambda _: self._emit_show())
        self._stage_group.idClicked.connect(lambda _: self._emit_show())
        self.compare.clicked.connect(lambda: self.compare_wanted.emit())
        self.explode.clicked.connect(lambda: self.explode_wanted.emit())

    def set_stages(self, n_stages: int, default: float, curve: Sequence[tuple[float, float]]) -> None:
        """Fit the panel to a model: its stages, its own keep ratio and its saving curve."""
        self.keep.set_curve(curve, default)
        if n_stages != len(self.stage_sliders):
            self._make_stage_sliders(n_stages)
            self._make_stage_buttons(n_stages)
        self._write_value()

    def set_keep(self, keep: float) -> None:
        """Move the slider without emitting anything."""
        for slider in (self.keep, *self.stage_sliders):
            with QSignalBlocker(slider):
                slider.setValue(round(keep * 100))
        self._write_value()

    @property
    def stage(self) -> int:
        """The stage the view stops at, 0 = all."""
        return max(self._stage_group.checkedId(), 0)

    def next_show(self) -> None:
        """Go on to the next token view."""
        modes = list(SHOW_MODES)
        self.show_chooser.choose(modes[(modes.index(self.show_chooser.value) + 1) % len(modes)])
        self._emit_show()

    def next_stage(self, step: int = 1) -> None:
        """Go on to the next stage, or back."""
        buttons = self._stage_group.buttons()
        buttons[(self.stage + step) % len(buttons)].setChecked(True)
        self._emit_show()

    def show_cost(self, cost: Cost | None, seconds_per_window: float | None, agreement: str) -> None:
        """Write tokens, savings, measured time and agreement; warn when hardly any token is left."""
        self.funnel.set_counts(cost.tokens if cost is not None else ())
        if cost is None:
            self.counts.setText("")
            return
        parts = [
            f"{cost.tokens[0]:,} -> {cost.tokens[-1]:,} tokens",
            f"{100 * max(cost.encoder_saved, 0):.0f} % of the encoder's multiply-adds saved",
        ]
        if seconds_per_window is not None:
            parts.append(f"{duration(seconds_per_window)} per window")
        if agreement:
            parts.append(f"agreement with dense {agreement}")
        text = " · ".join(parts)
        if cost.tokens[-1] < FEW_TOKENS:
            text += f"\nOnly {cost.tokens[-1]} tokens are left: expect losses."
        self.counts.setText(text)

    def _make_stage_sliders(self, n_stages: int) -> None:
        while self._stage_rows.rowCount():
            self._stage_rows.removeRow(0)
        self.stage_sliders = []
        for stage in range(1, n_stages + 1):
            slider = KeepSlider()
            slider.setObjectName(f"scd.keep.{stage}")
            slider.setMinimumHeight(22)
            slider.setValue(self.keep.value())
            slider.valueChanged.connect(self._on_keep)
            self._stage_rows.addRow(f"stage {stage}", slider)
            self.stage_sliders.append(slider)

    def _make_stage_buttons(self, n_stages: int) -> None:
        for button in self._stage_group.buttons():
            self._stage_group.removeButton(button)
            button.deleteLater()
        for stage in range(n_stages + 1):
            button = QPushButton()
            button.setObjectName(f"scd.stage.{stage}")
            button.setText("All" if stage == 0 else str(stage))
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.setChecked(stage == 0)
            if stage:
                button.setStyleSheet(
                    f"QPushButton {{ border-bottom: 3px solid {exit_colour(stage, n_stages)}; }}"
                )
                button.setToolTip(f"Tokens as they stand after stage {stage}")
            else:
                button.setToolTip("Tokens after all stages")
            self._stage_group.addButton(button, stage)
            self._stage_line.addWidget(button, 1)

    def _on_apart(self, apart: bool) -> None:
        self.stage_box.setVisible(apart)
        self.keep.setVisible(not apart)
        for slider in self.stage_sliders:
            with QSignalBlocker(slider):
                slider.setValue(self.keep.value())
        self._on_keep()

    def _on_keep(self, _value: int = 0) -> None:
        self._write_value()
        apart = self.apart.isChecked()
        self.keep_moved.emit(tuple(s.keep for s in self.stage_sliders) if apart else self.keep.keep)

    def _write_value(self) -> None:
        sliders = self.stage_sliders if self.apart.isChecked() else [self.keep]
        text = " · ".join(f"{slider.keep:.2f}" for slider in sliders)
        self.value.setText(text)
        self.value.setToolTip(text)

    def _emit_show(self) -> None:
        self.show_chosen.emit(self.show_chooser.value, self.stage)
