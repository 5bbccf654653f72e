"""From one clicked voxel to a whole structure: window after window until nothing leaves the border."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_scd.engine.clicks import ClickedStructure, find_structure, nothing_found, open_border
from napari_scd.engine.postprocess import class_probabilities

if TYPE_CHECKING:
    from napari_scd.engine.blend import Canvas
    from napari_scd.engine.run import Run
    from napari_scd.engine.sharp_canvas import SharpCanvas
    from napari_scd.engine.windows import Size3

MAX_NEIGHBOURS = 8


class Followed(NamedTuple):
    """Canvas of the windows computed, the structure or why there is none, whether a cancel cut it short."""

    canvas: Canvas | SharpCanvas
    found: ClickedStructure | None
    why_not: str
    cancelled: bool


def follow(run: Run, at: Size3, *, everything: bool = False) -> Followed:
    """Compute the window around an image voxel, then up to eight more while the structure continues outside.

    Parameters
    ----------
    run : Run
    at : (z, y, x) int
        Image voxel of the model grid.
    everything : bool
        Stay with the first window.
    """
    grid = run.prepared.grid
    start = run.prepared.click_start(at)
    canvas = run.canvas(grid.image_box(start))
    done: set[Size3] = set()
    found: ClickedStructure | None = None
    while True:
        result = run.window(start)
        if result is None:
            return Followed(canvas, found, "cancelled before the first window", True)
        if done:
            canvas = canvas.grown(_union(canvas.box, grid.image_box(start)))
        done.add(start)
        canvas.add(start, result.logits)
        found = _find(run, canvas, at)
        if found is None or everything or len(done) > MAX_NEIGHBOURS:
            break
        border = open_border(found.mask, canvas.seen.numpy(), canvas.low, grid.size)
        if border is None or (start := grid.start_around(border)) in done:
            break
    return Followed(canvas, found, "" if found else _why_not(run, canvas, at), False)


def _find(run: Run, canvas: Canvas | SharpCanvas, at: Size3) -> ClickedStructure | None:
    labels = canvas.labels(run.model.recipe)
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
