"""Names of a room that are imported when they are first used, so that entering the room costs nothing."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def on_first_use(room: str, home_of: Mapping[str, str]) -> Callable[[str], Any]:
    """Make the ``__getattr__`` of a room's ``__init__``.

    Parameters
    ----------
    room : str
        ``__name__`` of the room.
    home_of : mapping
        Public name -> the room's module that defines it.

    Examples
    --------
    >>> fetch = on_first_use("napari_scd.engine", {"Request": "request"})
    >>> fetch("Request").__module__
    'napari_scd.engine.request'
    """

    def fetch(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        value = getattr(import_module(f"{room}.{home_of[name]}"), name)
        setattr(sys.modules[room], name, value)  # so that the next use costs no look-up
        return value

    return fetch
