"""Answers prompts: one step after another, except those whose answers are known."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.cancel import CancelToken
from napari_scd.engine.cache import ByteCache
from napari_scd.engine.hardware import choose_hardware
from napari_scd.engine.prompts.answer import Answer, Draft
from napari_scd.engine.prompts.errors import OnePlane, OneValue, TakesNoPrompts
from napari_scd.engine.prompts.first_look import first_spacing_mm
from napari_scd.engine.prompts.look import Looker, Pointed, PromptScan
from napari_scd.engine.prompts.prompts import check_prompts
from napari_scd.engine.prompts.result import PromptCost, segmentation_of
from napari_scd.engine.prompts.step import Aim, PromptAnswering, PromptStep
from napari_scd.engine.request import Progress, Request
from napari_scd.volume import reorient

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.engine.memory import Loaded, Memory, Model
    from napari_scd.engine.preprocess import Prepared
    from napari_scd.engine.prompts.look import Look
    from napari_scd.engine.prompts.previous import PreviousMask
    from napari_scd.engine.prompts.prompts import Prompts
    from napari_scd.engine.prompts.window import Floats, Place, ScanWindow
    from napari_scd.engine.segmentation import Segmentation

ANSWER_CACHE_BYTES = 2**28


@dataclass
class PromptMemory:
    """What a session remembers of the prompts on its volume.

    Attributes
    ----------
    answers : ByteCache of PromptStep
        By volume, prompts and request: removing a prompt costs nothing.
    scan : PromptScan or None
    """

    answers: ByteCache[PromptStep] = field(default_factory=lambda: ByteCache(ANSWER_CACHE_BYTES))
    scan: PromptScan | None = None

    def scan_of(self, prepared: Prepared) -> PromptScan:
        """Return what windows of a volume are cut from.

        Raises
        ------
        OnePlane, OneValue
            If there is nothing to segment.
        """
        if self.scan is None or self.scan.prepared is not prepared:
            if min(prepared.source.spatial_shape) < 2:
                raise OnePlane(prepared.source.spatial_shape)
            scan = PromptScan(prepared)
            value = scan.pyramid.single_value()
            if value is not None:
                raise OneValue(value)
            self.scan = scan
        return self.scan

    def forget_volume(self) -> None:
        """Drop what belongs to the previous volume."""
        self.answers.clear()
        self.scan = None


class _Cancelled(Exception):
    """The run was cancelled before the next window."""


class PromptRun:
    """Answers prompts.

    Parameters
    ----------
    model : Model
    loaded : Loaded
    memory : Memory
    prompt_memory : PromptMemory
    request : Request
        Stride, blending, batch and structures have no effect here.
    progress : callable, optional
        Called with a `Progress` after every window.
    cancel : CancelToken, optional

    Raises
    ------
    InputError
        If model or volume cannot be used, or the request does not fit the model or the machine.
    """

    def __init__(
        self,
        model: Model,
        loaded: Loaded,
        memory: Memory,
        prompt_memory: PromptMemory,
        request: Request,
        *,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> None:
        self._began = time.perf_counter()
        if model.recipe.field != "prompt":
            raise TakesNoPrompts(model.name)
        self._model = model
        self._loaded = loaded
        self._request = request
        self._memory = prompt_memory
        self._scan = prompt_memory.scan_of(loaded.prepared)
        self._roi = model.network.config.roi
        model.network.keep_per_stage(request.keep)  # rejects a wrong number of ratios
        hardware = choose_hardware(request)
        network = memory.placed(model.network, hardware)
        compiled = memory.compiled_for(network, hardware) if request.compile else None
        self._looker = Looker(compiled or network, hardware, request.keep, self._scan)
        self._progress = progress
        self._cancel = cancel or CancelToken()
        self._n_done = 0

    def answer(self, prompts: Prompts) -> Segmentation:
        """Answer prompts, starting after the last one whose answer is known.

        Raises
        ------
        PromptError
            If the prompts cannot be answered on this volume.
        """
        prepared = self._scan.prepared
        check_prompts(prompts, prepared.source)
        self._tell(1)
        known, step = self._known(prompts)
        complete = True
        for count in range(known + 1, len(prompts.steps) + 1):
            prompting = self._prompting(prompts.first(count), step.answer)
            try:
                found = prompting.answer()
            except _Cancelled:
                found, complete = prompting.so_far(), False
            step = found._replace(n_windows=(*step.n_windows, *found.n_windows))
            if not complete:
                break
            self._memory.answers.put(self._name(prompts.first(count)), step)
        if self._n_done:
            self._tell(0)
        looker = self._looker
        cost = PromptCost(looker.prefix_s, looker.rest_s, time.perf_counter() - self._began, complete)
        return segmentation_of(self._model, self._loaded, self._request, prompts, step, looker, cost)

    def _known(self, prompts: Prompts) -> tuple[int, PromptStep]:
        """Find the longest run of leading prompts whose answer is remembered: how many, and that answer."""
        for count in range(len(prompts.steps), 0, -1):
            step = self._memory.answers.get(self._name(prompts.first(count)))
            if step is not None:
                return count, step
        return 0, PromptStep(self._start(prompts.previous))

    def _start(self, previous: PreviousMask | None) -> Answer:
        """Answer to no prompts at all: the mask they correct, or nothing."""
        space = self._scan.space
        if previous is None:
            spacing_mm = first_spacing_mm(space, self._roi)
            return Answer((0, 0, 0), np.zeros((0, 0, 0), np.uint8), spacing_mm, space.finest_mm)
        prepared = self._scan.prepared
        turned, _ = reorient(previous.box, prepared.recipe.axes)
        place = np.linalg.inv(prepared.oriented_affine) @ turned.affine
        z, y, x = np.rint(place[:3, 3]).astype(int).tolist()
        shares = np.where(turned.array, np.uint8(255), np.uint8(0))
        extent_mm = max(n * mm for n, mm in zip(shares.shape, space.spacing_mm, strict=True))
        spacing_mm = min(first_spacing_mm(space, self._roi, extent_mm), first_spacing_mm(space, self._roi))
        return Answer((z, y, x), shares, spacing_mm, space.finest_mm)

    def _prompting(self, prompts: Prompts, before: Answer) -> PromptAnswering:
        pointed = self._pointed(prompts)
        name = self._name(prompts)

        def ask(window: ScanWindow, seen: Floats, n_more: int) -> Look:
            if self._cancel.cancelled:
                raise _Cancelled
            look = self._looker.look(window, seen, pointed, name)
            self._n_done += 1
            self._tell(n_more)
            return look

        kept = None
        if prompts.previous is not None:
            kept = Draft(self._scan.space, self._start(prompts.previous))
        return PromptAnswering(
            ask,
            self._roi,
            self._scan.space,
            before=before,
            aim=self._aim(prompts),
            pointed=pointed,
            kept=kept,
        )

    def _pointed(self, prompts: Prompts) -> Pointed:
        turned = self._scan.prepared.model_voxel
        included, excluded = (
            tuple(turned(voxel) for voxel in voxels) for voxels in (prompts.included, prompts.excluded)
        )
        box = None
        if prompts.box is not None:
            corners = [turned(corner) for corner in prompts.box]
            low, high = (tuple(pick(axis) for axis in zip(*corners, strict=True)) for pick in (min, max))
            box = (low, tuple(edge + 1 for edge in high))
        return Pointed(included, excluded, box)

    def _aim(self, prompts: Prompts) -> Aim:
        """Say where the latest prompt points: a click, the middle of a box, the middle voxel of a stroke."""
        latest = prompts.steps[-1]
        turned = tuple(self._scan.prepared.model_voxel(voxel) for voxel in latest.voxels)
        voxels = np.array(turned, float)
        middle = voxels.mean(axis=0)
        if latest.kind != "box":
            middle = voxels[np.square(voxels - middle).sum(axis=1).argmin()]
        edges = (np.ptp(voxels, axis=0) + (latest.kind == "box")) * self._scan.space.spacing_mm
        return Aim(latest.kind, _place(middle), float(edges.max()), turned)

    def _name(self, prompts: Prompts) -> tuple[object, ...]:
        """Everything an answer depends on."""
        keep, hardware = self._looker.keep, self._looker.hardware
        chooser = self._model.network.chooser
        how = (keep, chooser, hardware.device.type, hardware.dtype, self._request.compile)
        return (self._loaded.key, prompts, *how)

    def _tell(self, n_more: int) -> None:
        if self._progress is not None:
            elapsed_s = time.perf_counter() - self._began
            self._progress(Progress.of(self._n_done, self._n_done + n_more, elapsed_s))


def _place(values: np.ndarray) -> Place:
    z, y, x = values.tolist()
    return z, y, x
