"""How the panels are arranged in the dock: a column that scrolls, and a footer that stays in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from napari_scd.viewer.dock.display import Panels

WIDTH = 300


def lay_out(dock: QWidget, panels: Panels) -> None:
    """Put the panels into the dock, one below the other."""
    column = QWidget()
    lines = QVBoxLayout(column)
    lines.setContentsMargins(6, 4, 6, 4)
    lines.setSpacing(10)
    for number, panel in enumerate((panels.input, panels.run, panels.tokens, panels.result)):
        if number:
            lines.addWidget(ruler())
        lines.addWidget(panel)
        if panel is panels.run:
            lines.addWidget(panels.objects)
    lines.addWidget(panels.tools)
    lines.addWidget(panels.advanced)
    lines.addStretch(1)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(column)
    outer = QVBoxLayout(dock)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(area, 1)
    footer = QVBoxLayout()
    footer.setContentsMargins(6, 4, 6, 4)
    footer.setSpacing(4)
    for part in (ruler(), panels.run.progress_row, panels.input.footer, panels.result.footer):
        footer.addWidget(part)
    outer.addLayout(footer)
    dock.setMinimumWidth(WIDTH)


def ruler() -> QFrame:
    """Make a thin horizontal line."""
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setFixedHeight(1)
    return line
