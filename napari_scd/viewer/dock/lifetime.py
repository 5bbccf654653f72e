"""A widget that notices when its dock or its window is closed."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QWidget


class DockedWidget(QWidget):
    """Calls `let_go` once, when the dock lets go of it or the window around it closes.

    A dock's X fires neither closeEvent nor destroyed, but takes the widget's parent away. A window that
    closes fires Close, but may merely ask whether it should: it has gone only when it is hidden afterwards.
    """

    def __init__(self) -> None:
        super().__init__()
        self._docked = self._let_go = False
        self._outer: QWidget | None = None

    @property
    def gone(self) -> bool:
        """Whether `let_go` was called."""
        return self._let_go

    def let_go(self) -> None:
        """Free what the widget holds; subclasses add to this."""

    def tear_down(self) -> None:
        """Let go, unless that has been done."""
        if self._let_go:
            return
        self._let_go = True
        if self._outer is not None and not _deleted(self._outer):
            self._outer.removeEventFilter(self)
        self._outer = None
        self.let_go()

    def event(self, event: Any) -> bool:
        """Notice a new parent, or that there is none."""
        if event.type() == QEvent.Type.ParentChange:
            if self.parent() is not None:
                self._docked = True
            elif self._docked:
                self.tear_down()
        return bool(super().event(event))

    def showEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Watch the window around the widget."""
        outer = self.window()
        if not self._let_go and outer is not None and outer is not self._outer:
            self._outer = outer
            outer.installEventFilter(self)
        super().showEvent(event)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 (Qt's name)
        """Notice that the window closes."""
        if event.type() == QEvent.Type.Close and not self._let_go:
            QTimer.singleShot(0, self._tear_down_if_window_gone)
        return False

    def _tear_down_if_window_gone(self) -> None:
        outer = self._outer
        if not self._let_go and (outer is None or _deleted(outer) or not outer.isVisible()):
            self.tear_down()


def _deleted(window: QWidget) -> bool:
    try:
        window.objectName()
    except RuntimeError:  # Qt has deleted what Python still holds
        return True
    return False
