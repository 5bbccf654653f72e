"""Label colours that are easy to tell apart on grey scans, also for colour-blind readers."""

from __future__ import annotations

# Okabe & Ito (2008) without black, then Paul Tol's "muted" scheme without the colours close to those.
_BASE: tuple[tuple[int, int, int], ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (136, 34, 85),
    (153, 153, 51),
    (51, 34, 136),
    (17, 119, 51),
    (68, 170, 153),
)
_TOWARDS: tuple[tuple[tuple[int, int, int], float], ...] = (
    ((255, 255, 255), 0.0),
    ((255, 255, 255), 0.45),
    ((0, 0, 0), 0.35),
    ((255, 255, 255), 0.7),
    ((0, 0, 0), 0.6),
)


def colour_of_rank(rank: int) -> tuple[int, int, int]:
    """Return the colour (red, green, blue, 0-255) of the label that comes ``rank``-th, counted from 0.

    The first twelve can be told apart with any common colour blindness; the next ones are their lighter and
    darker shades. Colours repeat after 60.
    """
    red, green, blue = _BASE[rank % len(_BASE)]
    target, share = _TOWARDS[rank // len(_BASE) % len(_TOWARDS)]
    return (
        round(red + (target[0] - red) * share),
        round(green + (target[1] - green) * share),
        round(blue + (target[2] - blue) * share),
    )
