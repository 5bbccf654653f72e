"""A list that is as high as its rows, whose names are never cut: they wrap, and lesser columns make room."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QRect, QSize, Qt
from qtpy.QtWidgets import QTreeWidget

from napari_scd.viewer.dock.panels.parts import is_letter

MAX_ROWS = 8
ICON_PX, MARGIN_PX = 14, 14  # of the colour before a name, and around both
LOWEST_ROW_PX = 18


class Legend(QTreeWidget):
    """A list as high as its rows, up to eight, whatever the size of the type.

    Where words are wrapped, rows grow with their names. Columns that `may_leave` are left out as long as the
    longest word of a name has no room.
    """

    def __init__(self) -> None:
        super().__init__()
        self.may_leave: tuple[int, ...] = ()  # the first one leaves first
        self.unused: frozenset[int] = frozenset()  # columns that are empty

    def fit(self) -> None:
        """Take the height of the rows."""
        n_rows = self.topLevelItemCount()
        if not n_rows:
            return
        if self.wordWrap():
            self._make_room()
            heights = [self._wrap(row) for row in range(n_rows)]
        else:
            heights = [max(self.sizeHintForRow(0), LOWEST_ROW_PX)] * n_rows
        heading = self.header()
        top = 0 if heading is None else heading.sizeHint().height()
        self.setFixedHeight(sum(heights[:MAX_ROWS]) + top + 6)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Leave letters to the dock's keys."""
        if is_letter(event):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Follow the size of the type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.fit()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Wrap the names anew."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.fit()

    def _make_room(self) -> None:
        """Show the columns for which the names leave room."""
        for column in self.may_leave:
            self.setColumnHidden(column, column in self.unused)
        metrics = self.fontMetrics()
        words = {word for row in range(self.topLevelItemCount()) for word in self._name(row).split()}
        needed = max(metrics.horizontalAdvance(word) for word in words) + ICON_PX + MARGIN_PX
        for column in self.may_leave:
            if self._name_width() >= needed:
                return
            self.setColumnHidden(column, True)

    def _wrap(self, row: int) -> int:
        """Make a row as high as its name is in its column; return the height."""
        width = max(self._name_width() - ICON_PX - MARGIN_PX, 1)
        room, flags = QRect(0, 0, width, 10_000), Qt.TextFlag.TextWordWrap
        text = self.fontMetrics().boundingRect(room, flags, self._name(row)).height()
        height = max(text + 2, LOWEST_ROW_PX)
        item = self.topLevelItem(row)
        if item is not None and item.sizeHint(0).height() != height:
            item.setSizeHint(0, QSize(0, height))
        return height

    def _name(self, row: int) -> str:
        item = self.topLevelItem(row)
        return "" if item is None else item.text(0)

    def _name_width(self) -> int:
        """Width of the column of names, once the others have theirs."""
        viewport, header = self.viewport(), self.header()
        if viewport is None or header is None:
            return 0
        others = [column for column in range(1, self.columnCount()) if not self.isColumnHidden(column)]
        taken = sum(max(self.sizeHintForColumn(column), header.sectionSizeHint(column)) for column in others)
        return viewport.width() - taken
