"""Keeps napari's window on the screen where large type makes its own panels higher than that."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

STACKED = ("layer controls", "layer list")
NO_LIMIT = 10**6


class FitScreen(QObject):
    """Makes tabs of napari's two panels on the left while the window would be higher than the screen.

    napari stacks them. At a font size of 16 points, the controls of a Labels layer alone need 580 pixels in
    3D, and the window 820: on a screen of 720 pixels, its lower edge with the dock's buttons would be out of
    reach.
    """

    def __init__(self) -> None:
        super().__init__()
        self._window: QMainWindow | None = None
        self._tabbed = False

    def follow(self, window: QWidget) -> None:
        """Keep a window on its screen from now on."""
        if self._window is None and isinstance(window, QMainWindow):
            self._window = window
            window.installEventFilter(self)
            self.look()

    def close(self) -> None:
        """Stack the panels again, and stop listening."""
        window, self._window = self._window, None
        with suppress(RuntimeError):  # Qt has deleted the window
            if window is not None:
                window.removeEventFilter(self)
                panels = _panels(window)
                if self._tabbed and panels is not None:
                    area = window.dockWidgetArea(panels[0])
                    window.removeDockWidget(panels[1])  # tabs cannot be split
                    window.addDockWidget(area, panels[1])
                    panels[1].show()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802 (Qt's name)
        """Look again when the window grew."""
        if event is not None and event.type() == QEvent.Type.Resize and not self._tabbed:
            QTimer.singleShot(0, self.look)
        return False

    def look(self) -> None:
        """Make tabs if the window does not fit."""
        window = self._window
        panels = None if window is None or self._tabbed else _panels(window)
        if window is None or panels is None:
            return
        if window.minimumSizeHint().height() > _height_on_screen(window):
            self._tabbed = True
            window.tabifyDockWidget(*panels)
            panels[0].raise_()
            QTimer.singleShot(0, self._shrink)

    def _shrink(self) -> None:
        window = self._window
        if window is not None and window.height() > _height_on_screen(window):
            window.resize(window.width(), _height_on_screen(window))


def _panels(window: QMainWindow) -> tuple[QDockWidget, QDockWidget] | None:
    """Return napari's two panels, where both are in the window."""
    found: list[Any] = [window.findChild(QDockWidget, name) for name in STACKED]
    if any(one is None or one.isFloating() or one.isHidden() for one in found):
        return None
    return found[0], found[1]


def _height_on_screen(window: QWidget) -> int:
    screen, frame = window.screen(), window.frameGeometry().height() - window.height()
    return NO_LIMIT if screen is None else screen.availableGeometry().height() - frame
