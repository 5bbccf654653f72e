"""Which structures a clean-up helps: those that are better without stray parts, by the validation cases."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_scd.evaluation.summary import KeepRow

MOST_LOST_DICE = 0.0005
MOST_ADDED_MM = 0.05


def harmless_to(before: KeepRow, after: KeepRow, names: Iterable[str]) -> tuple[str, ...]:
    """Pick structures that lose neither Dice nor distance when their stray parts are removed.

    Structures that did not change on these cases are picked too: the next scan may have an island.

    Parameters
    ----------
    before, after : KeepRow
        The same cases and keep ratio, without and with the removal.
    names : iterable of str
        Structures to choose from.
    """
    return tuple(name for name in names if _is_harmless(before, after, name))


def _is_harmless(before: KeepRow, after: KeepRow, name: str) -> bool:
    old, new = before.structures[name], after.structures[name]
    loses = new.dice < old.dice - MOST_LOST_DICE
    farther = new.hd95_mm > old.hd95_mm + MOST_ADDED_MM or math.isnan(new.hd95_mm) > math.isnan(old.hd95_mm)
    return not loses and not farther
