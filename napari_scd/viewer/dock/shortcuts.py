"""The dock's keys: napari ignores a manifest's keybindings, so they are bound here; layer keys win."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    import napari


class Keys:
    """Keys bound to a viewer; `close` gives them all back.

    Parameters
    ----------
    viewer
        The viewer to bind to.
    actions
        What each key does, such as ``{"G": segment}``.
    """

    def __init__(self, viewer: napari.viewer.Viewer, actions: Mapping[str, Callable[[], None]]) -> None:
        self._viewer = viewer
        self._bound: set[str] = set()
        self._pressed: dict[str, Callable[[Any], None]] = {}
        self._layers: dict[Hashable, tuple[Any, tuple[str, ...]]] = {}
        for key, action in actions.items():
            self.bind(key, action)

    def bind(self, key: str, action: Callable[[], None]) -> None:
        """Let a key do something."""

        def pressed(viewer: Any) -> None:
            action()

        self._pressed[key] = pressed
        self._viewer.bind_key(key, pressed, overwrite=True)
        self._bound.add(key)

    def press(self, event: Any) -> bool:
        """Do what a Qt key event asks for; return whether it is one of the keys."""
        shift, control = (
            bool(event.modifiers() & way)
            for way in (Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier)
        )
        letter = QKeySequence(event.key()).toString()
        key = f"{'Control-' * control}{'Shift-' * shift}{letter if len(letter) == 1 else 'Escape'}"
        if key not in self._bound or (len(letter) > 1 and event.key() != Qt.Key.Key_Escape):
            return False
        self._pressed[key](self._viewer)
        return True

    def release(self, key: str) -> None:
        """Give a key back."""
        if key in self._bound:
            self._bound.discard(key)
            self._viewer.bind_key(key, None)

    def bind_in(self, layers: Sequence[Any], keys: Sequence[str]) -> None:
        """Let keys do the same while one of these layers is selected; layers have keys of their own."""
        for layer in layers:
            if layer.unique_id not in self._layers:
                self._layers[layer.unique_id] = layer, tuple(keys)
                for key in keys:
                    layer.bind_key(key, self._pressed[key], overwrite=True)

    def close(self) -> None:
        """Give every key back."""
        for layer, keys in self._layers.values():
            for key in keys:
                layer.bind_key(key, None)
        self._layers.clear()
        for key in tuple(self._bound):
            self.release(key)
