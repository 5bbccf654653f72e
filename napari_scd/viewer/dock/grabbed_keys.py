"""Keys that count while clicking is on, whatever is selected: X held means "not this", O starts an object.

Image and Labels layers have keys of their own for both letters, which would win over the dock's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TYPING = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox)
KEYS = (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)


class GrabbedKeys(QObject):
    """Takes two keys of one window while it is on.

    Parameters
    ----------
    window
        Returns the window.
    new_object
        Called for O.
    """

    def __init__(self, window: Callable[[], QWidget | None], new_object: Callable[[], None]) -> None:
        super().__init__()
        self._window = window
        self._new_object = new_object
        self.x_held = False

    def start(self) -> None:
        """Take the keys."""
        application = QApplication.instance()
        assert application is not None
        application.installEventFilter(self)

    def stop(self) -> None:
        """Leave the keys to the viewer."""
        self.x_held = False
        application = QApplication.instance()
        if application is not None:
            application.removeEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 (Qt's name)
        """Take X and O where nothing is being typed."""
        if event.type() == QEvent.Type.ApplicationDeactivate:
            self.x_held = False
        if event.type() not in KEYS or event.key() not in (Qt.Key.Key_X, Qt.Key.Key_O):
            return False
        if event.modifiers() != Qt.KeyboardModifier.NoModifier or not self._is_ours(watched):
            return False
        pressed = event.type() == QEvent.Type.KeyPress
        if event.key() == Qt.Key.Key_X and not event.isAutoRepeat():
            self.x_held = pressed
        elif event.key() == Qt.Key.Key_O and pressed and not event.isAutoRepeat():
            self._new_object()
        return True

    def _is_ours(self, watched: Any) -> bool:
        focus, window = QApplication.focusWidget(), self._window()
        if isinstance(focus, TYPING) or (isinstance(focus, QComboBox) and focus.isEditable()):
            return False
        if isinstance(watched, QWidget):
            return watched.window() is window
        return window is not None and watched is window.windowHandle()
