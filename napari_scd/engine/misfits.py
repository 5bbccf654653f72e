"""Whether an answer looks like those to scans the model was made for: doubts are reported, never acted on.

A network answers whatever it is shown. Given a brain, a model for abdomens finds a liver of plausible size,
but also fragments of kidneys and of a spleen, of which it is unsure. So every structure counts the same,
however small: doubtful are a low mean of their mean probabilities, and sizes that no such structure has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.engine.postprocess import mean_certainty

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_scd.engine.report import Report
    from napari_scd.volume import LabelTable, Recipe, Volume

_MOST_NAMED = 4


def with_confidence(
    report: Report,
    labels: Volume,
    confidence: Volume,
    certainties: Mapping[int, float],
    *,
    recipe: Recipe,
    table: LabelTable,
) -> Report:
    """Add to a report how sure the structures are and why the scan may not fit the model.

    That is asked of whole scans, and of clicks on models that answer nothing but clicks.

    Parameters
    ----------
    report : Report
    labels : Volume uint8
    confidence : Volume uint8
        Per cent, on the grid of the labels.
    certainties : mapping of int to float
        Mean probability of every structure that was found, those not asked for included.
    recipe : Recipe
        Says what is usual.
    table : LabelTable
    """
    means = mean_certainty(labels.array, confidence.array, table.indices)
    report = replace(report, confidence={table.name_of(i): round(mean, 4) for i, mean in means.items()})
    is_whole = bool(confidence.array.all())
    if not report.complete or not (is_whole or recipe.field == "click"):
        return report
    asked = certainties if is_whole else means
    sentences = (_unsure(report, asked, recipe), _unusual_sizes(report, labels, recipe, table))
    return replace(report, misfits=tuple(sentence for sentence in sentences if sentence))


def _on_border(labels: Volume) -> set[int]:
    """Ids of labels on the six outer planes of a scan."""
    planes = (labels.array.take(end, axis) for axis in range(3) for end in (0, -1))
    return {int(index) for plane in planes for index in np.unique(plane) if index}


def _unsure(report: Report, certainties: Mapping[int, float], recipe: Recipe) -> str:
    if not certainties:
        return ""
    mean = sum(certainties.values()) / len(certainties)
    if mean >= recipe.usual_confidence:
        return ""
    return (
        f"{report.model} is only {mean:.0%} sure of its structures (usually {recipe.usual_confidence:.0%} or "
        "more)."
    )


def _unusual_sizes(report: Report, labels: Volume, recipe: Recipe, table: LabelTable) -> str:
    """Name structures of impossible sizes; those that the border of the scan cuts off may be small."""
    cut = _on_border(labels) if recipe.usual_ml else set()
    usual = dict(enumerate(recipe.usual_ml, start=1))
    odd = []
    for label in table.labels:
        size_ml, (low, high) = report.volumes_ml.get(label.name, 0.0), usual.get(label.index, (0.0, np.inf))
        too_small = 0 < size_ml < low and label.index not in cut
        if too_small or size_ml > high:
            odd.append(f"{label.name} {_text(size_ml)} ml (usually {_text(low)} to {_text(high)})")
    if not odd:
        return ""
    more = f" and {len(odd) - _MOST_NAMED} more" if len(odd) > _MOST_NAMED else ""
    return f"Unusual sizes: {', '.join(odd[:_MOST_NAMED])}{more}."


def _text(size_ml: float) -> str:
    """Millilitres with about three digits: "0.37", "12,000"."""
    return f"{size_ml:,.0f}" if size_ml >= 100 else f"{size_ml:.3g}"
