"""What an entry of the corpus is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Entry(NamedTuple):
    """One input somebody will give us one day.

    Attributes
    ----------
    name : str
        What it is, in words.
    says : str
        Part of the sentence it gets; empty where nothing needs to be said.
    make : callable or tuple
        Makes the input in a folder, as its family wants it; for settings the words themselves.
    accepted : bool
        Odd but usable: the work is done, `says` is part of a warning.
    """

    name: str
    says: str
    make: Callable[..., Any] | tuple[str, ...]
    accepted: bool = False

    @property
    def fate(self) -> str:
        """What becomes of it, in the table."""
        if not self.accepted:
            return "refused"
        return "used, with a warning" if self.says else "used"
