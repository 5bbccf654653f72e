"""Look values up in the nested groups of a DICOM header."""

from __future__ import annotations

import math
from typing import Any


class Nested:
    """Values from several groups, in order of precedence: the frame's own, the shared one, the file's.

    Parameters
    ----------
    groups
        Data sets; None where there is no such group.
    """

    def __init__(self, groups: tuple[Any, ...]) -> None:
        self.groups = [group for group in groups if group is not None]

    def value(self, name: str, sequence: str = "") -> Any:
        """Return the first value of that name, in the sequence or beside it; None where there is none.

        Parameters
        ----------
        sequence
            Where enhanced files keep it; "A/B" for a sequence inside another.
        """
        for group in self.groups:
            places = [group]
            for step in filter(None, sequence.split("/")):
                inner = places[0].get(step)
                if not inner:
                    break
                places.insert(0, inner[0])
            for place in places:
                found = place.get(name)
                if found is not None and found != "":
                    return found
        return None

    def exact(self, name: str, sequence: str, default: float) -> float:
        """Return a number that must be right: ValueError where the file says something else."""
        number = _first(self.value(name, sequence), default)
        if not math.isfinite(number):
            raise ValueError(name)
        return number

    def number(self, name: str, sequence: str = "") -> float:
        """Return a number that may be missing or wrong: 0 then."""
        try:
            return self.exact(name, sequence, 0.0)
        except (ValueError, TypeError, IndexError, OverflowError):
            return 0.0

    def numbers(self, name: str, sequence: str, count: int) -> tuple[float, ...]:
        """Return this many numbers; none if the file has another count."""
        value = self.value(name, sequence)
        if value is None or isinstance(value, str) or not hasattr(value, "__len__") or len(value) != count:
            return ()
        numbers = tuple(float(number) for number in value)
        if not all(map(math.isfinite, numbers)):
            raise ValueError(name)
        return numbers

    def text(self, name: str, sequence: str = "") -> str:
        """Return a text; that of several values joined by a backslash, as DICOM joins them."""
        value = self.value(name, sequence)
        if value is None:
            return ""
        return str(value) if isinstance(value, str) else "\\".join(map(str, _listed(value)))


def whole(value: Any) -> int:
    """Return a whole number, 0 where there is none."""
    return int(value) if value not in (None, "") else 0


def _first(value: Any, default: float) -> float:
    values = _listed(value)
    return float(values[0]) if values and values[0] is not None else default


def _listed(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
