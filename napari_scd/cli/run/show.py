"""Open files in napari, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from napari_scd.cli.console import say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_STARTS_WITHIN_S = 2.0


def has_display() -> bool:
    """Whether a window can be opened here."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def show_in_napari(files: Sequence[Path], log: Path) -> None:
    """Start napari with some files and return while it opens; its messages go to the log file.

    Without a display a sentence says how to look at them later.
    """
    command = [sys.executable, "-m", "napari_scd", *map(str, files)]
    if not has_display():
        say(f"There is no display. To look at it later: python -m napari_scd {' '.join(map(str, files))}")
        return
    with log.open("wb") as messages:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, start_new_session=True
        )
    try:
        process.wait(_STARTS_WITHIN_S)
    except subprocess.TimeoutExpired:
        say("Opening napari.")
        return
    if process.returncode:
        warn(f"napari could not be opened; {log} says why.")
