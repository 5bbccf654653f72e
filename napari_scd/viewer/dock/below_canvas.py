"""Docks below the canvas: they leave the columns beside it their height, and get room to be read."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari

_CORNERS = {
    Qt.Corner.BottomLeftCorner: Qt.DockWidgetArea.LeftDockWidgetArea,
    Qt.Corner.BottomRightCorner: Qt.DockWidgetArea.RightDockWidgetArea,
}


class BelowCanvas:
    """Opens docks below the canvas of one window; a second one becomes a tab beside the first.

    By default, a dock at the bottom runs below the columns on both sides too. On a screen of 720 pixels these
    need so much height that less than 120 pixels are left for the dock. So while one of ours is open, the
    columns reach down to the bottom of the window.

    Parameters
    ----------
    viewer
        The viewer whose window it is.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._open: dict[QWidget, int] = {}  # and the height each was given, in pixels
        self._before: dict[Qt.Corner, Qt.DockWidgetArea] = {}
        self._window: QMainWindow | None = None

    def add(self, widget: QWidget, title: str, height_px: Callable[[int, int], int]) -> None:
        """Open a dock around a widget.

        Parameters
        ----------
        height_px
            How high it is to be, given width and height of the canvas and what lies below it, in pixels.
        """
        self._viewer.window.add_dock_widget(widget, name=title, area="bottom", tabify=True)
        found = _dock_and_window(widget)
        if found is None:
            return
        dock, window = found
        if not self._open:
            self._window, self._before = window, {corner: window.corner(corner) for corner in _CORNERS}
        self._open[widget] = 0
        for corner, area in _CORNERS.items():
            window.setCorner(corner, area)
        dock.raise_()
        self._fit(widget, dock, window, height_px)

    def fit_again(self, widget: QWidget, height_px: Callable[[int, int], int]) -> None:
        """Set the height of the dock around a widget anew, as `add` does, unless the user has changed it."""
        found = _dock_and_window(widget)
        if found is not None and found[0].height() == self._open.get(widget):
            self._fit(widget, *found, height_px)

    def _fit(
        self, widget: QWidget, dock: QDockWidget, window: QMainWindow, height_px: Callable[[int, int], int]
    ) -> None:
        canvas, layout = window.centralWidget(), window.layout()
        if canvas is None or layout is None:
            return
        layout.activate()
        wanted = height_px(canvas.width(), canvas.height() + dock.height())
        window.resizeDocks([dock], [wanted], Qt.Orientation.Vertical)
        layout.activate()
        self._open[widget] = dock.height()

    def remove(self, widget: QWidget) -> None:
        """Close the dock around a widget."""
        self.forget(widget)
        self._viewer.window.remove_dock_widget(widget)

    def forget(self, widget: QWidget) -> None:
        """Take note that the dock around a widget was closed."""
        self._open.pop(widget, None)
        if self._window is not None and not self._open:
            with suppress(RuntimeError):  # Qt has deleted the window
                for corner, area in self._before.items():
                    self._window.setCorner(corner, area)
            self._window = None


def _dock_and_window(widget: QWidget) -> tuple[QDockWidget, QMainWindow] | None:
    outer: QWidget | None = widget
    while outer is not None and not isinstance(outer, QDockWidget):
        outer = outer.parentWidget()
    window = None if outer is None else outer.parentWidget()
    return (outer, window) if outer is not None and isinstance(window, QMainWindow) else None
