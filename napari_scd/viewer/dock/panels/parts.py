"""Small Qt parts the panels share: headings, choosers that hold values, and texts that wrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QSignalBlocker, QSize, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)
from superqt import QFlowLayout

from napari_scd.viewer.dock.panels.elided import whole_parts

if TYPE_CHECKING:
    from collections.abc import Sequence


class PanelTitle(QLabel):
    """Name of a panel."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        font = self.font()
        font.setBold(True)
        self.setFont(font)


class Panel(QWidget):
    """A heading and a column of parts below it."""

    def __init__(self, title: str = "") -> None:
        super().__init__()
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(6)
        if title:
            self.column.addWidget(PanelTitle(title))


class WrappingContent(QWidget):
    """What a collapsible section holds: as high as its rows are at its width, also when that changes."""

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Return the height at the width of now."""
        hint, layout = super().sizeHint(), self.layout()
        if layout is not None and layout.hasHeightForWidth() and self.width() > 0:
            hint.setHeight(max(hint.height(), layout.heightForWidth(self.width())))
        return hint

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Follow the width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fit()

    def event(self, event: Any) -> bool:
        """Follow the rows."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return bool(done)

    def _fit(self) -> None:
        if self.maximumHeight():  # 0 while collapsed
            self.setMaximumHeight(self.sizeHint().height() + 10)


class Chooser(QComboBox):
    """A combo box of (text, value) pairs that keeps its choice while the list changes.

    Long texts end in dots, and are whole in the tool tip.

    Parameters
    ----------
    name
        Object name.
    parted_by
        What separates the parts of a text, the most important one first: of a long text, as many parts are
        shown as fit. Empty = texts have no parts.
    """

    def __init__(self, name: str = "", *, parted_by: str = "") -> None:
        super().__init__()
        self._parted_by = parted_by
        self.setObjectName(name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(3)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.currentIndexChanged.connect(self._show_whole_text)

    @property
    def value(self) -> Any:
        """The chosen value, None when the list is empty."""
        return self.currentData()

    def set_items(self, items: Sequence[tuple[str, Any]], *, hints: Sequence[str] = ()) -> bool:
        """Replace the list; return whether the chosen value changed by it. Emits nothing."""
        before = self.currentData()
        with QSignalBlocker(self):
            self.clear()
            for text, value in items:
                self.addItem(text, value)
            for row, hint in enumerate(hints):
                self.setItemData(row, hint, Qt.ItemDataRole.ToolTipRole)
            self.setCurrentIndex(0 if self.count() else -1)
            self._select(before)
        self._show_whole_text()
        return bool(self.currentData() != before)

    def choose(self, value: Any) -> None:
        """Choose a value without emitting anything."""
        with QSignalBlocker(self):
            self._select(value)
        self._show_whole_text()

    def paintEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """End a text that is too long in dots."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        parts, style = QStyle.ComplexControl.CC_ComboBox, self.style()
        room = self.rect()
        if style is not None:
            room = style.subControlRect(parts, option, QStyle.SubControl.SC_ComboBoxEditField, self)
        option.currentText = self.fitting(option.currentText or "", room.width() - 4)
        painter.drawComplexControl(parts, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def fitting(self, text: str, width: int) -> str:
        """Return what is shown of a text in a width in pixels."""
        shown = whole_parts(text, self._parted_by, self.font(), width)
        return self.fontMetrics().elidedText(shown, Qt.TextElideMode.ElideRight, width)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Leave letters to the dock's keys, instead of searching the list for them."""
        if is_letter(event):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Leave the wheel to the scroll area, unless the list has the focus."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def _select(self, value: Any) -> None:
        for row in range(self.count()):
            if self.itemData(row) == value:
                self.setCurrentIndex(row)
                return

    def _show_whole_text(self, _index: int = 0) -> None:
        hint = self.currentData(Qt.ItemDataRole.ToolTipRole)
        self.setToolTip(hint or self.currentText())


def is_letter(event: Any) -> bool:
    """Whether a key event types a letter, with or without modifiers such as Ctrl."""
    return bool(Qt.Key.Key_A <= event.key() <= Qt.Key.Key_Z)


def wrapping_label(name: str = "") -> QLabel:
    """Return a text that wraps and can be copied."""
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def flow(*widgets: QWidget) -> QFlowLayout:
    """Return a row of buttons that breaks into lines where it is too narrow."""
    row = QFlowLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setHorizontalSpacing(6)
    row.setVerticalSpacing(4)
    for widget in widgets:
        row.addWidget(widget)
    return row


def form() -> QFormLayout:
    """Return rows of (name, field) whose fields take the room there is."""
    rows = QFormLayout()
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setHorizontalSpacing(8)
    rows.setVerticalSpacing(4)
    rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return rows
