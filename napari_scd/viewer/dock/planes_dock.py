"""Opens and closes the three planes, and remembers whether they were open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, QTimer
from qtpy.QtWidgets import QPushButton

from napari_scd.viewer.dock.three_planes import TITLE, ThreePlanes

if TYPE_CHECKING:
    import napari

    from napari_scd.viewer.dock.below_canvas import BelowCanvas
    from napari_scd.viewer.dock.preferences import Settings
    from napari_scd.viewer.logic import Controller


class PlanesDock:
    """A button that is down while the three planes are open.

    Parameters
    ----------
    viewer
        The viewer to follow.
    below
        Where they open.
    controller
        Knows the chosen image.
    settings
        Remembers, in napari's Preferences, whether they were open.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, below: BelowCanvas, controller: Controller, settings: Settings
    ) -> None:
        self._viewer = viewer
        self._below = below
        self._control = controller
        self._settings = settings
        self._planes: ThreePlanes | None = None
        self._leaving = False
        self.button = QPushButton(TITLE)
        self.button.setObjectName("scd.planes")
        self.button.setCheckable(True)
        self.button.setToolTip("Axial, coronal and sagittal slices below the canvas, with one crosshair.")
        self.button.toggled.connect(self._on_toggled)
        if settings.preferences.three_planes:
            QTimer.singleShot(0, self._open_again)

    def close(self) -> None:
        """Close the planes with the dock, and remember that they were open."""
        self._leaving = True
        self._close()

    def _open_again(self) -> None:
        if not self._leaving:
            self.button.setChecked(True)

    def _on_toggled(self, on: bool) -> None:
        if on:
            planes = self._planes = ThreePlanes(self._viewer, self._control, self._on_closed)
            planes.reshaped.connect(lambda: self._below.fit_again(planes, planes.height_for))
            self._below.add(planes, TITLE, planes.height_for)
        else:
            self._close()
        self._settings.keep("three_planes", on)

    def _close(self) -> None:
        planes, self._planes = self._planes, None
        if planes is not None:
            self._below.remove(planes)
            planes.tear_down()

    def _on_closed(self) -> None:
        """Follow the X of their dock; a window that closes leaves them open for the next time."""
        if self._planes is not None:
            self._below.forget(self._planes)
        window = self.button.window()
        if self._planes is None or self._leaving or window is None or not window.isVisible():
            return
        self._planes = None
        with QSignalBlocker(self.button):
            self.button.setChecked(False)
        self._settings.keep("three_planes", False)
