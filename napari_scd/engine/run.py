"""One request on one volume: computes windows, keeps time, collects token maps, writes the report."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from napari_scd.cancel import CancelToken
from napari_scd.engine.blend import Canvas
from napari_scd.engine.hardware import choose_hardware
from napari_scd.engine.misfits import with_confidence
from napari_scd.engine.postprocess import voxel_counts
from napari_scd.engine.predict import Predictor, WindowResult
from napari_scd.engine.report import Report, Seconds, software_versions
from napari_scd.engine.request import Progress, Request
from napari_scd.engine.segmentation import Segmentation
from napari_scd.engine.sharp_canvas import SharpCanvas
from napari_scd.engine.sink import LabelSink
from napari_scd.engine.trace import TokenStitcher
from napari_scd.engine.where_sharp import Sharpening
from napari_scd.engine.windows import blending_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_scd.engine.memory import Loaded, Memory, Model
    from napari_scd.engine.windows import Size3
    from napari_scd.volume import Volume


class Run:
    """A request being answered.

    Parameters
    ----------
    model : Model
    loaded : Loaded
    memory : Memory
    request : Request
    progress : callable, optional
        Called with a `Progress` after every window.
    cancel : CancelToken, optional

    Raises
    ------
    InputError
        If the request does not fit the model or the machine.
    """

    def __init__(
        self,
        model: Model,
        loaded: Loaded,
        memory: Memory,
        request: Request,
        *,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self._began = time.perf_counter()
        self.model = model
        self.loaded = loaded
        self.memory = memory
        self.request = request
        self.prepared = loaded.prepared
        self.config = model.network.config
        self.stride = self.prepared.grid.stride_for(request.stride)
        self.counts = model.network.token_counts(request.keep)
        self.hardware = choose_hardware(request)
        network = memory.placed(model.network, self.hardware)
        self._compiled = memory.compiled_for(network, self.hardware) if request.compile else None
        self.sharpening = Sharpening.of(request, model, self.counts)
        self.predictor = Predictor(
            self._compiled or network,
            self.prepared,
            self.hardware,
            request.keep,
            memory.prefixes,
            loaded.key,
            self.sharpening.by_blocks,
        )
        self._tokens = TokenStitcher(self.prepared, self.config.n_stages)
        self._done = self._known = 0
        self._progress = progress
        self._cancel = cancel or CancelToken()

    @property
    def n_windows(self) -> int:
        """Windows answered so far."""
        return self._done

    def canvas(self, box: tuple[Size3, Size3], depth: int | None = None) -> Canvas | SharpCanvas:
        """Make an empty canvas over a box of the image."""
        grid = self.prepared.grid
        weights = blending_weights(grid.roi, self.request.blending)
        offsets = self.model.recipe.logit_offsets
        if self.sharpening.by_blocks:
            return SharpCanvas(grid, weights, self.config.out_channels, box, offsets)
        return Canvas(grid, weights, self.config.out_channels, box, depth, offsets)

    def sink(self, box: tuple[Size3, Size3]) -> LabelSink:
        """Make an empty sink over a box of the image."""
        request = self.request
        return LabelSink(
            self.prepared,
            self.config.out_channels,
            box,
            probability=request.probability,
            masks=request.masks,
            confidence=request.confidence,
        )

    def windows(self, starts: Sequence[Size3], *, remember: bool = False) -> Iterator[WindowResult]:
        """Answer many windows in order and report progress; stop early when cancelled.

        Windows answered before come from memory. New prefixes, and answers when they are to be remembered,
        are kept only while there is room, so a pass over more windows than fit leaves those it began with for
        the next pass. No answer is held here while the next one is computed.
        """
        began = time.perf_counter()
        self._tell(0, len(starts), 0.0)
        cells = self.sharpening.cells(self.prepared.grid, self.stride, starts, whole=self.request.air)
        for result in self._answers(starts, cells, remember=remember):
            self._take(result)
            yield result
            del result
            self._tell(self._done, len(starts), time.perf_counter() - began)
        self._learn_pace()

    def window(self, start: Size3, part: tuple[Size3, Size3] | None = None) -> WindowResult | None:
        """Answer one window, from memory if it was answered before; None when cancelled.

        Where labels meet, it is sharpened within `part`, in voxels of the window, or everywhere without.
        """
        result = self.answer(start, part)
        if result is None:
            return None
        self._take(result)
        self._tell(self._done, self._done, 0.0)
        return result

    def answer(self, start: Size3, part: tuple[Size3, Size3] | None = None) -> WindowResult | None:
        """Return what `window` does, for a look ahead: nothing is counted or told."""
        part = self.sharpening.within(part)
        key = self._key(start, part)
        result = self.memory.windows.get(key)
        if result is None:
            cells = {} if part is None else {start: part}
            result = next(iter(list(self.predictor.run((start,), self._cancel, cells=cells))), None)
            if result is None:
                return None
            self.memory.windows.put(key, result)
            self._learn_pace()
        return result

    def segmentation(
        self,
        sink: LabelSink,
        n_planned: int,
        *,
        only: NDArray[np.bool_] | None = None,
        members: tuple[int, ...] = (),
    ) -> Segmentation:
        """Put the result together.

        Parameters
        ----------
        sink : LabelSink
            Fully written.
        n_planned : int
            Windows the whole answer needs.
        only : bool, shape of the sink's box, optional
            Keep labels only there.
        members : tuple of int
            Keep only these labels; empty = all.
        """
        structures = _both(self.request.structures, members)
        labels, region = sink.labels(structures, only)
        masks = sink.masks(structures, only)
        probability, confidence = sink.probability(), sink.confidence()
        maps = self._tokens.maps()
        complete = self._done >= n_planned
        report = self._report(labels, region, n_planned, complete)
        table = self.model.labels
        removed = {i: ml for i, ml in sink.removed_ml().items() if not structures or i in structures}
        report = replace(report, removed_ml={table.name_of(i): round(ml, 4) for i, ml in removed.items()})
        if confidence is not None:
            whole = sink.certainties(table.indices)
            recipe = self.model.recipe
            report = with_confidence(report, labels, confidence, whole, recipe=recipe, table=table)
        return Segmentation(
            labels,
            maps.tokens,
            maps.scores,
            maps.stage_scores,
            probability,
            complete,
            report,
            region,
            masks,
            confidence,
        )

    def _key(self, start: Size3, cell: tuple[Size3, Size3] | None = None) -> Hashable:
        how = (self.hardware.device.type, self.hardware.dtype, self.sharpening.by_blocks, cell)
        return (self.loaded.key, start, self.counts, *how)

    def _answers(
        self, starts: Sequence[Size3], cells: Mapping[Size3, tuple[Size3, Size3]], *, remember: bool
    ) -> Iterator[WindowResult]:
        keys = {start: self._key(start, cells.get(start)) for start in starts}
        recalled = ((start, self.memory.windows.get(keys[start])) for start in starts)
        for is_new, group in groupby(recalled, lambda pair: pair[1] is None):
            if not is_new:
                for _, result in group:
                    if result is None or self._cancel.cancelled:
                        return
                    self._known += 1
                    yield result
                    del result
                continue
            news = [start for start, _ in group]
            for result in self.predictor.run(news, self._cancel, evict=False, cells=cells):
                if remember and not self.predictor.is_blank(result):
                    self.memory.windows.put(keys[result.start], result, evict=False)
                yield result
                del result
            if self._cancel.cancelled:
                return

    def _take(self, result: WindowResult) -> None:
        self._tokens.add(result.start, result.exit_stage, result.scores)
        self._done += 1

    def _tell(self, done: int, total: int, elapsed_s: float) -> None:
        if self._progress is not None:
            self._progress(Progress.of(done, total, elapsed_s, self._known))

    def _learn_pace(self) -> None:
        """Remember seconds per MAC of the windows that were computed from the image on."""
        clock = self.predictor.clock
        if clock.n_whole:
            macs = clock.n_whole * max(self.model.network.macs(self.request.keep).total, 1)
            key = (self.hardware.device.type, self.hardware.precision)
            self.memory.seconds_per_mac[key] = clock.whole_s / macs

    def _report(
        self, labels: Volume, region: tuple[slice, slice, slice], n_planned: int, complete: bool
    ) -> Report:
        grid, network, source = self.prepared.grid, self.model.network, self.prepared.source
        macs, dense = network.macs(self.request.keep), network.macs(1.0)
        clock = self.predictor.clock
        total_s = time.perf_counter() - self._began
        other_s = total_s - clock.prefix_s - clock.rest_s
        counts = voxel_counts(labels.array[region])
        table = self.model.labels.labels
        problems = [self._compiled.problem] if self._compiled is not None and self._compiled.problem else []
        return Report(
            model=self.model.name,
            sha256=self.model.sha256,
            source=source.source.name if source.source is not None else "",
            shape=source.spatial_shape,
            spacing_mm=source.spacing_mm,
            axes=self.model.recipe.axes,
            model_spacing_mm=self.prepared.spacing_mm,
            roi=grid.roi,
            patch=grid.patch,
            stride=self.stride,
            keep=network.keep_per_stage(self.request.keep),
            tokens=self.counts,
            n_windows=self._done,
            n_windows_planned=n_planned,
            n_windows_blank=clock.n_blank,
            macs=(self._done - clock.n_blank) * macs.total,
            encoder_macs_saved=1 - macs.encoder / dense.encoder if dense.encoder else 0.0,
            seconds=Seconds(clock.prefix_s, clock.rest_s, other_s, total_s),
            device=self.hardware.device.type,
            precision=self.hardware.precision,
            blending=self.request.blending,
            complete=complete,
            voxels={label.name: int(counts[label.index]) for label in table},
            volumes_ml={label.name: round(int(counts[label.index]) * source.voxel_ml, 4) for label in table},
            cache=self.memory.prefixes.counts,
            warnings=(*self.loaded.warnings, *problems),
            versions=software_versions(),
        )


def _both(wanted: tuple[int, ...], members: tuple[int, ...]) -> tuple[int, ...]:
    if not wanted or not members:
        return wanted or members
    return tuple(index for index in members if index in wanted) or (0,)
