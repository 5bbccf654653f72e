"""Texts that keep to the room they have: what does not fit ends in dots, and is whole in the tool tip."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtGui import QFont, QFontMetrics, QTextLayout
from qtpy.QtWidgets import QLabel, QSizePolicy, QWidget

STATUS_LINES, WARNING_LINES = 4, 2
_MARGIN = 6  # pixels that a theme may add around a text


class ElidedText(QLabel):
    """A text on as many lines as fit; `text` returns all of it.

    Parameters
    ----------
    name
        Object name.
    lines
        Fixed number of lines; 0 = as high as its layout makes it.
    parted_by
        What separates the parts of a text of one line: what does not fit goes part by part. Empty = no parts.
    """

    def __init__(self, name: str, lines: int = 0, *, parted_by: str = "") -> None:
        super().__init__()
        self.setObjectName(name)
        self._parted_by = parted_by
        self._whole, self._lines = "", lines
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        vertical = Qt.AlignmentFlag.AlignVCenter if lines == 1 else Qt.AlignmentFlag.AlignTop
        self.setAlignment(vertical | Qt.AlignmentFlag.AlignLeft)
        self._fit()

    def text(self) -> str:
        """Return the whole text."""
        return self._whole

    def setText(self, text: str | None) -> None:  # noqa: N802 (Qt's name)
        """Show a text, and all of it in the tool tip."""
        self._whole = text or ""
        self.setToolTip(self._whole)
        self._fit()
        self._elide()

    def minimumSizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Take any room there is: the text shown now does not say how narrow the next one may be."""
        return QSize(0, 0)

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Fit the text into the new size."""
        super().resizeEvent(event)
        self._elide()

    def changeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Follow the size of the type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()
            self._elide()

    def _fit(self) -> None:
        if self._lines:
            self.setFixedHeight(self._lines * self.fontMetrics().lineSpacing() + _MARGIN)
        if self._parted_by:
            first = self._whole.partition(self._parted_by)[0]
            self.setMinimumWidth(self.fontMetrics().horizontalAdvance(first) + 2 * _MARGIN)

    def _elide(self) -> None:
        n_lines = max((self.height() - _MARGIN // 2) // max(self.fontMetrics().lineSpacing(), 1), 1)
        width = self.width() - _MARGIN
        text = whole_parts(self._whole, self._parted_by, self.font(), width)
        shown = "\n".join(lines_of(text, self.font(), width, n_lines))
        if shown != super().text():
            super().setText(shown)


class StatusBox(QWidget):
    """The status line and the warnings in a box of fixed height, so that nothing jumps when they change."""

    def __init__(self) -> None:
        super().__init__()
        self.status = ElidedText("scd.status")
        self.warnings = ElidedText("scd.warnings")
        for text in (self.status, self.warnings):
            text.setParent(self)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._fit()
        self.warn("")

    def warn(self, text: str) -> None:
        """Show warnings below the status, which gets fewer lines; empty = none."""
        self.warnings.setText(text)
        self.warnings.setVisible(bool(text))
        self._place()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Share the room anew."""
        super().resizeEvent(event)
        self._place()

    def changeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Follow the size of the type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(STATUS_LINES * self.status.fontMetrics().lineSpacing() + 2 * _MARGIN)
        self._place()

    def _place(self) -> None:
        below = WARNING_LINES * self.warnings.fontMetrics().lineSpacing() + _MARGIN
        below = below if self.warnings.text() else 0
        self.status.setGeometry(0, 0, self.width(), self.height() - below)
        self.warnings.setGeometry(0, self.height() - below, self.width(), below)


def whole_parts(text: str, parted_by: str, font: QFont, width: int) -> str:
    """Return the first parts of a text that fit on a line of a width in pixels; the first one in any case."""
    while parted_by and parted_by in text and lines_of(text, font, width, 1) != [text]:
        text = text.rpartition(parted_by)[0]
    return text


def lines_of(text: str, font: QFont, width: int, n_lines: int) -> list[str]:
    """Break a text into at most `n_lines` lines of a width in pixels; dots stand for what does not fit."""
    found: list[str] = []
    for paragraph in text.split("\n"):
        layout = QTextLayout(paragraph, font)
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            start = line.textStart()
            if len(found) == n_lines:
                break
            found.append(paragraph[start : start + line.textLength()].rstrip())
            rest = paragraph[start:]
        layout.endLayout()
        if line.isValid():
            found[-1] = QFontMetrics(font).elidedText(rest, Qt.TextElideMode.ElideRight, width)
            break
    return found
