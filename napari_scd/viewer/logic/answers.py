"""Answers to clicks, in the dock's terms, and how they are added to what is on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_scd.viewer.logic.clicks import ClickRecord, record_of
from napari_scd.viewer.logic.history import place_entry
from napari_scd.viewer.logic.merging import from_run, merge_confidence, merge_tokens
from napari_scd.viewer.logic.objects import carried_over

if TYPE_CHECKING:
    from napari_scd.engine import Click
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.result import Result
    from napari_scd.volume import LabelTable


class Clicked(NamedTuple):
    """Answer to a click, ready to be shown: made by the worker, to relieve the thread that draws.

    Parameters
    ----------
    label
        What was found, 0 = nothing.
    message
        What to say then.
    record
        The structure.
    run
        Token maps and report of the windows it took.
    """

    label: int
    message: str
    record: ClickRecord
    run: Result


def clicked(click: Click, view: SourceView, table: LabelTable, *, everything: bool) -> Clicked:
    """Return the engine's answer to a click in the dock's terms."""
    run = from_run(click.segmentation, view, table, "click")
    run.base = run.base_counts = None
    record = record_of(click, everything=everything)
    run.history[0] |= {**place_entry(record.place, view), "label": record.name if click.label else None}
    return Clicked(click.label, click.message, record, run)


def with_click(result: Result | None, answer: Clicked) -> Result:
    """Add a click to what is on screen; `result` is None when there is nothing of this image and model."""
    clicks = [answer.record] if answer.label else []
    if result is None:
        run = answer.run.copy(clicks=clicks)
    else:
        run = answer.run.copy(
            clicks=[*result.clicks, *clicks],
            base=result.base,
            base_counts=result.base_counts,
            edits=list(result.edits),
            history=result.history + answer.run.history,
        )
        merge_tokens(run, result)
        merge_confidence(run, result)
    run.repaint()
    return carried_over(run, result).copy(current=0)
