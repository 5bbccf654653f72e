"""What the engine returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_scd.engine.report import Report
    from napari_scd.engine.windows import Size3
    from napari_scd.volume import Volume


class Plan(NamedTuple):
    """What a request would cost.

    Attributes
    ----------
    n_windows : int
    roi, grid_shape : (z, y, x) int
        Voxels of a window and of the padded model grid, in model axis order.
    spacing_mm : (z, y, x) float
        Of the model grid.
    tokens : tuple of int
        Living tokens of a window: at the start and after each stage.
    seconds : float or None
        Estimate from what earlier windows of this session took on the same device; None before the first.
    device, precision : str
    """

    n_windows: int
    roi: Size3
    grid_shape: Size3
    spacing_mm: tuple[float, float, float]
    tokens: tuple[int, ...]
    seconds: float | None
    device: str
    precision: str


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Labels, and where the network looked.

    Attributes
    ----------
    labels : Volume uint8
        On the source grid, in its axis order; 0 = background or not computed.
    tokens : Volume uint8
        On the token grid: s = left at stage s, S + 1 = survived, 0 = not computed. Its affine places tokens
        in (S, P, L) mm.
    scores : Volume float32
        Stage-1 score of each token (log-probability of being kept, <= 0), mean over overlaps; NaN where not
        computed.
    stage_scores : ``(S, z, y, x)`` float32
        The same for every stage.
    probability : Volume or None
        ``(classes, z, y, x)`` float16 on the source grid, when asked for.
    complete : bool
        False when the run was cancelled; what was finished is kept.
    report : Report
    region : three slices
        The part of the source array that was computed; labels are 0 outside.
    masks : Volume or None
        ``(labels, z, y, x)`` bool on the source grid, when asked for: one mask for each of the labels 1, 2,
        ...; those of a sigmoid model may overlap.
    confidence : Volume or None
        uint8 on the source grid, when asked for: probability of each voxel's label (background too) in per
        cent; 0 where not computed.
    """

    labels: Volume
    tokens: Volume
    scores: Volume
    stage_scores: NDArray[np.float32]
    probability: Volume | None
    complete: bool
    report: Report
    region: tuple[slice, slice, slice]
    masks: Volume | None = None
    confidence: Volume | None = None


@dataclass(frozen=True, eq=False)
class Click:
    """Answer to a click.

    Attributes
    ----------
    segmentation : Segmentation
        Holds the structure only (or every label of the window, when asked for).
    label : int
        Label at the clicked voxel, or of the nearest structure; 0 = nothing found.
    name : str
        Its group's name, or its own; empty when nothing was found.
    message : str
        One sentence for the status line.
    index : (z, y, x) int
        The clicked voxel of the source array.
    windows : int
        Windows the answer is made of.
    """

    segmentation: Segmentation
    label: int
    name: str
    message: str
    index: Size3
    windows: int
