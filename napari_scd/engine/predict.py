"""Runs windows through the network, in batches; what precedes the first stage is remembered."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

import torch

from napari_scd.engine.out_of_memory import is_out_of_memory
from napari_scd.errors import OutOfMemory
from napari_scd.model import ScdNetwork, Sharpened

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.cancel import CancelToken
    from napari_scd.engine.cache import ByteCache
    from napari_scd.engine.compiled import CompiledNetwork
    from napari_scd.engine.hardware import Hardware
    from napari_scd.engine.preprocess import Prepared
    from napari_scd.engine.windows import Size3
    from napari_scd.model import Keep, Prefix, Trace

    Box = tuple[Size3, Size3]


class WindowResult(NamedTuple):
    """What the network said about one window.

    Attributes
    ----------
    start : (z, y, x) int
        In voxels of the padded model grid.
    logits : Tensor ``(classes, *roi)`` or Sharpened, on the CPU
        In the precision they were computed in, the classes of a voxel side by side.
    exit_stage : ``(n,)`` uint8
    scores : ``(S, n)`` float32
    """

    start: Size3
    logits: Tensor | Sharpened
    exit_stage: NDArray[np.uint8]
    scores: NDArray[np.float32]


@dataclass
class StageClock:
    """How long the windows took.

    Attributes
    ----------
    prefix_s, rest_s : float
        Seconds before the first stage and after it.
    whole_s, n_whole : float, int
        Seconds and number of windows computed from the image on, without cache.
    n_blank : int
        Windows of a single value that took the answer of an earlier one.
    """

    prefix_s: float = 0.0
    rest_s: float = 0.0
    whole_s: float = 0.0
    n_whole: int = 0
    n_blank: int = 0


@dataclass
class Predictor:
    """Runs windows of one volume through one network.

    Parameters
    ----------
    network : ScdNetwork or CompiledNetwork
        On ``hardware.device``, in evaluation mode.
    prepared : Prepared
    hardware : Hardware
    keep : Keep
        As the request states it; None = the network's own ratios.
    prefixes : ByteCache of Prefix
    volume_key : hashable
        Identifies the volume in cache keys.
    sharpens : bool
        Whether windows are sharpened only where labels meet; `network` is then an `ScdNetwork` that does so.
    """

    network: ScdNetwork | CompiledNetwork
    prepared: Prepared
    hardware: Hardware
    keep: Keep
    prefixes: ByteCache[Prefix]
    volume_key: Hashable
    sharpens: bool = False
    clock: StageClock = field(default_factory=StageClock)
    _blanks: dict[tuple[float, ...], WindowResult] = field(default_factory=dict)

    def run(
        self,
        starts: Sequence[Size3],
        cancel: CancelToken | None = None,
        *,
        evict: bool = True,
        cells: Mapping[Size3, Box] | None = None,
    ) -> Iterator[WindowResult]:
        """Yield the windows in order; stop early when `cancel` is set.

        A batch that does not fit the device's memory is halved, for the rest of the run. With ``evict=False``
        new prefixes never push out old ones. Of windows that hold a single value (air), only the first
        is computed: the others get the same answer. Where labels meet, windows are sharpened within their
        `cells` only, or everywhere without.

        Raises
        ------
        OutOfMemory
            If not even a single window fits into the device's memory.
        """
        at, batch = 0, self.hardware.batch
        while at < len(starts):
            if cancel is not None and cancel.cancelled:
                return
            chosen = list(takewhile(lambda start: not self._is_blank(start), starts[at : at + batch]))
            if not chosen:
                yield self._blank_result(starts[at])
                at += 1
                continue
            try:
                results = self._run_batch(chosen, evict, cells or {})
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if batch == 1:
                    raise OutOfMemory(self.hardware.device.type) from error
                batch = max(batch // 2, 1)
            else:
                at += len(chosen)
                while results:  # nothing here holds logits while the next window is computed
                    yield results.pop(0)
                continue
            if self.hardware.device.type == "cuda":  # outside the handler, whose traceback holds tensors
                torch.cuda.empty_cache()

    def is_blank(self, result: WindowResult) -> bool:
        """Whether a result belongs to a window that holds a single value."""
        return any(result.logits is blank.logits for blank in self._blanks.values())

    def _run_batch(
        self, starts: Sequence[Size3], evict: bool, cells: Mapping[Size3, Box]
    ) -> list[WindowResult]:
        with torch.inference_mode(), self.hardware.autocast():
            began = time.perf_counter()
            prefix, n_made = self._prefix(starts, evict)
            self._synchronise()
            between = time.perf_counter()
            logits, trace = self._answers(prefix, [cells.get(start) for start in starts])
            exit_stage = trace.exit_stage.to(torch.uint8).cpu().numpy()
            scores = trace.scores.float().cpu().numpy()
        ended = time.perf_counter()
        self.clock.prefix_s += between - began
        self.clock.rest_s += ended - between
        if n_made == len(starts):
            self.clock.whole_s += ended - began
            self.clock.n_whole += n_made
        return [WindowResult(start, logits[i], exit_stage[i], scores[i]) for i, start in enumerate(starts)]

    def _answers(
        self, prefix: Prefix, cells: Sequence[Box | None]
    ) -> tuple[Sequence[Tensor | Sharpened], Trace]:
        if self.sharpens:
            assert isinstance(self.network, ScdNetwork)
            found, trace = self.network.sharpen(prefix, self.keep, cells)
            return [Sharpened(*(part.cpu() for part in one)) for one in found], trace
        logits, trace = self.network.rest(prefix, self.keep, return_trace=True)
        return logits.contiguous(memory_format=torch.channels_last_3d).cpu().unbind(), trace

    def _prefix(self, starts: Sequence[Size3], evict: bool) -> tuple[Prefix, int]:
        """Prefixes of a batch, and how many of them had to be made."""
        known = [self.prefixes.get(self._key(start)) for start in starts]
        missing = [start for start, prefix in zip(starts, known, strict=True) if prefix is None]
        if not missing:
            return _joined([_widened(prefix) for prefix in known if prefix is not None]), 0
        images = torch.stack([self.prepared.window(start) for start in missing])
        made = self._stored(self.network.prefix(images.to(self.hardware.device)))
        singles = [_single(made, i) for i in range(len(missing))]
        for start, single in zip(missing, singles, strict=True):
            self.prefixes.put(self._key(start), single, evict=evict)
        if len(missing) == len(starts):
            return _widened(made), len(missing)
        fresh = iter(singles)
        parts = [next(fresh) if prefix is None else prefix for prefix in known]
        return _joined([_widened(part) for part in parts]), len(missing)

    def _stored(self, prefix: Prefix) -> Prefix:
        """Prefix as the cache holds it: float16 instead of float32 when the run is in half precision anyway.

        New prefixes are rounded too, so that a window gives the same answer whether or not it was remembered.
        """
        if self.hardware.dtype == torch.float32:
            return prefix
        return type(prefix)(*(_narrowed(part) for part in prefix))

    def _is_blank(self, start: Size3) -> bool:
        """Whether a window holds one value per channel; a sparse sample settles it for most windows."""
        window = self.prepared.raw_window(start)
        first = window[:, :1, :1, :1]
        return bool((window[:, ::5, ::5, ::5] == first).all()) and bool((window == first).all())

    def _blank_result(self, start: Size3) -> WindowResult:
        values = tuple(self.prepared.raw_window(start)[:, 0, 0, 0].tolist())
        if values not in self._blanks:
            self._blanks[values] = self._run_batch([start], False, {})[0]
        else:
            self.clock.n_blank += 1
        return self._blanks[values]._replace(start=start)

    def _key(self, start: Size3) -> Hashable:
        return (self.volume_key, start, str(self.hardware.device), self.hardware.dtype)

    def _synchronise(self) -> None:
        if self.hardware.device.type == "cuda":
            torch.cuda.synchronize(self.hardware.device)


def _single(prefix: Prefix, index: int) -> Prefix:
    """One window of a batch, as a copy that does not hold the others in memory."""
    if len(prefix.tokens) == 1:
        return prefix
    return type(prefix)(*(part[index : index + 1].clone() for part in prefix))


def _joined(prefixes: Sequence[Prefix]) -> Prefix:
    if len(prefixes) == 1:
        return prefixes[0]
    return type(prefixes[0])(*(torch.cat(parts) for parts in zip(*prefixes, strict=True)))


def _narrowed(part: Tensor) -> Tensor:
    if part.dtype != torch.float32:
        return part
    limit = torch.finfo(torch.float16).max
    return part.clamp(-limit, limit).to(torch.float16)


def _widened(prefix: Prefix) -> Prefix:
    return type(prefix)(*(part.float() if part.dtype == torch.float16 else part for part in prefix))
