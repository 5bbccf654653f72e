"""Clicked structures: where, what, and its voxels."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.viewer.layers import EVERYTHING
from napari_scd.viewer.logic.boxes import Box, bounding_box, shifted

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from napari_scd.engine import Click


class ClickRecord(NamedTuple):
    """One clicked structure: where, what, at which keep ratio, and its voxels in a box of the source grid."""

    place: tuple[int, int, int]
    everything: bool
    label: int
    name: str
    keep: tuple[float, ...]
    time: str
    box: Box
    values: np.ndarray

    def holds(self, index: Sequence[int]) -> bool:
        """Whether a voxel of the source grid belongs to this structure."""
        inside = [i - side.start for i, side in zip(index, self.box, strict=True)]
        if any(not 0 <= i < n for i, n in zip(inside, self.values.shape, strict=True)):
            return False
        return bool(self.values[tuple(inside)])


def record_of(click: Click, *, everything: bool) -> ClickRecord:
    """Keep a click's voxels in a box that just holds them."""
    z, y, x = (int(i) for i in click.index)
    labels, region = click.segmentation.labels.array, click.segmentation.region
    box = shifted(bounding_box(labels[region]), region)
    return ClickRecord(
        place=(z, y, x),
        everything=everything,
        label=click.label,
        name=EVERYTHING if everything else click.name,
        keep=tuple(click.segmentation.report.keep),
        time=datetime.now().isoformat(timespec="seconds"),
        box=box,
        values=labels[box].copy(),
    )
