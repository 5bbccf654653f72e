"""Two small pictures: the funnel of tokens over the stages, and the saving curve behind the keep slider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPainterPath, QPen
from qtpy.QtWidgets import QSizePolicy, QSlider, QWidget

from napari_scd.engine import KEEP_RANGE
from napari_scd.viewer.layers import exit_colour

if TYPE_CHECKING:
    from collections.abc import Sequence

# a handle that stands out on both themes
_SLIDER = """
QSlider { background: transparent; }
QSlider::handle:horizontal {
    background: #4a90d9; border: 2px solid #ffffff; border-radius: 8px;
    width: 13px; height: 13px; margin: -7px 0;
}
QSlider::handle:horizontal:hover { background: #7ab3ea; }
"""


class Funnel(QWidget):
    """One bar per stage; its parts are tokens by the stage they leave at, in the exit-stage colours."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("scd.funnel")
        self.counts: tuple[int, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_counts(self, counts: Sequence[int]) -> None:
        """Show living tokens: (all, after stage 1, ..., after stage S)."""
        self.counts = tuple(counts)
        names = ("input" if stage == 0 else f"stage {stage}" for stage in range(len(self.counts)))
        self.setToolTip(" > ".join(f"{name} {n}" for name, n in zip(names, self.counts, strict=True)))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """One line of text per bar."""
        return QSize(200, len(self.counts) * (self.fontMetrics().height() + 3))

    def paintEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Draw names, bars and numbers."""
        if not self.counts:
            return
        painter = QPainter(self)
        text = self.palette().windowText().color()
        metrics = self.fontMetrics()
        height = metrics.height() + 3
        left = metrics.horizontalAdvance("stage 9") + 8
        right = metrics.horizontalAdvance(f"{self.counts[0]:,}") + 8
        full = max(self.width() - left - right, 10)
        n_stages = len(self.counts) - 1
        leaving = [*(a - b for a, b in zip(self.counts, self.counts[1:], strict=False)), self.counts[-1]]
        for row, count in enumerate(self.counts):
            top = row * height
            painter.setPen(text)
            name = "input" if row == 0 else f"stage {row}"
            painter.drawText(QRectF(0, top, left, height), Qt.AlignmentFlag.AlignVCenter, name)
            x = float(left)
            for value in range(n_stages + 1, row, -1):
                width = full * leaving[value - 1] / max(self.counts[0], 1)
                painter.fillRect(QRectF(x, top + 3, width, height - 6), QColor(exit_colour(value, n_stages)))
                x += width
            painter.drawText(
                QRectF(self.width() - right, top, right, height),
                Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
                f"{count:,}",
            )
        painter.end()


class KeepSlider(QSlider):
    """Share of tokens each stage keeps, over the faint curve of what that saves; a tick = the model's own."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(5, 100)
        self.setSingleStep(1)
        self.setPageStep(5)
        self.setMinimumHeight(34)
        self.setStyleSheet(_SLIDER)
        self._curve: list[tuple[float, float]] = []
        self._default: float | None = None

    def set_curve(self, curve: Sequence[tuple[float, float]], default: float | None) -> None:
        """Set points (keep, share saved) and the model's own keep ratio."""
        self._curve, self._default = list(curve), default
        self.update()

    @property
    def keep(self) -> float:
        """The keep ratio, within `KEEP_RANGE`."""
        return self.value() / 100

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Leave the wheel to the scroll area."""
        event.ignore()

    def paintEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Draw the curve, then the slider over it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = self.palette().windowText().color()
        if self._curve:
            path = QPainterPath(QPointF(self._x(self._curve[0][0]), self.height()))
            for keep, saved in self._curve:
                path.lineTo(self._x(keep), self.height() * (1 - 0.95 * max(saved, 0.0)))
            path.lineTo(self._x(self._curve[-1][0]), self.height())
            colour.setAlphaF(0.2)
            painter.fillPath(path, colour)
        if self._default is not None:
            colour.setAlphaF(0.7)
            painter.setPen(QPen(colour, 1.5))
            x = self._x(self._default)
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height() * 0.3))
        painter.end()
        super().paintEvent(event)

    def _x(self, keep: float) -> float:
        margin = 8.0
        return margin + (self.width() - 2 * margin) * (keep - KEEP_RANGE[0]) / (KEEP_RANGE[1] - KEEP_RANGE[0])
