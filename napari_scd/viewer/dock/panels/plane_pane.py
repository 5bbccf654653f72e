"""One slice with outlines, a crosshair and orientation letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, QSizeF, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_scd.viewer.dock.panels.plane_zoom import PlaneZoom

if TYPE_CHECKING:
    import numpy as np

    from napari_scd.viewer.layers import SlicePlane

CROSSHAIR = QColor("#ffb300")
GAP_PX = 8.0  # of the crosshair around its middle
LETTER_GAP_PX = 6.0  # between the caption and the letter beside it
NOTCH = 120.0  # of the wheel, in Qt's eighths of a degree
HINT = (
    "{}: press to move the crosshair, turn the wheel to change the slice. Ctrl+wheel zooms, dragging with "
    "the right or middle button pans, a double click shows the whole slice again."
)


class PlanePane(QWidget):
    """Shows one plane.

    A press or drag moves the crosshair, the wheel goes through the slices; with Ctrl it zooms. A drag with
    the right or middle button pans, and a double click resets both.
    """

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
        self._zoom = PlaneZoom()
        self._dragged_from: QPointF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(100, 96)  # with which the window fits a screen of 720 pixels
        self.setToolTip(HINT.format(plane.name))

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
        moved = cross != self._cross
        self._aspect, self._cross, self._caption = aspect, cross, caption
        self._doubt = "?" if doubt else ""
        if moved:
            self._keep_cross_in_sight()
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
        """Move the crosshair, or begin to pan."""
        if event.button() in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
            self._dragged_from = event.position()
        else:
            self._point(event)

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Move the crosshair on, or pan."""
        if self._dragged_from is None:
            self._point(event)
            return
        self._zoom.pan(event.position() - self._dragged_from, QRectF(self.rect()), self._size())
        self._dragged_from = event.position()
        self.update()

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """End a pan."""
        if event.button() in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
            self._dragged_from = None

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Show the whole slice again."""
        self._zoom.reset()
        self.update()

    def contextMenuEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Keep the window's list of docks away: the right button pans."""
        event.accept()

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Go to the next slice, or back; zoom with Ctrl."""
        turned = event.angleDelta().y()
        if turned and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom.turn(turned / NOTCH, event.position(), QRectF(self.rect()), self._size())
            self.update()
        elif turned:
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
        zoom = "" if self._zoom.factor == 1 else f"  ×{self._zoom.factor:.1f}"
        caption, above = self._caption + zoom, box
        metrics = painter.fontMetrics()
        room = (box.width() - metrics.horizontalAdvance(top + self._doubt)) / 2 - LETTER_GAP_PX
        if metrics.horizontalAdvance(caption) > room:
            above = box.adjusted(0, metrics.lineSpacing(), 0, 0)
        texts = (
            (top + self._doubt, ways.AlignTop | ways.AlignHCenter, above),
            (bottom + self._doubt, ways.AlignBottom | ways.AlignHCenter, box),
            (left + self._doubt, ways.AlignLeft | ways.AlignVCenter, box),
            (right + self._doubt, ways.AlignRight | ways.AlignVCenter, box),
            (caption, ways.AlignTop | ways.AlignLeft, box),
        )
        for colour, moved in (("black", 1), ("white", 0)):  # a shadow, to be read on bright tissue
            painter.setPen(QColor(colour))
            for text, way, where in texts:
                painter.drawText(where.translated(moved, moved), way, text)

    def _area(self) -> QRectF:
        """Where the slice is drawn."""
        return self._zoom.area(QRectF(self.rect()), self._size())

    def _size(self) -> QSizeF:
        """Width and height of the slice, in widths of a pixel."""
        return QSizeF(self._image.width(), self._image.height() * self._aspect)

    def _keep_cross_in_sight(self) -> None:
        """Pan to the crosshair where it left the pane."""
        pane, place = QRectF(self.rect()), self.place_of(self._cross)
        if not self._image.isNull() and not pane.contains(place):
            self._zoom.pan(pane.center() - place, pane, self._size())

    def _point(self, event: Any) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and not self._image.isNull():
            self.pointed.emit(*self.pixel_at(event.position()))
