"""Intensity windows in which radiologists read CT, in Hounsfield units."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class CtWindow(NamedTuple):
    """A window of Hounsfield units: what lies below is black, what lies above is white.

    Parameters
    ----------
    level, width
        Its middle and its extent, as workstations name them.
    """

    name: str
    level: float
    width: float

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest value.

        >>> CtWindow("brain", 40, 80).limits
        (0.0, 80.0)
        """
        return self.level - self.width / 2, self.level + self.width / 2

    @property
    def title(self) -> str:
        """What the list shows, such as "Lung L-600 W1500"."""
        return f"{self.name} L{self.level:.0f} W{self.width:.0f}"


CT_WINDOWS = (
    CtWindow("Soft tissue", 40, 400),
    CtWindow("Lung", -600, 1500),
    CtWindow("Bone", 400, 1800),
    CtWindow("Brain", 40, 80),
)


def window_with(limits: tuple[float, float]) -> CtWindow | None:
    """Return the window with these limits, None when there is none."""
    return next((window for window in CT_WINDOWS if np.allclose(window.limits, limits)), None)
