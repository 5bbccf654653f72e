"""The keep ratio: how it may be given, and how many tokens it leaves at each stage. Needs no torch.

On its way from the slider to the network it has three forms: a `Keep` as the user gives it, one ratio
for each stage, and the number of tokens after each stage.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KEEP_RANGE = (0.05, 1.0)
Keep = float | tuple[float, ...] | None
"""One ratio for all stages, one for each stage, or None = those of the model itself."""


def check_keep(keep: Keep) -> None:
    """Reject anything that is not a keep ratio.

    Raises
    ------
    InputError
        If a ratio is not a number in `KEEP_RANGE`.

    Examples
    --------
    >>> check_keep((0.5, 0.25, 1))
    >>> check_keep(0.01)
    Traceback (most recent call last):
    ...
    napari_scd.errors.InputError: A keep ratio is a number from 0.05 to 1, not 0.01.
    """
    low, high = KEEP_RANGE
    for ratio in keep if isinstance(keep, tuple | list) else () if keep is None else (keep,):
        if not _is_number(ratio) or not low <= ratio <= high:
            raise InputError(f"A keep ratio is a number from {low:g} to {high:g}, not {ratio!r}.")


def keep_per_stage(keep: Keep, own: Sequence[float]) -> tuple[float, ...]:
    """One checked ratio for each stage; `own` are the model's.

    Raises
    ------
    InputError
        If there are not as many ratios as stages, or one is out of range.

    Examples
    --------
    >>> keep_per_stage(None, (0.1, 0.1)), keep_per_stage(0.5, (0.1, 0.1))
    ((0.1, 0.1), (0.5, 0.5))
    """
    check_keep(keep)
    if keep is None:
        return tuple(own)
    each = tuple(map(float, keep)) if isinstance(keep, tuple | list) else (float(keep),) * len(own)
    if len(each) != len(own):
        raise InputError(
            f"{len(each)} keep ratios for {len(own)} pruning stages: give one for all stages or one for each."
        )
    return each


def count_tokens(n_tokens: int, prune_ratios: Iterable[float], min_tokens: int = 1) -> tuple[int, ...]:
    """Tokens at the start and after each stage that drops a share of those still there.

    ``int(living * (1 - ratio))`` stay, as in the reference, and at least `min_tokens`.

    Examples
    --------
    >>> count_tokens(1728, (0.9, 0.9, 0.9))
    (1728, 172, 17, 1)
    """
    counts = [n_tokens]
    for ratio in prune_ratios:
        counts.append(min(counts[-1], max(int(counts[-1] * (1 - ratio)), min_tokens)))
    return tuple(counts)


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(float(value))
