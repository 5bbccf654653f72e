"""Models and the session, used by the worker thread only, one job at a time.

The only file of this room that runs checkpoints and engine. Both are imported by the methods that need
them, because they load torch, which takes seconds and must not happen in the thread that draws the window.
"""

from __future__ import annotations

import gc
import time
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.engine import Prompts
from napari_scd.viewer.logic.answers import clicked
from napari_scd.viewer.logic.choices import resolve
from napari_scd.viewer.logic.keep_estimate import dice
from napari_scd.viewer.logic.laying import LaidVolume
from napari_scd.viewer.logic.prompted import prompted
from napari_scd.viewer.logic.run_clock import BesideWindows, RunClock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.cancel import CancelToken
    from napari_scd.checkpoints import Checkpoint
    from napari_scd.engine import Plan, Progress, Request, Segmentation, Session
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.answers import Clicked
    from napari_scd.viewer.logic.choices import Choices
    from napari_scd.viewer.logic.prompted import Prompted

    Report = Callable[[Any], None]  # Progress, or PartialAnswer

MANY_WINDOWS = 8


class ReadyModel(NamedTuple):
    """A model and a volume, ready to run.

    Parameters
    ----------
    whole_run_s
        Seconds that a run over the volume is expected to take; None while nothing has run.
    """

    checkpoint: Checkpoint
    plan: Plan
    warnings: tuple[str, ...]
    whole_run_s: float | None = None


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
    """Holds the chosen model, and the promptable one beside it where it is asked; the volume in both."""

    def __init__(self) -> None:
        self._main, self._pointed = LaidVolume(), LaidVolume()
        self._beside = BesideWindows()

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
        checkpoint = self._main.load(choices.model)
        if view is None:
            return None
        return self._ready(checkpoint, self._main.lay(view, choices.model), resolve(choices))

    def warm(
        self, view: SourceView, choices: Choices, centre: Sequence[int], progress: Report, cancel: CancelToken
    ) -> ReadyModel | None:
        """Run the visible window once in the background; afterwards it is known how long a window takes.

        What precedes the window's first stage is remembered for the run that follows. The first window of a
        process takes up to four times as long as the next ones: for a volume of many windows, a second one is
        computed for its pace, unless something else was asked for by then.
        """
        import pandas  # noqa: F401  (napari imports it for the first layer with features: our first answer)

        session, request = self._main.lay(view, choices.model), resolve(choices)
        if cancel.cancelled:
            return None
        if session.recipe.field == "prompt":
            session.prompt(Prompts().include(centre), request, cancel=cancel)
        else:
            plan = session.plan(request)
            answer = session.preview(request, centre_index=tuple(centre), cancel=cancel)
            if plan.n_windows >= MANY_WINDOWS and not cancel.cancelled:
                answer = session.preview(request, centre_index=_elsewhere(view, centre), cancel=cancel)
            self._beside.learn(answer, np.minimum(plan.roi, plan.grid_shape).tolist())
        _collect_once()
        return self._ready(self._main.load(choices.model), session, request)

    def warm_pointed(
        self, view: SourceView, choices: Choices, centre: Sequence[int], progress: Report, cancel: CancelToken
    ) -> None:
        """Let the promptable model answer once in the background, where it stands in for the chosen one."""
        self.prompt(view, choices, [Prompts().include(centre)], progress, cancel)

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
        session, request = self._main.lay(view, choices.model), resolve(choices)
        plan = session.plan(request)
        window_s = None if plan.seconds is None else plan.seconds / plan.n_windows
        clock = RunClock(plan.n_windows, window_s, self._beside.of(session.name, plan))

        def tell(step: Progress, *, last: bool) -> None:
            progress(clock.told(step, last=last))

        if plan.n_windows > 1 and session.recipe.field != "click":
            ahead = session.preview(request, centre_index=tuple(centre), cancel=cancel)
            if ahead.complete:
                clock.skip(1)
                progress(PartialAnswer(ahead))
            if part is not None and not cancel.cancelled:
                on_screen = partial(tell, last=False)
                ahead = session.segment(request, within=part, progress=on_screen, cancel=cancel)
                if ahead.complete:
                    clock.next_pass()
                    progress(PartialAnswer(ahead))
        answer = session.segment(request, progress=partial(tell, last=True), cancel=cancel)
        self._beside.learn(answer, plan.grid_shape)
        return answer

    def segment_frames(
        self, views: Sequence[SourceView], choices: Choices, progress: Report, cancel: CancelToken
    ) -> int:
        """Segment frame after frame; report each when it is done, and return how many were done."""
        n_done = 0
        began = time.perf_counter()
        for number, view in enumerate(views):
            if cancel.cancelled:
                break
            session = self._main.lay(view, choices.model)
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
        session, request = self._main.lay(view, choices.model), resolve(choices)
        answers: list[Clicked] = []
        for index, everything in places:
            if cancel.cancelled:
                break
            click = session.click(index, request, everything=everything, progress=progress, cancel=cancel)
            answers.append(clicked(click, view, session.labels, everything=everything))
        return answers

    def preview(
        self,
        view: SourceView,
        choices: Choices,
        centre: Sequence[int],
        part: tuple[slice, slice, slice] | None,
        progress: Report,
        cancel: CancelToken,
    ) -> Segmentation:
        """Segment the window nearest a voxel, from its cached prefix when there is one.

        Where a part of it is ready much sooner, that of `part`, the slice on screen, is told ahead.
        """
        session, request = self._main.lay(view, choices.model), resolve(choices)
        if part is not None and session.sharpens:
            ahead = session.preview(request, centre_index=tuple(centre), within=part, cancel=cancel)
            if ahead.complete:
                progress(PartialAnswer(ahead))
        return session.preview(request, centre_index=tuple(centre), cancel=cancel)

    def compare(
        self, view: SourceView, choices: Choices, centre: Sequence[int], progress: Report, cancel: CancelToken
    ) -> Agreement:
        """Run the window nearest a voxel at the chosen keep ratio and dense; return how far they agree."""
        session = self._main.lay(view, choices.model)
        pruned = session.preview(resolve(choices), centre_index=tuple(centre))
        dense = session.preview(resolve(choices, keep=1.0), centre_index=tuple(centre))
        return Agreement(dice(pruned.labels.array, dense.labels.array), tuple(pruned.report.keep))

    def prompt(
        self,
        view: SourceView,
        choices: Choices,
        asked: Sequence[Prompts],
        progress: Report,
        cancel: CancelToken,
    ) -> list[Prompted]:
        """Answer the prompts of one object after the other with the promptable model, until cancelled."""
        session, request = self._pointing(view, choices)
        answers: list[Prompted] = []
        for prompts in asked:
            if cancel.cancelled:
                break
            found = session.prompt(prompts, request, progress=progress, cancel=cancel)
            answers.append(prompted(found, view, session.labels, session.warnings))
        return answers

    def compare_prompts(
        self, view: SourceView, choices: Choices, prompts: Prompts, progress: Report, cancel: CancelToken
    ) -> Agreement:
        """Answer the prompts of an object at the chosen keep ratio and dense; return how far they agree."""
        session, request = self._pointing(view, choices)
        pruned = session.prompt(prompts, request, progress=progress, cancel=cancel)
        dense = session.prompt(prompts, replace(request, keep=1.0), progress=progress, cancel=cancel)
        return Agreement(dice(pruned.labels.array, dense.labels.array), tuple(pruned.report.keep))

    def _ready(self, checkpoint: Checkpoint, session: Session, request: Request) -> ReadyModel:
        plan = session.plan(request)
        seconds = self._beside.whole_run_s(session.name, plan)
        return ReadyModel(checkpoint, plan, session.warnings, seconds)

    def _pointing(self, view: SourceView, choices: Choices) -> tuple[Session, Request]:
        """Return the promptable model's session and what to ask it: its stages may be others."""
        if choices.model == choices.promptable:
            return self._main.lay(view, choices.model), resolve(choices)
        return self._pointed.lay(view, choices.promptable), resolve(choices, keep=choices.keep)


def _elsewhere(view: SourceView, centre: Sequence[int]) -> tuple[int, ...]:
    """Voxel in another part of the scan than the one in the middle of the screen, but not at its border."""
    pairs = zip(centre, view.shape, strict=True)
    return tuple(round((0.3 if at > n / 2 else 0.7) * (n - 1)) for at, n in pairs)


@cache
def _collect_once() -> None:
    """Collect garbage, which is due after importing PyTorch: the first click need not wait for it."""
    gc.collect()
