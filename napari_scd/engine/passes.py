"""Segments the whole volume, a part of it or one window, and says what a run would take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.engine.checks import checked_part
from napari_scd.engine.hardware import choose_hardware
from napari_scd.engine.segmentation import Plan, Segmentation
from napari_scd.engine.windows import shared
from napari_scd.errors import NeedsPoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.engine.memory import Loaded, Memory, Model
    from napari_scd.engine.request import Request
    from napari_scd.engine.run import Run


def segment_volume(run: Run, within: tuple[slice, slice, slice] | None = None) -> Segmentation:
    """Segment the whole volume, or a part of it; see `Session.segment`."""
    grid = run.prepared.grid
    if run.model.recipe.field == "click" and not grid.fits_one_window:
        raise NeedsPoint(run.model.name)
    starts, box = grid.starts(run.stride, whole=run.request.air), ((0, 0, 0), grid.size)
    if within is not None:
        box = run.prepared.model_box(checked_part(within, run.prepared.source.spatial_shape))
        starts = grid.touching(starts, box)
    canvas, sink = run.canvas(box, depth=grid.roi[0]), run.sink(box)
    for window in run.windows(starts, remember=within is not None):
        sink.write(canvas.take(window.start[0] - grid.lead[0], means=sink.needs_means))
        canvas.add(window.start, window.logits)
        del window
    sink.write(canvas.take(box[1][0], means=sink.needs_means))
    del canvas  # of a large scan it holds as much as the labels that are made now
    if run.request.clean_up and within is None and run.n_windows == len(starts):
        sink.clean_up()
    return run.segmentation(sink, len(starts))


def segment_window(
    run: Run, centre_index: Sequence[float], within: tuple[slice, slice, slice] | None = None
) -> Segmentation:
    """Segment the one window nearest to a voxel of the source; see `Session.preview`."""
    grid = run.prepared.grid
    at = run.prepared.model_index(centre_index)
    alone = run.model.recipe.field == "click"
    if alone:
        start = grid.start_around(at)
    else:
        start = grid.nearest(grid.starts(run.stride, whole=run.request.air), at)
    box, part = grid.image_box(start), None
    if within is not None:
        wanted = run.prepared.model_box(checked_part(within, run.prepared.source.spatial_shape))
        box = shared(box, wanted) or box
        part = grid.box_in_window(start, box)
    canvas, sink = run.canvas(box), run.sink(box)
    result = run.window(start, part)
    if result is not None:
        canvas.add(start, result.logits)
    sink.write(canvas.take(box[1][0], means=sink.needs_means))
    return run.segmentation(sink, 1)


def plan_of(model: Model, loaded: Loaded, memory: Memory, request: Request) -> Plan:
    """Say what segmenting the whole volume would take; see `Session.plan`."""
    prepared, hardware = loaded.prepared, choose_hardware(request)
    network, grid = model.network, prepared.grid
    asks_once = model.recipe.field == "prompt"  # and then as many more as the object needs
    n_windows = 1 if asks_once else len(grid.starts(grid.stride_for(request.stride), whole=request.air))
    pace = memory.seconds_per_mac.get((hardware.device.type, hardware.precision))
    return Plan(
        n_windows=n_windows,
        roi=grid.roi,
        grid_shape=grid.shape,
        spacing_mm=prepared.spacing_mm,
        tokens=network.token_counts(request.keep),
        seconds=None if pace is None else pace * n_windows * network.macs(request.keep).total,
        device=hardware.device.type,
        precision=hardware.precision,
    )
