"""Orientation in words: a slice of the scan, and which end of the patient lies at which edge of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter
from qtpy.QtWidgets import QCheckBox, QSizePolicy, QVBoxLayout, QWidget

from napari_scd.viewer.dock.panels.parts import Chooser, form

if TYPE_CHECKING:
    from collections.abc import Sequence

ENDS = {
    "A": "anterior (front)",
    "P": "posterior (back)",
    "R": "patient's right",
    "L": "patient's left",
    "S": "superior (head)",
    "I": "inferior (feet)",
}
OPPOSITE = dict(zip("SIPALR", "ISAPRL", strict=True))


class SlicePicture(QWidget):
    """The middle slice of a scan with a letter at each edge."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("scd.orientation.picture")
        self.letters: tuple[str, str, str, str] = ("", "", "", "")
        self._image = QImage()
        self._aspect = 1.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Room for a small slice and two lines of text."""
        return QSize(160, 120 + 2 * self.fontMetrics().height())

    def show_slice(self, pixels: np.ndarray | None, aspect: float) -> None:
        """Show (rows, columns) uint8; `aspect` is the height of a pixel over its width."""
        self._image = QImage() if pixels is None else grey_image(pixels)
        self._aspect = aspect
        self.update()

    def show_letters(self, top: str, bottom: str, left: str, right: str) -> None:
        """Write a letter at each edge."""
        self.letters = (top, bottom, left, right)
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Draw the slice, and the letters around it."""
        painter = QPainter(self)
        line, middle = self.fontMetrics().height(), self.rect().center()
        inner = QRectF(self.rect()).adjusted(line, line, -line, -line)
        if not self._image.isNull():
            height, width = self._image.height() * self._aspect, float(self._image.width())
            scale = min(inner.width() / width, inner.height() / height)
            place = QRectF(0, 0, width * scale, height * scale)
            place.moveCenter(inner.center())
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(place, self._image)
            inner = place
        else:
            painter.fillRect(inner, QColor("black"))
        painter.setPen(self.palette().windowText().color())
        top, bottom, left, right = self.letters
        for letter, x, y in (
            (top, middle.x(), inner.top() - line / 2),
            (bottom, middle.x(), inner.bottom() + line / 2),
            (left, inner.left() - line / 2, middle.y()),
            (right, inner.right() + line / 2, middle.y()),
        ):
            box = QRectF(x - line, y - line, 2 * line, 2 * line)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letter)
        painter.end()


class OrientationChooser(QWidget):
    """Says where the axes of the viewer point, in words.

    The three lists depend on each other: each offers only what the ones above it leave.
    """

    chosen = Signal(object)  # where the (z, y, x) axes point, such as "SPL"; None = as the file says

    def __init__(self) -> None:
        super().__init__()
        self.by_file = QCheckBox("As the file says")
        self.by_file.setObjectName("scd.orientation.by_file")
        self.by_file.setChecked(True)
        self.by_file.setToolTip("Untick this to say how the slices lie in the patient.")
        self.picture = SlicePicture()
        self.top, self.left, self.onward = (Chooser(f"scd.orientation.{name}") for name in _HINTS)
        rows = form()
        for chooser, (title, hint) in zip(self._choosers, _HINTS.values(), strict=True):
            chooser.setToolTip(hint)
            chooser.activated.connect(lambda _: self._on_chosen())
            rows.addRow(title, chooser)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.by_file)
        column.addWidget(self.picture)
        column.addLayout(rows)
        self.by_file.toggled.connect(self._on_toggled)
        self._show("SPL")
        self._enable()

    @property
    def value(self) -> str | None:
        """Where the (z, y, x) axes point, None = as the file says."""
        return None if self.by_file.isChecked() else self.axes

    @property
    def axes(self) -> str:
        """Where the (z, y, x) axes point by the three lists, whether they count or not."""
        return f"{self.onward.value}{OPPOSITE[self.top.value]}{OPPOSITE[self.left.value]}"

    def show_scan(self, pixels: np.ndarray | None, aspect: float, axes: str, *, by_file: bool) -> None:
        """Show a slice of the scan, where its axes point, and who says so; emits nothing."""
        self.picture.show_slice(pixels, aspect)
        with QSignalBlocker(self.by_file):
            self.by_file.setChecked(by_file)
        self._enable()
        self._show(axes)

    @property
    def _choosers(self) -> tuple[Chooser, Chooser, Chooser]:
        return self.top, self.left, self.onward

    def _show(self, axes: str) -> None:
        self.top.set_items(_items(ENDS))
        self.top.choose(OPPOSITE[axes[1]])
        self._offer_rest()
        self.left.choose(OPPOSITE[axes[2]])
        self._offer_rest()
        self.onward.choose(axes[0])
        self._letter()

    def _offer_rest(self) -> None:
        """Offer at the second edge what the first leaves, and for the slices what both leave."""
        taken = [self.top.value, OPPOSITE[self.top.value]]
        self.left.set_items(_items([end for end in ENDS if end not in taken]))
        taken += [self.left.value, OPPOSITE[self.left.value]]
        self.onward.set_items(_items([end for end in ENDS if end not in taken]))

    def _letter(self) -> None:
        top, left = self.top.value, self.left.value
        self.picture.show_letters(top, OPPOSITE[top], left, OPPOSITE[left])

    def _enable(self) -> None:
        for chooser in self._choosers:
            chooser.setEnabled(not self.by_file.isChecked())

    def _on_toggled(self, _: bool) -> None:
        self._enable()
        self.chosen.emit(self.value)

    def _on_chosen(self) -> None:
        self._offer_rest()
        self._letter()
        self.chosen.emit(self.value)


_HINTS = {
    "top": ("Top", "What lies at the top edge of the picture"),
    "left": ("Left", "What lies at the left edge of the picture"),
    "onward": ("Next slices", "Where the slices go, from the first to the last"),
}


def grey_image(pixels: np.ndarray) -> QImage:
    """Return (rows, columns) uint8 as a picture that holds its own copy."""
    rows, columns = pixels.shape
    data = np.ascontiguousarray(pixels)
    return QImage(data.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8).copy()


def _items(ends: Sequence[str] | dict[str, str]) -> list[tuple[str, str]]:
    return [(ENDS[end], end) for end in ends]
