"""Answers one prompt: look, zoom out while the object continues, look closer along its border."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from scipy import ndimage

from napari_scd.engine.prompts.answer import Answer, Draft
from napari_scd.engine.prompts.first_look import (
    FINER_THAN_SCAN,
    ROOM,
    first_spacing_mm,
    look_nearer,
    wider_spacing_mm,
)
from napari_scd.engine.prompts.focus import Focus, border_places, plan_focus
from napari_scd.engine.prompts.obey import obey
from napari_scd.engine.prompts.parts import NEAR_VOX, changed_near, drop_strays, nearest_mm, without_strays
from napari_scd.engine.prompts.reach import Reach, fading, goes_on
from napari_scd.engine.prompts.tokens import TokenPiece
from napari_scd.engine.prompts.window import ScanWindow, seen_from

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_scd.engine.prompts.look import Look, Pointed
    from napari_scd.engine.prompts.prompts import Kind
    from napari_scd.engine.prompts.window import Floats, Place, Space
    from napari_scd.engine.windows import Size3

ZOOM_OUT = 1.5
MOST_FOCUS_FIRST = 4
MOST_FOCUS_LATER = 3
COARSER = 1.2
MOST_NEARER = 2


class Aim(NamedTuple):
    """The latest prompt on the oriented scan.

    Attributes
    ----------
    kind : {"include", "exclude", "box"}
    place : (z, y, x) float
        Where windows are centred.
    extent_mm : float
        Longest edge of the box around it.
    voxels : tuple of (z, y, x)
    """

    kind: Kind
    place: Place
    extent_mm: float
    voxels: tuple[Size3, ...]


class PromptStep(NamedTuple):
    """The answer to the first prompts, up to one of them.

    Attributes
    ----------
    answer : Answer
    pieces : tuple of TokenPiece
        Tokens of the latest prompt's windows, the coarse ones first.
    n_windows : tuple of int
        Windows that each prompt took.
    reach_mm : float or None
        Nothing farther from the latest prompt than this, along any axis, has changed; None = there was no
        answer before.
    n_left_out : int
        Fine windows along the border that were left out, as there were too many.
    coarse_mm : float
        Spacing of the last coarse window.
    """

    answer: Answer
    pieces: tuple[TokenPiece, ...] = ()
    n_windows: tuple[int, ...] = ()
    reach_mm: float | None = None
    n_left_out: int = 0
    coarse_mm: float = 0.0


class Zoomed(NamedTuple):
    """The window that was zoomed out to.

    Attributes
    ----------
    window : ScanWindow
    seen : float32 of shape ``roi``
        The answer before, as it saw it.
    near : bool of shape ``roi``
        What belongs to the change that the prompt asked for; all of it when there was no answer before.
    reach : Reach or None
        None when there was no answer before.
    """

    window: ScanWindow
    seen: Floats
    near: NDArray[np.bool_]
    reach: Reach | None


class Asks(Protocol):
    """A function that shows the network a window."""

    def __call__(self, window: ScanWindow, seen: Floats, n_more: int) -> Look:
        """Look at a window; `n_more` windows are known to follow."""


class PromptAnswering:
    """Answers the latest of some prompts.

    Parameters
    ----------
    ask : callable
    roi : (z, y, x) int
        Voxels of the network's window.
    space : Space
    before : Answer
        To the prompts before it.
    aim : Aim
        The latest prompt.
    pointed : Pointed
        All prompts.
    kept : Draft or None
        The mask that the prompts correct: its parts stay.

    Attributes
    ----------
    draft : Draft
        The unfinished answer.
    """

    def __init__(
        self,
        ask: Asks,
        roi: Size3,
        space: Space,
        *,
        before: Answer,
        aim: Aim,
        pointed: Pointed,
        kept: Draft | None = None,
    ) -> None:
        self.draft = Draft(space, before)
        self._ask = ask
        self._roi = roi
        self._space = space
        self._before = before
        self._aim = aim
        self._pointed = pointed
        self._kept = kept
        self._pieces: list[TokenPiece] = []

    def answer(self) -> PromptStep:
        """Answer the prompt."""
        kind = self._aim.kind
        if not self._before.is_empty and kind != "box":
            return self._correction()
        if self._before.is_empty and kind != "exclude":
            return self._first(boxed=kind == "box")
        self._tidy()
        return self._step(self._before.spacing_mm, self._before.detail_mm)

    def so_far(self) -> PromptStep:
        """Return the finished part of an answer that was cancelled."""
        return self._step(self._before.spacing_mm, self._before.detail_mm)

    def _first(self, *, boxed: bool) -> PromptStep:
        """Answer a first prompt: look from afar, closer if the object is small, then along its border."""
        start_mm = first_spacing_mm(self._space, self._roi, self._aim.extent_mm if boxed else 0.0)
        zoomed = self._zoom(self.draft, max(start_mm, self._room_mm()), may_zoom=not boxed)
        for _ in range(MOST_NEARER):
            nearer = look_nearer(self.draft.seen_by(zoomed.window), zoomed.window, self._space)
            if nearer is None:
                break
            self._aim = self._aim._replace(place=nearer.place)
            zoomed = self._zoom(Draft(self._space, self._before), nearer.spacing_mm, may_zoom=True)
        focus = self._focus(zoomed, self._space.finest_mm, MOST_FOCUS_FIRST)
        self._tidy(zoomed)
        return self._step(focus.spacing_mm, focus.spacing_mm, zoomed, focus)

    def _correction(self) -> PromptStep:
        """Change the answer near the prompt."""
        # an include prompt far from the mask, or an exclude prompt deep inside it, means something large
        wrong_mm = nearest_mm(self.draft, self._aim.place, inside=self._aim.kind == "include")
        large_mm = min(2 * ROOM * wrong_mm / min(self._roi), first_spacing_mm(self._space, self._roi))
        start_mm = max(self._before.spacing_mm, large_mm, self._room_mm())
        zoomed = self._zoom(self.draft, start_mm, may_zoom=True)
        focus = self._focus(zoomed, self._before.detail_mm, MOST_FOCUS_LATER)
        self._tidy(zoomed)
        return self._step(self._before.spacing_mm, self._before.detail_mm, zoomed, focus)

    def _zoom(self, draft: Draft, spacing_mm: float, *, may_zoom: bool) -> Zoomed:
        """Enlarge the window until the change ends inside; the draft takes what the last one found."""
        whole_mm = max(self._space.whole_mm(self._roi), FINER_THAN_SCAN * self._space.finest_mm)
        spacing_mm = min(spacing_mm, whole_mm)
        while True:
            window = ScanWindow.around(self._aim.place, spacing_mm, self._roi, self._space)
            reach = None if self._before.is_empty else Reach.of(self._aim.place, window)
            seen = draft.seen_by(window)
            looked = (
                self._look_first(window, seen)
                if self._before.is_empty and may_zoom
                else self._look(window, seen)
            )
            found = without_strays(looked, seen, window, self._pointed.included)
            near = np.ones(self._roi, bool)
            if reach is not None:
                near = changed_near(found, seen, window, self._aim.voxels)
            change = near & ((found >= 0.5) != (seen >= 0.5))
            if not may_zoom or spacing_mm >= whole_mm or not goes_on(change, window, self._space, reach):
                break
            spacing_mm = min(spacing_mm * ZOOM_OUT, whole_mm)
        weights = near.astype(np.float32)
        if reach is not None:
            weights *= reach.weights(window, self._space)
        coarse = reach is not None and spacing_mm > COARSER * self._before.detail_mm
        draft.merge(window, np.where(near, found, seen), seen, weights, coarse=coarse)
        self.draft = draft
        return Zoomed(window, seen, near, reach)

    def _focus(self, zoomed: Zoomed, finest_mm: float, most: int) -> Focus:
        """Look closer where the border is new, each window seeing what those before it found."""
        if self._pointed.box is not None:
            self.draft.clip(*self._pointed.box)
        border = border_places(self.draft.seen_by(zoomed.window), zoomed.seen, zoomed.window)
        focus = plan_focus(border, zoomed.window, self._space, finest_mm=finest_mm, most=most)
        for n_done, window in enumerate(focus.windows, start=1):
            seen = self.draft.seen_by(window)
            found = self._look(window, seen, len(focus.windows) - n_done)
            weights = fading(window, self._space)
            if zoomed.reach is not None:
                weights *= zoomed.reach.weights(window, self._space)
                around = ndimage.binary_dilation(zoomed.near, iterations=2)
                weights *= seen_from(zoomed.window, window, around)
            self.draft.merge(window, found, seen, weights)
        return focus

    def _look_first(self, window: ScanWindow, seen: Floats) -> Floats:
        """Look when all that is known is a click: where sizes differ most, the mean of two windows.

        The wider one sees what an earlier look found.
        """
        wider_mm = wider_spacing_mm(window.spacing_mm, self._space, self._roi)
        if wider_mm is None:
            return self._look(window, seen)
        wider = ScanWindow.around(self._aim.place, wider_mm, self._roi, self._space)
        from_afar = seen_from(wider, window, self._look(wider, self.draft.seen_by(wider), 1))
        return np.asarray((self._look(window, seen) + from_afar) / 2, np.float32)

    def _look(self, window: ScanWindow, seen: Floats, n_more: int = 0) -> Floats:
        look = self._ask(window, seen, n_more)
        self._pieces.append(TokenPiece(window, look.exit_stage, look.scores))
        return look.probability.astype(np.float32)

    def _tidy(self, zoomed: Zoomed | None = None) -> None:
        """Keep to the box, to the parts that include prompts point at, and to what every prompt says."""
        if self._pointed.box is not None:
            self.draft.clip(*self._pointed.box)
        if zoomed is not None:
            drop_strays(
                self.draft,
                self._pointed.included,
                [NEAR_VOX * step for step in zoomed.window.step],
                within=None if zoomed.reach is None else zoomed.reach.box(self._space),
                kept=self._kept,
            )
        obey(self.draft, self._pointed)

    def _room_mm(self) -> float:
        """Spacing at which the prompt itself fits into a window."""
        return ROOM * self._aim.extent_mm / min(self._roi)

    def _step(
        self, spacing_mm: float, detail_mm: float, zoomed: Zoomed | None = None, focus: Focus | None = None
    ) -> PromptStep:
        reach = None if zoomed is None else zoomed.reach
        return PromptStep(
            answer=self.draft.finished(spacing_mm, detail_mm),
            pieces=tuple(self._pieces),
            n_windows=(len(self._pieces),),
            reach_mm=None if reach is None else reach.half_mm + max(self._space.spacing_mm),
            n_left_out=0 if focus is None else focus.n_left_out,
            coarse_mm=0.0 if zoomed is None else zoomed.window.spacing_mm,
        )
