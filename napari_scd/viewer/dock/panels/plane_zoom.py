"""How far a plane is zoomed in, and where: pure geometry of a slice in its pane."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, QSizeF

MOST = 16.0
STEP = 1.25  # a notch of the wheel


class PlaneZoom:
    """Where a slice is drawn in its pane: all of it at first; zoomed in about the mouse, and panned.

    The middle of the pane always shows some of the slice, and a slice that is not zoomed in stays centred.
    """

    def __init__(self) -> None:
        self.factor = 1.0
        self._shift = QPointF()  # of the slice's middle from the pane's

    def area(self, pane: QRectF, size: QSizeF) -> QRectF:
        """Return where a slice of this size is drawn, with its own aspect."""
        scale = self.factor * min(pane.width() / max(size.width(), 1), pane.height() / max(size.height(), 1))
        area = QRectF(0, 0, size.width() * scale, size.height() * scale)
        area.moveCenter(pane.center() + self._held(area))
        return area

    def turn(self, notches: float, at: QPointF, pane: QRectF, size: QSizeF) -> None:
        """Zoom in (above 0) or out; what lies under the mouse stays there."""
        before = self.area(pane, size)
        self.factor = min(max(self.factor * STEP**notches, 1.0), MOST)
        grown = self.area(pane, size).width() / max(before.width(), 1e-6)
        self._shift = (before.center() - at) * grown + at - pane.center()
        self._hold(pane, size)

    def pan(self, way: QPointF, pane: QRectF, size: QSizeF) -> None:
        """Move the slice."""
        self._shift = self._shift + way
        self._hold(pane, size)

    def reset(self) -> None:
        """Show all of the slice again."""
        self.factor, self._shift = 1.0, QPointF()

    def _hold(self, pane: QRectF, size: QSizeF) -> None:
        self._shift = self.area(pane, size).center() - pane.center()

    def _held(self, area: QRectF) -> QPointF:
        right, down = (area.width() / 2, area.height() / 2) if self.factor > 1 else (0.0, 0.0)
        return QPointF(min(max(self._shift.x(), -right), right), min(max(self._shift.y(), -down), down))
