"""What the dock is doing, and the line that says so; public, so that scripts can wait for a state."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class State(Enum):
    """What the dock is doing."""

    NO_IMAGE = "no image"
    BAD_INPUT = "bad input"
    WARN_GEOMETRY = "no voxel size"
    WARN_ORIENTATION = "orientation unknown"
    WARN_FIT = "the scan may not fit the model"
    PRELOADING = "preloading"
    LOADING = "loading"
    READY = "ready"
    PREVIEW = "preview"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    DONE = "done"
    STALE = "stale"
    ERROR = "error"


BUSY = frozenset({State.PRELOADING, State.LOADING, State.RUNNING, State.CANCELLING})


class Remedy(NamedTuple):
    """A button beside an error: its text and the name of what it does."""

    text: str
    action: str


class Status(NamedTuple):
    """The status line: a state, its sentence, a remedy and what else the user should know."""

    state: State
    sentence: str
    remedy: Remedy | None = None
    warnings: tuple[tuple[State, str], ...] = ()
