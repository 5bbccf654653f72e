"""Where and how large the first windows are, when nothing is known but a click."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.engine.prompts.focus import NOT_WORTH_IT

if TYPE_CHECKING:
    from napari_scd.engine.prompts.window import Floats, Place, ScanWindow, Space
    from napari_scd.engine.windows import Size3

FIRST_MM = (120.0, 180.0)
FIRST_SHARE = 0.6
"""The first window sees this share of the scan's second-longest edge, within the limits above.

What people point at in a scan of a trunk is larger than in one of a head.
"""
TRUNK_MM = 250.0
"""A scan whose second-longest edge is at least this long shows a trunk."""
WIDER = 1.4
"""In a scan of a trunk, a second window of the first look sees this much more along each edge."""
SMALL, FILLS = 0.3, 0.5
"""An object that fills a smaller share of a window is looked at again in one of which it fills this share."""
ROOM = 1.3
FINER_THAN_SCAN = 0.5


class Nearer(NamedTuple):
    """Where to look again, and at which spacing."""

    place: Place
    spacing_mm: float


def first_spacing_mm(space: Space, roi: Size3, extent_mm: float = 0.0) -> float:
    """Spacing of the first window, which sees no more than the whole scan.

    Parameters
    ----------
    space : Space
    roi : (z, y, x) int
    extent_mm : float
        Longest edge of what it must show; 0 = not known: 120 to 180 mm, by the size of the scan.

    Examples
    --------
    >>> from napari_scd.engine.prompts.window import Space
    >>> first_spacing_mm(Space((150, 250, 250), (3.0, 1.2, 1.2)), (64, 64, 64)) * 64
    180.0
    """
    if extent_mm:
        wanted_mm = ROOM * extent_mm / min(roi)
    else:
        wanted_mm = min(max(FIRST_SHARE * _second_longest_mm(space), FIRST_MM[0]), FIRST_MM[1]) / min(roi)
    return max(min(wanted_mm, space.whole_mm(roi)), FINER_THAN_SCAN * space.finest_mm)


def wider_spacing_mm(spacing_mm: float, space: Space, roi: Size3) -> float | None:
    """Spacing of a second window of a first look; None = one is enough.

    A click says nothing about size, so the network takes its idea of size from the window. In a scan of a
    trunk, where sizes differ most, two windows of different sizes are asked.

    Parameters
    ----------
    spacing_mm : float
        Of the first window.
    space : Space
    roi : (z, y, x) int

    Examples
    --------
    >>> from napari_scd.engine.prompts.window import Space
    >>> trunk, head = Space((150, 250, 250), (3.0, 1.2, 1.2)), Space((190, 230, 190), (1.0, 1.0, 1.0))
    >>> wider_spacing_mm(2.0, trunk, (64, 64, 64)), wider_spacing_mm(2.0, head, (64, 64, 64))
    (2.8, None)
    """
    wider_mm = min(WIDER * spacing_mm, space.whole_mm(roi))
    return wider_mm if _second_longest_mm(space) >= TRUNK_MM and wider_mm > spacing_mm else None


def look_nearer(found: Floats, window: ScanWindow, space: Space) -> Nearer | None:
    """Say where to look again if the object is small in its window; `found` is float32 of shape ``roi``."""
    places = np.argwhere(found >= 0.5)
    if not len(places):
        return None
    low, high = places.min(axis=0), places.max(axis=0)
    share = float(((high - low + 1) / window.roi).max())
    spacing_mm = max(window.spacing_mm * share / FILLS, space.finest_mm)
    if share >= SMALL or spacing_mm > NOT_WORTH_IT * window.spacing_mm:
        return None
    z, y, x = window.places_of((low + high)[None] / 2)[0].tolist()
    return Nearer((z, y, x), spacing_mm)


def _second_longest_mm(space: Space) -> float:
    _, second_mm, _ = sorted(n * mm for n, mm in zip(space.shape, space.spacing_mm, strict=True))
    return second_mm
