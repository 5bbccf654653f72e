"""What the status line says after a click: what was found, how large it is, and how far from the click."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.viewer.logic import status as sentences
from napari_scd.viewer.logic.apart import sizes_of
from napari_scd.viewer.logic.wording import millilitres, sentence
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    from napari_scd.viewer.logic.answers import Clicked
    from napari_scd.viewer.logic.clicks import ClickRecord
    from napari_scd.viewer.logic.result import Result

MOSTLY = 0.5  # of a structure's voxels


def after_click(answer: Clicked, result: Result) -> Status:
    """Say what the last click found; `result` holds it already."""
    record = answer.record
    if not answer.label:
        return Status(State.PREVIEW, sentence(answer.message))
    if record.everything:
        return sentences.clicked_everything(len(np.unique(record.values[record.values > 0])))
    size_ml = float((record.values > 0).sum()) * result.voxel_ml
    away_mm = distance_mm(record, result.view.spacing_mm)
    if away_mm:
        return Status(
            State.PREVIEW,
            f"Nothing exactly at the click; {record.name}, {millilitres(size_ml)}, begins {away_mm:.0f} mm "
            "away and is in the preview now. Ctrl+Z undoes it.",
        )
    return sentences.clicked(record.name, size_ml, len(sizes_of(result)))


def beside_known(answer: Clicked, shown: Result | None) -> Status | None:
    """Say that a click beside a structure on screen changes nothing; None when there is something new.

    The nearest structure is taken where nothing lies under a click. When that one is on screen already, the
    user has missed it, and wants it neither painted again nor changed.
    """
    record = answer.record
    if shown is None or not answer.label or record.everything or record.holds(record.place):
        return None
    found = record.values > 0
    known = np.count_nonzero(shown.labels[record.box][found] == record.values[found])
    if known <= MOSTLY * np.count_nonzero(found):
        return None
    away_mm = distance_mm(record, shown.view.spacing_mm)
    return Status(
        State.PREVIEW,
        f"Nothing exactly at the click, and nothing was changed: {record.name}, {away_mm:.0f} mm away, is in "
        "the preview already. Click inside it to remove it.",
    )


def distance_mm(record: ClickRecord, spacing_mm: tuple[float, float, float]) -> float:
    """Return how far from the click the nearest voxel of what was found lies; 0 = it lies under the click."""
    if record.holds(record.place):
        return 0.0
    start = np.array([side.start for side in record.box])
    away = (np.argwhere(record.values) + start - np.asarray(record.place)) * np.asarray(spacing_mm)
    return float(np.sqrt(np.square(away).sum(axis=1).min()))
