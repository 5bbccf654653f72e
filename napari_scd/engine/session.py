"""One network and one volume: set the volume once, then segment, click and preview many times."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from napari_scd.engine.cache import ByteCache
from napari_scd.engine.checks import check_parts
from napari_scd.engine.follow import answer_click
from napari_scd.engine.memory import Loaded, Memory, Model, Named
from napari_scd.engine.out_of_memory import reports_out_of_memory
from napari_scd.engine.passes import plan_of, segment_volume, segment_window
from napari_scd.engine.plausible import doubts
from napari_scd.engine.preprocess import checked_volume, prepare
from napari_scd.engine.prompts import PromptMemory, PromptRun, Prompts
from napari_scd.engine.request import Progress, Request
from napari_scd.engine.run import Run
from napari_scd.errors import InputError, NeedsPoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.cancel import CancelToken
    from napari_scd.engine.segmentation import Click, Plan, Segmentation
    from napari_scd.model import ScdNetwork
    from napari_scd.volume import LabelTable, Recipe, Volume

PREFIX_CACHE_BYTES = 2**29
WINDOW_CACHE_BYTES = 2**29


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
        Size limit of the prefix cache; 0 turns it off.

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
    ((1728, 864, 432, 216), True)
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
        check_parts(network, recipe, labels)
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
    def sharpens(self) -> bool:
        """Whether the network first answers coarsely, so that a part of a window is ready sooner."""
        return self._model.network.config.decoder_spec.sharpens

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
            If it cannot be segmented by this model; the previous volume then stays in use.
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
        return plan_of(self._model, self._volume_in_use(), self._memory, request or Request())

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
            Checked between windows; what is finished is returned with ``complete`` False.

        Raises
        ------
        NeedsPoint
            If the model segments the structure at a point, and the volume is larger than its window.
        InputError
            If there is no volume, or the request does not fit the model.
        """
        run = self._run(request, progress, cancel)
        return segment_volume(run, within)

    @reports_out_of_memory
    def preview(
        self,
        request: Request | None = None,
        *,
        centre_index: Sequence[float],
        within: tuple[slice, slice, slice] | None = None,
        cancel: CancelToken | None = None,
    ) -> Segmentation:
        """Segment the one window nearest to a point: the answer of the live keep slider.

        The window is one of those `segment` uses (for click models, the one `click` uses), so what precedes
        the first stage comes from the cache if it was computed before.

        Parameters
        ----------
        request : Request
        centre_index : (3,) float
            Voxel index in the source's axis order.
        within : three slices, optional
            Part of the source array that is wanted first, such as the slice on screen: labels are made only
            there. A network that sharpens then takes a fraction of the time; see `sharpens`.
        cancel : CancelToken, optional
            Checked before the window is computed.
        """
        run = self._run(request, cancel=cancel)
        return segment_window(run, centre_index, within)

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

        One window around it is computed, or one that `segment` uses too if that shows enough around it; up to
        eight more windows follow while the structure continues beyond what was computed.

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
        return answer_click(run, index, everything=everything)

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

        The first prompt is answered from a window 120 to 180 mm across (in scans of a trunk, from two of
        different sizes), then from larger ones while the object continues beyond it, and from fine ones along
        the border. Each further prompt changes the answer to those before it, but only near the prompt
        (``report.prompts.reach_mm``). Answers are remembered: one more prompt costs a few windows, removing
        one costs nothing.

        Parameters
        ----------
        prompts : Prompts
            All prompts of the object, in their order.
        request : Request
            Stride, blending, batch and structures have no effect here.
        progress : callable, optional
            Called with a `Progress` after every window; how many will follow is not known in advance.
        cancel : CancelToken, optional
            Checked between windows; what is finished is returned with ``complete`` False.

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
