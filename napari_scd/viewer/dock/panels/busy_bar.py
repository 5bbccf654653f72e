"""A progress bar that costs little while it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QProgressBar

if TYPE_CHECKING:
    from qtpy.QtGui import QHideEvent, QShowEvent

SWING_MS = 500


class BusyBar(QProgressBar):
    """Shows how far a run is; while that is not known, its filled half swings from side to side.

    Qt's own busy indicator redraws the window dozens of times a second. Without a graphics card, each redraw
    composes the canvas anew, which took a quarter of the processor time of a first click.

    Attributes
    ----------
    from_right
        Whether the bar is filled from the right at the moment.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("scd.progress")
        self.setTextVisible(False)
        self.from_right = self._waits = False
        self._swing = QTimer(self)
        self._swing.setInterval(SWING_MS)
        self._swing.timeout.connect(lambda: self._fill(from_right=not self.from_right))

    @property
    def swings(self) -> bool:
        """Whether the filled half moves."""
        return bool(self._swing.isActive())

    def wait(self) -> None:
        """Show that something runs whose length is not known."""
        self._waits = True
        self._set(1, 2)
        if self.isVisible():
            self._swing.start()

    def show_progress(self, done: int, total: int) -> None:
        """Show how much of a run is done."""
        self._waits = False
        self._swing.stop()
        self._fill(from_right=False)
        self._set(done, max(total, 1))

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Swing again if the length is still not known."""
        super().showEvent(event)
        if self._waits:
            self._swing.start()

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802 (Qt's name)
        """Rest while nobody looks."""
        super().hideEvent(event)
        self._swing.stop()

    def _set(self, done: int, total: int) -> None:
        """Change value and range together; Qt's bar would paint at once, each time, with the whole window."""
        self.setUpdatesEnabled(False)
        self.setRange(0, total)
        self.setValue(done)
        self.setUpdatesEnabled(True)

    def _fill(self, *, from_right: bool) -> None:
        self.from_right = from_right
        self.setInvertedAppearance(from_right)
