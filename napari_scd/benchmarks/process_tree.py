"""Memory of a process and all its children, as Linux reports it."""

from __future__ import annotations

from pathlib import Path

_KIB = 1024


class TreeMemory:
    """Peak memory of a process and its descendants, sampled repeatedly.

    Attributes
    ----------
    largest_bytes : int or None
        Of the largest process; None where the system does not report it.
    all_bytes : int or None
        Of all at one moment; memory that several share is counted once.
    """

    def __init__(self) -> None:
        self.largest_bytes: int | None = None
        self.all_bytes: int | None = None

    def look(self, process: int) -> None:
        """Look at a process and its descendants now."""
        family = _family(process)
        peaks = [peak for peak in (_field(one, "status", "VmHWM") for one in family) if peak]
        parts = [part for part in (_field(one, "smaps_rollup", "Pss") for one in family) if part]
        self.largest_bytes = max([*peaks, self.largest_bytes or 0]) or None
        self.all_bytes = max(sum(parts), self.all_bytes or 0) or None


def _family(process: int) -> list[int]:
    """Return a process and all below it."""
    found, waiting = [], [process]
    while waiting:
        one = waiting.pop()
        found.append(one)
        try:
            for children in Path(f"/proc/{one}/task").glob("*/children"):
                waiting += [int(word) for word in children.read_text(encoding="ascii").split()]
        except OSError:  # it has just ended
            continue
    return found


def _field(process: int, file: str, name: str) -> int | None:
    """Return a field of one of the system's files about a process, in bytes."""
    try:
        text = Path(f"/proc/{process}/{file}").read_text(encoding="ascii")
    except OSError:
        return None
    lines = (line for line in text.splitlines() if line.startswith(f"{name}:"))
    return next((int(line.split()[1]) * _KIB for line in lines), None)
