"""Large things to click in any scan, without labels: regions of one brightness."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_scd.volume import Volume

    Voxel = tuple[int, int, int]

COARSE_MM = 4.0
N_BANDS = 8
PARTS_OF_A_BAND = 3


@dataclass(frozen=True, eq=False)
class LargeTarget:
    """A region of one brightness, on a coarse copy of the scan.

    Attributes
    ----------
    inside : bool ``(z, y, x)``
        Its voxels on the coarse grid.
    step : (z, y, x) int
        Voxels of the scan for each voxel of the coarse grid.
    """

    inside: NDArray[np.bool_]
    step: Voxel

    @property
    def middle(self) -> Voxel:
        """The voxel of the scan that lies deepest inside."""
        return self._core[0]

    @property
    def depth(self) -> float:
        """How deep the middle lies, in voxels of the coarse grid."""
        return self._core[1]

    @cached_property
    def _core(self) -> tuple[Voxel, float]:
        return self._deepest(self.inside)

    def missed_by(self, answer: NDArray[np.bool_]) -> Voxel | None:
        """Return the deepest voxel of the largest part that an answer ``(z, y, x)`` on the scan left out."""
        z, y, x = (slice(None, None, n) for n in self.step)
        parts, n_parts = ndimage.label(self.inside & ~answer[z, y, x])
        if not n_parts:
            return None
        largest = 1 + int(np.bincount(parts.ravel())[1:].argmax())
        return self._deepest(parts == largest)[0]

    def _deepest(self, mask: NDArray[np.bool_]) -> tuple[Voxel, float]:
        depths = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1, 1:-1]
        place = np.unravel_index(int(depths.argmax()), depths.shape)
        z, y, x = (int(at) * n for at, n in zip(place, self.step, strict=True))
        return (z, y, x), float(depths.max())


def large_targets(volume: Volume) -> list[LargeTarget]:
    """Find connected regions between eight quantiles of a scan's intensity, the deepest first.

    Parameters
    ----------
    volume : Volume

    Returns
    -------
    list of LargeTarget
        At most three of each eighth of the voxels; the same in every run.
    """
    array = volume.array if volume.array.ndim == 3 else volume.array[0]
    z, y, x = (max(1, round(COARSE_MM / mm)) for mm in volume.spacing_mm)
    coarse = ndimage.uniform_filter(np.asarray(array[::z, ::y, ::x], np.float32), 3)
    limits = np.unique(np.quantile(coarse, np.linspace(0, 1, N_BANDS + 1)))
    targets: list[LargeTarget] = []
    for low, high in zip(limits[:-1], limits[1:], strict=True):
        between = ndimage.binary_opening((coarse >= low) & (coarse <= high))  # without bridges to others
        parts, n_parts = ndimage.label(between)
        sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)[1:]
        for number in np.argsort(-sizes, kind="stable")[:PARTS_OF_A_BAND]:
            targets.append(LargeTarget(parts == number + 1, (z, y, x)))
    return sorted(targets, key=lambda target: -target.depth)
