"""The dock's keys: napari ignores a manifest's keybindings, so they are bound here; layer keys win."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
        for key, action in actions.items():
            self.bind(key, action)

    def bind(self, key: str, action: Callable[[], None]) -> None:
        """Let a key do something."""

        def pressed(viewer: Any) -> None:
            action()

        self._viewer.bind_key(key, pressed, overwrite=True)
        self._bound.add(key)

    def release(self, key: str) -> None:
        """Give a key back."""
        if key in self._bound:
            self._bound.discard(key)
            self._viewer.bind_key(key, None)

    def close(self) -> None:
        """Give every key back."""
        for key in tuple(self._bound):
            self.release(key)
