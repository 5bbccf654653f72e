"""Cancel: stops what the user asked for, whether it runs or waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.jobs import ASKED, BY_WINDOWS

if TYPE_CHECKING:
    from napari_scd.viewer.logic.dock_state import DockState


def cancel(state: DockState) -> None:
    """Stop the running job, a run after its current window; what it found stays."""
    jobs = state.jobs
    if jobs.running in ASKED:
        by_windows = jobs.running in BY_WINDOWS
        jobs.cancel()
        state.say(sentences.CANCELLING if by_windows else sentences.STOPPING)
    elif any(kind in ASKED for kind in jobs.waiting):
        jobs.drop(*ASKED)
        if state.ready is None:
            state.say(sentences.loading(str(state.choices.model)))
        else:
            state.say_current(sentences.STOPPED)
