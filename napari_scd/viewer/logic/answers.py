"""Answers to clicks, in the dock's terms, and how they are added to what is on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_scd.viewer.logic.clicks import ClickRecord, record_of
from napari_scd.viewer.logic.result import Result, from_run, merge_tokens

if TYPE_CHECKING:
    from napari_scd.engine import Click
    from napari_scd.viewer.layers import SourceView
    from napari_scd.volume import LabelTable


class Clicked(NamedTuple):
    """Answer to a click, ready to be put on screen: made by the worker, to spare the thread that draws.

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
    run = from_run(click.segmentation, view, table)
    run.base = run.base_counts = None
    return Clicked(click.label, click.message, record_of(click, everything=everything), run)


def with_click(result: Result | None, answer: Clicked) -> Result:
    """Add a click to what is on screen; `result` is None when there is nothing of this image and model."""
    run = answer.run
    clicks = [answer.record] if answer.label else []
    if result is not None:
        clicks = [*result.clicks, *clicks]
        run.base, run.base_counts = result.base, result.base_counts
        merge_tokens(run, result)
    run.clicks = clicks
    run.repaint()
    return run
