"""One slice with outlines, a crosshair and orientation letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

if TYPE_CHECKING:
    import numpy as np

    from napari_scd.viewer.layers import SlicePlane

CROSSHAIR = QColor("#ffb300")
GAP_PX = 8.0  # of the crosshair around its middle


class PlanePane(QWidget):
    """Shows one plane; a press or drag moves the crosshair, the wheel goes through the slices."""

    pointed = Signal(int, int)  # row and column
    scrolled = Signal(int)  # slices

    def __init__(self, plane: SlicePlane) -> None:
        super().__init__()
        self.plane = plane
        self.setObjectName(f"scd.plane.{plane.name.lower()}")
        self._image = QImage()
        self._aspect = 1.0
        self._cross = (0, 0)
        self._caption, self._doubt = "", ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 190)
        self.setToolTip(f"{plane.name}: press to move the crosshair, turn the wheel to change the slice.")

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """Room enough to read a slice."""
        return QSize(240, 220)

    def show_slice(
        self, pixels: np.ndarray | None, aspect: float, cross: tuple[int, int], caption: str, *, doubt: bool
    ) -> None:
        """Show a slice.

        Parameters
        ----------
        pixels : (rows, columns, 3) uint8
            None = nothing to show.
        aspect
            Height of a pixel over its width.
        cross
            Row and column of the crosshair.
        caption
            Which slice it is.
        doubt
            Whether its orientation is only assumed.
        """
        self._image = QImage()
        if pixels is not None:
            rows, columns, _ = pixels.shape
            format_ = QImage.Format.Format_RGB888
            self._image = QImage(pixels.tobytes(), columns, rows, 3 * columns, format_).copy()
        self._aspect, self._cross, self._caption = aspect, cross, caption
        self._doubt = "?" if doubt else ""
        self.update()

    def pixel_at(self, place: QPointF) -> tuple[int, int]:
        """Row and column of the slice under a point of the widget; may lie outside."""
        area = self._area()
        column = (place.x() - area.left()) / max(area.width(), 1e-6) * self._image.width()
        row = (place.y() - area.top()) / max(area.height(), 1e-6) * self._image.height()
        return int(row // 1), int(column // 1)

    def place_of(self, pixel: tuple[int, int]) -> QPointF:
        """Point of the widget in the middle of a pixel of the slice."""
        area, (row, column) = self._area(), pixel
        return QPointF(
            area.left() + (column + 0.5) / max(self._image.width(), 1) * area.width(),
            area.top() + (row + 0.5) / max(self._image.height(), 1) * area.height(),
        )

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Move the crosshair."""
        self._point(event)

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Move the crosshair on."""
        self._point(event)

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Go to the next slice, or back."""
        turned = event.angleDelta().y()
        if turned:
            self.scrolled.emit(1 if turned > 0 else -1)
        event.accept()

    def paintEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Draw the slice, then what lies over it."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor("black"))
        if not self._image.isNull():
            painter.drawImage(self._area(), self._image)
            self._draw_crosshair(painter)
            self._draw_texts(painter)
        painter.end()

    def _draw_crosshair(self, painter: QPainter) -> None:
        middle, area = self.place_of(self._cross), self._area()
        painter.setPen(QPen(CROSSHAIR, 1))
        for start, end in (
            (QPointF(area.left(), middle.y()), QPointF(middle.x() - GAP_PX, middle.y())),
            (QPointF(middle.x() + GAP_PX, middle.y()), QPointF(area.right(), middle.y())),
            (QPointF(middle.x(), area.top()), QPointF(middle.x(), middle.y() - GAP_PX)),
            (QPointF(middle.x(), middle.y() + GAP_PX), QPointF(middle.x(), area.bottom())),
        ):
            painter.drawLine(start, end)

    def _draw_texts(self, painter: QPainter) -> None:
        box = QRectF(self.rect()).adjusted(4, 2, -4, -2)
        ways = Qt.AlignmentFlag
        top, bottom, left, right = self.plane.edges
        painter.setPen(QColor("white"))
        for letter, way in (
            (top, ways.AlignTop | ways.AlignHCenter),
            (bottom, ways.AlignBottom | ways.AlignHCenter),
            (left, ways.AlignLeft | ways.AlignVCenter),
            (right, ways.AlignRight | ways.AlignVCenter),
        ):
            painter.drawText(box, way, letter + self._doubt)
        painter.drawText(box, ways.AlignTop | ways.AlignLeft, self._caption)

    def _area(self) -> QRectF:
        """Where the slice is drawn: as large as fits, with the right aspect."""
        height, width = self._image.height() * self._aspect, float(self._image.width())
        scale = min(self.width() / max(width, 1), self.height() / max(height, 1))
        area = QRectF(0, 0, width * scale, height * scale)
        area.moveCenter(QRectF(self.rect()).center())
        return area

    def _point(self, event: Any) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and not self._image.isNull():
            self.pointed.emit(*self.pixel_at(event.position()))
