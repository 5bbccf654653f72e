"""From one clicked voxel to a whole structure: window after window until nothing leaves the border."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.engine.checks import checked_voxel
from napari_scd.engine.clicks import ClickedStructure, box_of, find_structure, nothing_found, open_border
from napari_scd.engine.postprocess import class_probabilities
from napari_scd.engine.segmentation import Click
from napari_scd.model import NOWHERE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.blend import Canvas
    from napari_scd.engine.run import Run
    from napari_scd.engine.sharp_canvas import SharpCanvas
    from napari_scd.engine.windows import Size3

    Box = tuple[Size3, Size3]

MAX_NEIGHBOURS = 8
_MARGIN = 4  # voxels around a structure's coarse answer within which its border can lie


class Followed(NamedTuple):
    """What was found around a click.

    Attributes
    ----------
    canvas : Canvas or SharpCanvas
        Holds the windows computed.
    found : ClickedStructure or None
    why_not : str
        Why there is none.
    cancelled : bool
    labels : uint8 ``(z, y, x)`` or None
        Those of the canvas, where it holds a single window: labels of means may differ from those of sums.
    """

    canvas: Canvas | SharpCanvas
    found: ClickedStructure | None
    why_not: str
    cancelled: bool
    labels: NDArray[np.uint8] | None = None


def answer_click(run: Run, index: Sequence[float], *, everything: bool = False) -> Click:
    """Segment the structure at a voxel of the source; see `Session.click`."""
    voxel = checked_voxel(index, run.prepared.source.spatial_shape)
    at = run.prepared.model_voxel(voxel)
    canvas, found, why_not, cancelled, labels = follow(run, at, everything=everything)
    sink = run.sink(canvas.box)
    sink.write(canvas.take(canvas.high[0], means=sink.needs_means), labels)
    n_planned = run.n_windows + cancelled
    if everything:
        segmentation = run.segmentation(sink, n_planned)
    elif found is None:
        segmentation = run.segmentation(sink, n_planned, only=np.zeros(sink.shape, bool))
    else:
        segmentation = run.segmentation(sink, n_planned, only=found.mask, members=found.members)
    if found is None:
        return Click(segmentation, 0, "", why_not, voxel, run.n_windows)
    table = run.model.labels
    name = table.group_name(found.label)
    sizes_ml = segmentation.report.volumes_ml
    size_ml = sum(sizes_ml[table.name_of(member)] for member in found.members)
    return Click(segmentation, found.label, name, f"{name}, {size_ml:.2f} ml", voxel, run.n_windows)


def follow(run: Run, at: Size3, *, everything: bool = False) -> Followed:
    """Compute the window around an image voxel, then up to eight more while the structure continues outside.

    Parameters
    ----------
    run : Run
    at : (z, y, x) int
        Image voxel of the model grid.
    everything : bool
        Compute the first window only.
    """
    grid = run.prepared.grid
    start = run.prepared.click_start(at, run.stride)
    canvas = run.canvas(grid.image_box(start))
    done: set[Size3] = set()
    found: ClickedStructure | None = None
    while True:
        part = None if everything or not run.sharpening.at_borders else _part_to_sharpen(run, start, at)
        result = run.window(start, part)
        if result is None:
            return Followed(canvas, found, "cancelled before the first window", True)
        if done:
            canvas = canvas.grown(_union(canvas.box, grid.image_box(start)))
        done.add(start)
        canvas.add(start, result.logits)
        labels = canvas.labels(run.model.recipe)
        found = _find(run, canvas, labels, at)
        if found is None or everything or len(done) > MAX_NEIGHBOURS:
            break
        border = open_border(found.mask, canvas.seen.numpy(), canvas.low, grid.size)
        if border is None:
            break
        start = run.prepared.click_start(border, run.stride)
        if start in done and (start := grid.start_around(border)) in done:
            break
    why_not = "" if found else _why_not(run, canvas, at)
    return Followed(canvas, found, why_not, False, labels if len(done) == 1 else None)


def _part_to_sharpen(run: Run, start: Size3, at: Size3) -> Box | None:
    """Voxels of a window around the structure at an image voxel, in the coarse answer; None = all.

    In windows that follow the first, the voxel may lie outside.
    """
    result = run.answer(start, NOWHERE)
    box = run.prepared.grid.image_box(start)
    if result is None or not all(low <= i < high for i, low, high in zip(at, *box, strict=True)):
        return None
    canvas = run.canvas(box)
    canvas.add(start, result.logits)
    found = _find(run, canvas, canvas.labels(run.model.recipe), at)
    place = None if found is None else box_of(found.mask)
    if place is None:
        return None
    low, high = (
        tuple(edge + begin + by for edge, begin in zip(edges, box[0], strict=True))
        for edges, by in (([s.start for s in place], -_MARGIN), ([s.stop for s in place], _MARGIN))
    )
    return run.prepared.grid.box_in_window(start, (low, high))


def _find(
    run: Run, canvas: Canvas | SharpCanvas, labels: NDArray[np.uint8], at: Size3
) -> ClickedStructure | None:
    return find_structure(labels, _minus(at, canvas.low), run.prepared.spacing_mm, run.model.labels)


def _why_not(run: Run, canvas: Canvas | SharpCanvas, at: Size3) -> str:
    recipe = run.model.recipe
    z, y, x = _minus(at, canvas.low)
    probabilities = class_probabilities(canvas.mean_at((z, y, x)), recipe)
    return nothing_found(probabilities, run.model.labels, has_background=recipe.activation != "sigmoid")


def _minus(a: Size3, b: Size3) -> Size3:
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def _union(a: tuple[Size3, Size3], b: tuple[Size3, Size3]) -> tuple[Size3, Size3]:
    low = tuple(min(i, j) for i, j in zip(a[0], b[0], strict=True))
    high = tuple(max(i, j) for i, j in zip(a[1], b[1], strict=True))
    return low, high  # type: ignore[return-value]
