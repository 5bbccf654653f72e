"""How large the first window is, when nothing is known but a click."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_scd.engine.prompts.window import Space
    from napari_scd.engine.windows import Size3

FIRST_MM = (120.0, 180.0)
FIRST_SHARE = 0.6
"""The first window sees this share of the scan's second-longest edge, within the limits above.

What people point at in a scan of a trunk is larger than in one of a head.
"""
ROOM = 1.3
FINER_THAN_SCAN = 0.5


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
        _, second_mm, _ = sorted(n * mm for n, mm in zip(space.shape, space.spacing_mm, strict=True))
        wanted_mm = min(max(FIRST_SHARE * second_mm, FIRST_MM[0]), FIRST_MM[1]) / min(roi)
    return max(min(wanted_mm, space.whole_mm(roi)), FINER_THAN_SCAN * space.finest_mm)
