"""Models and the session, used by the worker thread only, one job at a time.

The only file of this room that runs checkpoints and engine. Both are imported by the methods that need
them, because they load torch, which takes seconds and must not happen in the thread that draws the window.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.errors import InputError
from napari_scd.viewer.logic.answers import clicked
from napari_scd.viewer.logic.choices import resolve
from napari_scd.viewer.logic.failures import BadVolume, VoxelsChanged
from napari_scd.viewer.logic.keep_estimate import dice

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.cancel import CancelToken
    from napari_scd.checkpoints import Checkpoint
    from napari_scd.engine import Plan, Progress, Segmentation, Session
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.answers import Clicked
    from napari_scd.viewer.logic.choices import Choices

    Report = Callable[[Any], None]  # Progress, or PartialAnswer


class ReadyModel(NamedTuple):
    """A model and a volume, ready to run."""

    checkpoint: Checkpoint
    plan: Plan
    warnings: tuple[str, ...]


class PartialAnswer(NamedTuple):
    """What is on screen of a run over the volume, told while the rest still runs."""

    segmentation: Segmentation


class FrameAnswer(NamedTuple):
    """One frame of a run over all frames, told while the rest still runs."""

    view: SourceView
    segmentation: Segmentation


class Agreement(NamedTuple):
    """The visible window at the chosen keep ratio against the dense network."""

    dice: float | None
    keep: tuple[float, ...]


class Backend:
    """Holds one model, its session and the volume laid on it."""

    def __init__(self) -> None:
        self._model: str | None = None
        self._checkpoint: Checkpoint | None = None
        self._session: Session | None = None
        self._key: tuple[Any, ...] | None = None
        self._stamp = 0
        self._window: tuple[float, float] | None = None

    def preload(self, progress: Report, cancel: CancelToken) -> tuple[str, ...]:
        """Import what is slow to import; return the devices of this machine."""
        import torch

        import napari_scd.checkpoints
        import napari_scd.engine  # noqa: F401

        there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
        return ("auto", "cpu", *(name for name, available in there.items() if available))

    def prepare(
        self, view: SourceView | None, choices: Choices, progress: Report, cancel: CancelToken
    ) -> ReadyModel | None:
        """Load the model and lay the volume on it, whichever changed; without a volume return None."""
        checkpoint = self._load(choices.model)
        if view is None:
            return None
        session = self._lay(view, choices)
        plan = session.plan(resolve(choices))
        return ReadyModel(checkpoint, plan, session.warnings)

    def warm(
        self, view: SourceView, choices: Choices, centre: Sequence[int], progress: Report, cancel: CancelToken
    ) -> Plan | None:
        """Run the visible window once, unseen, and return a plan that knows what a window takes.

        The first window of a process takes several times as long as the next ones, and what precedes its
        first stage is remembered for the run that follows.
        """
        session, request = self._lay(view, choices), resolve(choices)
        if cancel.cancelled:
            return None
        session.preview(request, centre_index=tuple(centre), cancel=cancel)
        return session.plan(request)

    def segment(
        self,
        view: SourceView,
        choices: Choices,
        centre: Sequence[int],
        part: tuple[slice, slice, slice] | None,
        progress: Report,
        cancel: CancelToken,
    ) -> Segmentation:
        """Segment the whole volume; what is on screen is told ahead of the rest.

        First the window nearest the voxel `centre`, then all windows that touch `part`, the slice on screen.
        """
        session, request = self._lay(view, choices), resolve(choices)
        total = session.plan(request).n_windows
        began, most = time.perf_counter(), 0

        def count_once(step: Progress) -> None:
            """Tell progress over the whole run: windows of the slice on screen are not counted twice."""
            nonlocal most
            most = max(most, min(step.done, total))
            progress(step.of(most, total, time.perf_counter() - began))

        if total > 1 and session.recipe.field != "click":
            ahead = session.preview(request, centre_index=tuple(centre), cancel=cancel)
            if ahead.complete:
                progress(PartialAnswer(ahead))
            if part is not None and not cancel.cancelled:
                ahead = session.segment(request, within=part, progress=count_once, cancel=cancel)
                if ahead.complete:
                    progress(PartialAnswer(ahead))
        return session.segment(request, progress=count_once, cancel=cancel)

    def segment_frames(
        self, views: Sequence[SourceView], choices: Choices, progress: Report, cancel: CancelToken
    ) -> int:
        """Segment frame after frame; tell each when it is done, and return how many were."""
        n_done = 0
        began = time.perf_counter()
        for number, view in enumerate(views):
            if cancel.cancelled:
                break
            session = self._lay(view, choices)
            n_windows = session.plan(resolve(choices)).n_windows

            def of_all(step: Progress, before: int = number * n_windows, each: int = n_windows) -> None:
                progress(step.of(before + step.done, each * len(views), time.perf_counter() - began))

            segmentation = session.segment(resolve(choices), progress=of_all, cancel=cancel)
            if segmentation.complete:
                n_done += 1
                progress(FrameAnswer(view, segmentation))
        return n_done

    def click(
        self,
        view: SourceView,
        choices: Choices,
        places: Sequence[tuple[tuple[int, int, int], bool]],
        progress: Report,
        cancel: CancelToken,
    ) -> list[Clicked]:
        """Answer clicks (index, everything) one after the other, until cancelled."""
        session, request = self._lay(view, choices), resolve(choices)
        answers: list[Clicked] = []
        for index, everything in places:
            if cancel.cancelled:
                break
            click = session.click(index, request, everything=everything, progress=progress, cancel=cancel)
            answers.append(clicked(click, view, session.labels, everything=everything))
        return answers

    def preview(
        self, view: SourceView, choices: Choices, centre: Sequence[int], progress: Report, cancel: CancelToken
    ) -> Segmentation:
        """Segment the window nearest a voxel, from its cached prefix when there is one."""
        return self._lay(view, choices).preview(resolve(choices), centre_index=tuple(centre))

    def compare(
        self, view: SourceView, choices: Choices, centre: Sequence[int], progress: Report, cancel: CancelToken
    ) -> Agreement:
        """Run the window nearest a voxel at the chosen keep ratio and dense; return how far they agree."""
        session = self._lay(view, choices)
        pruned = session.preview(resolve(choices), centre_index=tuple(centre))
        dense = session.preview(resolve(choices, keep=1.0), centre_index=tuple(centre))
        return Agreement(dice(pruned.labels.array, dense.labels.array), tuple(pruned.report.keep))

    def _load(self, model: str | None) -> Checkpoint:
        from napari_scd.checkpoints import load
        from napari_scd.engine import Session

        assert model is not None
        if self._checkpoint is None or model != self._model:
            self._key = self._session = None
            self._checkpoint = load(model)
            self._session = Session(*self._checkpoint)
            self._model, self._window = model, None
        return self._checkpoint

    def _lay(self, view: SourceView, choices: Choices) -> Session:
        session = self._session_for(self._load(choices.model), view.window)
        stamp = view.fingerprint()
        if self._key == view.key and self._stamp != stamp:
            self._key = None
            raise VoxelsChanged
        if self._key != view.key:
            self._key = None
            try:
                session.set_volume(view.volume())
            except InputError as error:
                raise BadVolume(str(error)) from error
            self._key, self._stamp = view.key, stamp
        return session

    def _session_for(self, checkpoint: Checkpoint, window: tuple[float, float] | None) -> Session:
        """Return a session with the user's intensity window in place of the model's own."""
        from napari_scd.engine import Session

        if self._session is None or window != self._window:
            network, recipe, labels, provenance = checkpoint
            if window is not None:
                recipe = replace(recipe, clip=window, clip_percentiles=None)
            self._key = None
            self._session = Session(network, recipe, labels, provenance)
            self._window = window
        return self._session
