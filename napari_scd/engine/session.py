"""One network and one volume: set the volume once, then segment, click and preview many times."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_scd.engine.cache import ByteCache
from napari_scd.engine.follow import follow
from napari_scd.engine.hardware import choose_hardware
from napari_scd.engine.out_of_memory import reports_out_of_memory
from napari_scd.engine.plausible import doubts
from napari_scd.engine.preprocess import checked_volume, prepare
from napari_scd.engine.prompts import PromptMemory, PromptRun, Prompts
from napari_scd.engine.request import Progress, Request
from napari_scd.engine.run import Loaded, Memory, Model, Run
from napari_scd.engine.segmentation import Click, Plan, Segmentation
from napari_scd.errors import InputError, NeedsPoint
from napari_scd.model import PROMPT_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.cancel import CancelToken
    from napari_scd.engine.windows import Size3
    from napari_scd.model import ScdNetwork
    from napari_scd.volume import LabelTable, Recipe, Volume

PREFIX_CACHE_BYTES = 2**29
WINDOW_CACHE_BYTES = 2**29


class Named(Protocol):
    """What the engine wants to know about a model's origin."""

    @property
    def name(self) -> str:
        """Short name of the model."""

    @property
    def sha256(self) -> str:
        """Checksum of the weights file; empty when there is none."""


class Session:
    """Segments volumes with one network.

    Parameters
    ----------
    network : ScdNetwork
        Its weights must not change any more: runs in half precision keep a rounded copy.
    recipe : Recipe
        How the network wants its input.
    labels : LabelTable
    provenance : object with `name` and `sha256`, optional
    cache_bytes : int
        Bound of the prefix cache; 0 turns it off.

    Raises
    ------
    InputError
        If network, recipe and labels do not match.

    Examples
    --------
    >>> from napari_scd import load
    >>> from napari_scd.volume import load_phantom
    >>> session = Session(*load("abdomen-ct"))
    >>> session.set_volume(load_phantom()[0])
    >>> plan = session.plan(Request(keep=0.5))
    >>> plan.tokens, plan.device in ("cpu", "cuda", "mps")
    ((512, 256, 128, 64), True)
    """

    def __init__(
        self,
        network: ScdNetwork,
        recipe: Recipe,
        labels: LabelTable,
        provenance: Named | None = None,
        *,
        cache_bytes: int = PREFIX_CACHE_BYTES,
    ) -> None:
        _check_parts(network, recipe, labels)
        name, sha256 = ("model", "") if provenance is None else (provenance.name, provenance.sha256)
        self.provenance = provenance
        self._model = Model(network.eval(), recipe, labels, name, sha256)
        self._memory = Memory(ByteCache(cache_bytes), ByteCache(WINDOW_CACHE_BYTES))
        self._prompt_memory = PromptMemory()
        self._loaded: Loaded | None = None
        self._volume_keys = itertools.count()

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model.name

    @property
    def device(self) -> str:
        """Where the network is now: "cpu", "cuda" or "mps"."""
        weight = next(self._model.network.parameters(), None)
        return "cpu" if weight is None else weight.device.type

    @property
    def recipe(self) -> Recipe:
        """How the network wants its input."""
        return self._model.recipe

    @property
    def labels(self) -> LabelTable:
        """The structures the network finds."""
        return self._model.labels

    @property
    def volume(self) -> Volume | None:
        """The volume in use, as it was given (non-finite voxels replaced)."""
        return None if self._loaded is None else self._loaded.prepared.source

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is doubtful about the volume in use."""
        return () if self._loaded is None else self._loaded.warnings

    @reports_out_of_memory
    def set_volume(self, volume: Volume) -> None:
        """Take a volume: check, turn, resample and normalise it.

        Raises
        ------
        InputError
            If it cannot be segmented by this model; the former volume then stays in use.
        """
        config = self._model.network.config
        checked, repairs = checked_volume(volume, len(self.recipe.channels))
        prepared = prepare(checked, self.recipe, config.roi, config.patch)
        self._memory.forget_volume()
        self._prompt_memory.forget_volume()
        warnings = (*volume.warnings, *repairs, *doubts(checked, self.recipe))
        self._loaded = Loaded(prepared, next(self._volume_keys), warnings)

    def plan(self, request: Request | None = None) -> Plan:
        """Say what `segment` would do, without doing it."""
        request = request or Request()
        prepared, hardware = self._volume_in_use().prepared, choose_hardware(request)
        network, grid = self._model.network, prepared.grid
        asks_once = self.recipe.field == "prompt"  # and then as often as the object needs
        n_windows = 1 if asks_once else len(grid.starts(grid.stride_for(request.stride)))
        pace = self._memory.seconds_per_mac.get((hardware.device.type, hardware.precision))
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

    @reports_out_of_memory
    def segment(
        self,
        request: Request | None = None,
        *,
        within: tuple[slice, slice, slice] | None = None,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> Segmentation:
        """Segment the whole volume, or a part of it.

        Finished planes are turned into labels while later windows still run, so memory does not grow with
        the number of classes times the volume.

        Parameters
        ----------
        request : Request
        within : three slices, optional
            Part of the source array that is wanted, such as the slice on screen: only windows that touch it
            run, and its labels are those a whole run would give it, before stray parts are removed. The
            answers of its windows are remembered for the whole run that follows, while there is room.
        progress : callable, optional
            Called with a `Progress` after every window.
        cancel : CancelToken, optional
            Looked at between windows; what is finished is returned with ``complete`` False.

        Raises
        ------
        NeedsPoint
            If the model segments the structure at a point, and the volume is larger than its window.
        InputError
            If there is no volume, or the request does not fit the model.
        """
        run = self._run(request, progress, cancel)
        grid = run.prepared.grid
        if self.recipe.field == "click" and not grid.fits_one_window:
            raise NeedsPoint(self.name)
        starts, box = grid.starts(run.stride), ((0, 0, 0), grid.size)
        if within is not None:
            box = run.prepared.model_box(_part(within, run.prepared.source.spatial_shape))
            starts = grid.touching(starts, box)
        canvas, sink = run.canvas(box, depth=grid.roi[0]), run.sink(box)
        for window in run.windows(starts, remember=within is not None):
            sink.write(canvas.take(window.start[0] - grid.lead[0], means=sink.needs_means))
            canvas.add(window.start, window.logits)
            del window
        sink.write(canvas.take(box[1][0], means=sink.needs_means))
        if run.request.clean_up and within is None and run.n_windows == len(starts):
            sink.clean_up()
        return run.segmentation(sink, len(starts))

    @reports_out_of_memory
    def preview(
        self,
        request: Request | None = None,
        *,
        centre_index: Sequence[float],
        cancel: CancelToken | None = None,
    ) -> Segmentation:
        """Segment the one window nearest to a point: the answer of the live keep slider.

        The window is one of those `segment` uses (for click models, the one `click` uses), so what precedes
        the first stage comes from the cache when it ran before.

        Parameters
        ----------
        request : Request
        centre_index : (3,) float
            Voxel index in the source's axis order.
        cancel : CancelToken, optional
            Looked at before the window is computed.
        """
        run = self._run(request, cancel=cancel)
        grid = run.prepared.grid
        at = run.prepared.model_index(centre_index)
        alone = self.recipe.field == "click"
        start = grid.start_around(at) if alone else grid.nearest(grid.starts(run.stride), at)
        box = grid.image_box(start)
        canvas, sink = run.canvas(box), run.sink(box)
        result = run.window(start)
        if result is not None:
            canvas.add(start, result.logits)
        sink.write(canvas.take(box[1][0], means=sink.needs_means))
        return run.segmentation(sink, 1)

    @reports_out_of_memory
    def click(
        self,
        index: Sequence[float],
        request: Request | None = None,
        *,
        everything: bool = False,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> Click:
        """Segment the structure at a voxel.

        One window around it is computed; while the structure runs into image that was not computed, up to
        eight more windows follow it.

        Parameters
        ----------
        index : (3,) float
            Voxel index in the source's axis order.
        request : Request
        everything : bool
            Keep every label of the one window instead of the clicked structure.
        progress, cancel
            As for `segment`.

        Raises
        ------
        InputError
            If the index lies outside the volume.
        """
        run = self._run(request, progress, cancel)
        voxel = _voxel_inside(index, run.prepared.source.spatial_shape)
        at = run.prepared.model_voxel(voxel)
        canvas, found, why_not, cancelled = follow(run, at, everything=everything)
        sink, shape = run.sink(canvas.box), canvas.seen.shape
        sink.write(canvas.take(canvas.high[0], means=sink.needs_means))
        n_planned = run.n_windows + cancelled
        if everything:
            segmentation = run.segmentation(sink, n_planned)
        elif found is None:
            segmentation = run.segmentation(sink, n_planned, only=np.zeros(shape, bool))
        else:
            segmentation = run.segmentation(sink, n_planned, only=found.mask, members=found.members)
        if found is None:
            return Click(segmentation, 0, "", why_not, voxel, run.n_windows)
        name = self.labels.group_name(found.label)
        sizes_ml = segmentation.report.volumes_ml
        size_ml = sum(sizes_ml[self.labels.name_of(member)] for member in found.members)
        return Click(segmentation, found.label, name, f"{name}, {size_ml:.2f} ml", voxel, run.n_windows)

    @reports_out_of_memory
    def prompt(
        self,
        prompts: Prompts,
        request: Request | None = None,
        *,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> Segmentation:
        """Segment what prompts point at.

        The first prompt is answered from a window 120 mm across, then from larger ones while the object goes
        on beyond it, and from fine ones along the border. Each further prompt changes the answer to those
        before it, near the prompt only (``report.prompts.reach_mm``). Answers are remembered: one prompt more
        costs a few windows, one taken back nothing.

        Parameters
        ----------
        prompts : Prompts
            All prompts of the object, in their order.
        request : Request
            Stride, blending, batch and structures have no meaning here.
        progress : callable, optional
            Called with a `Progress` after every window; how many will follow is found out on the way.
        cancel : CancelToken, optional
            Looked at between windows; what is finished is returned with ``complete`` False.

        Returns
        -------
        Segmentation
            Label 1 is the object. Tokens and scores are those of the latest prompt's windows.

        Raises
        ------
        PromptError
            If the prompts cannot be answered: see `napari_scd.engine.prompts`.
        InputError
            If there is no volume, or the request does not fit the model.
        """
        run = PromptRun(
            self._model,
            self._volume_in_use(),
            self._memory,
            self._prompt_memory,
            request or Request(),
            progress=progress,
            cancel=cancel,
        )
        return run.answer(prompts)

    def _run(
        self,
        request: Request | None,
        progress: Callable[[Progress], None] | None = None,
        cancel: CancelToken | None = None,
    ) -> Run:
        loaded = self._volume_in_use()
        if self.recipe.field == "prompt":
            raise NeedsPoint(self.name)
        return Run(self._model, loaded, self._memory, request or Request(), progress=progress, cancel=cancel)

    def _volume_in_use(self) -> Loaded:
        if self._loaded is None:
            raise InputError("No volume yet: open a 3D volume first.")
        return self._loaded


def _check_parts(network: ScdNetwork, recipe: Recipe, labels: LabelTable) -> None:
    config = network.config
    n_maps = PROMPT_CHANNELS - 1 if recipe.field == "prompt" else 0
    if len(recipe.channels) + n_maps != config.in_channels:
        raise InputError(
            f"The recipe names {len(recipe.channels)} channels{' and takes prompts' * bool(n_maps)}, "
            f"but the network takes {config.in_channels}."
        )
    if recipe.field == "prompt" and not recipe.cuts_windows_freely:
        raise InputError(
            "The recipe has field 'prompt', which needs one channel, the scan's own spacing, activation "
            "'sigmoid' and normalise_over 'window'."
        )
    highest = config.out_channels - (recipe.activation != "sigmoid")
    if highest > 255 or sorted(label.index for label in labels.labels) != list(range(1, highest + 1)):
        raise InputError(
            f"The label table does not fit the network's {config.out_channels} outputs: "
            f"it must name the ids 1 to {highest} (255 at most)."
        )
    if recipe.logit_offsets and len(recipe.logit_offsets) != config.out_channels:
        raise InputError(
            f"The recipe has {len(recipe.logit_offsets)} logit offsets, but the network has "
            f"{config.out_channels} outputs."
        )
    if any(not 1 <= index <= highest for index in recipe.single_labels):
        raise InputError(f"The recipe's single labels must be ids from 1 to {highest}.")


def _part(within: Sequence[slice], shape: Sequence[int]) -> Sequence[slice]:
    spans = [part.indices(n) for part, n in zip(within, shape, strict=False)]
    if len(spans) != 3 or any(step != 1 or low >= high for low, high, step in spans):
        raise InputError(f"A part of a volume is three slices without steps that hold voxels, not {within}.")
    return within


def _voxel_inside(index: Sequence[float], shape: Sequence[int]) -> Size3:
    place = np.asarray(index, float)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise InputError(f"A click needs three voxel indices (z, y, x), not {tuple(np.ravel(index))}.")
    voxel = np.floor(place + 0.5).astype(int)
    if (voxel < 0).any() or (voxel >= np.asarray(shape)).any():
        raise InputError(
            f"The point at voxel {tuple(voxel.tolist())} lies outside the volume of {tuple(shape)} voxels: "
            "click inside it."
        )
    return int(voxel[0]), int(voxel[1]), int(voxel[2])
