"""How good clicks are: a simulated user clicks every structure, and Dice is measured after each click."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.engine import Prompts, Request
from napari_scd.errors import InputError
from napari_scd.evaluation.cases import read_pair
from napari_scd.evaluation.click_peers import ClickPeer
from napari_scd.evaluation.click_user import next_click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from napari_scd.engine import Session
    from napari_scd.evaluation.cases import CaseFiles
    from napari_scd.evaluation.click_user import SimulatedClick
    from napari_scd.volume import Volume

CLICK_COUNTS = (1, 2, 3, 5, 10)
GOOD_DICE = 0.85
MOST_CLICKS = 20
FEWEST_VOXELS = 30


@dataclass(frozen=True)
class ClickPlan:
    """What to measure.

    Attributes
    ----------
    clicks : int
        Clicks on every structure.
    request : Request
        Keep ratio, device, precision.
    names : mapping of int to str
        Of the values in the truth files; others are called "label 7".
    ignored_values : frozenset of int
        Truth values that are not structures and whose voxels do not count.
    only : frozenset of str
        Names of the structures to measure; empty = all.
    """

    clicks: int = 10
    request: Request = Request()
    names: Mapping[int, str] | None = None
    ignored_values: frozenset[int] = frozenset()
    only: frozenset[str] = frozenset()

    @property
    def counts(self) -> tuple[int, ...]:
        """Numbers of clicks after which Dice is reported."""
        return tuple(count for count in CLICK_COUNTS if count <= self.clicks) or (self.clicks,)

    def name_of(self, value: int) -> str:
        """Name of a value in the truth files."""
        return (self.names or {}).get(value, f"label {value}")


class ClickStep(NamedTuple):
    """One click and its result.

    Attributes
    ----------
    voxel : (z, y, x) int
        Of the scan.
    include : bool
    dice, seconds : float
    tokens : tuple of int
        Living tokens of a window at the start and after each stage.
    n_windows : int
        Windows this click took.
    """

    voxel: tuple[int, int, int]
    include: bool
    dice: float
    seconds: float
    tokens: tuple[int, ...]
    n_windows: int


class ClickTrack(NamedTuple):
    """All clicks on one structure of one case; the last one leaves nothing to correct.

    Attributes
    ----------
    case, structure : str
    voxels : int
        Of the truth.
    steps : tuple of ClickStep
    """

    case: str
    structure: str
    voxels: int
    steps: tuple[ClickStep, ...]

    def dice_after(self, clicks: int) -> float:
        """Dice after this many clicks; if there were fewer, that of the last one."""
        return self.steps[min(clicks, len(self.steps)) - 1].dice

    @property
    def clicks_to_good(self) -> int | None:
        """Clicks until Dice reached 0.85; None when 20 were not enough."""
        return next((at for at, step in enumerate(self.steps, start=1) if step.dice >= GOOD_DICE), None)


def click_case(
    asked: Session | ClickPeer, files: CaseFiles, plan: ClickPlan
) -> Iterator[tuple[float, ClickTrack]]:
    """Click every structure of a case.

    Parameters
    ----------
    asked : Session or ClickPeer
        A model on its session, or another method.
    files : CaseFiles
    plan : ClickPlan

    Yields
    ------
    The share of the case's structures that are done, 0-1, and the clicks on the latest.

    Raises
    ------
    InputError
        The files do not fit each other or the model, or hold no structure of 30 voxels.
    """
    image, truth = read_pair(files)
    values = _values(truth, plan)
    if not values:
        raise InputError(f"{files.label} holds no structure of at least {FEWEST_VOXELS} voxels to click.")
    asked.set_volume(image)
    counted = ~np.isin(truth.array, list(plan.ignored_values))
    for done, value in enumerate(values, start=1):
        mask = np.asarray(truth.array == value)
        steps = tuple(_clicks(_talk_of(asked, plan.request, mask), mask, counted, image.spacing_mm, plan))
        track = ClickTrack(files.name, plan.name_of(value), int(np.count_nonzero(mask)), steps)
        yield done / len(values), track


def _values(truth: Volume, plan: ClickPlan) -> list[int]:
    there, sizes = np.unique(truth.array, return_counts=True)
    pairs = zip(there.tolist(), sizes.tolist(), strict=True)
    left_out = {0, *plan.ignored_values}
    values = [value for value, size in pairs if value not in left_out and size >= FEWEST_VOXELS]
    return [value for value in values if not plan.only or plan.name_of(value) in plan.only]


def _clicks(
    talk: _Talk,
    truth: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
    plan: ClickPlan,
) -> Iterator[ClickStep]:
    """Click as often as planned, and up to 20 times while Dice stays below 0.85."""
    found = None
    dice = 0.0
    for number in range(1, max(MOST_CLICKS, plan.clicks) + 1):
        if number > plan.clicks and dice >= GOOD_DICE:
            return
        click = next_click(truth, found, counted, spacing_mm, only_missing=not talk.corrects)
        if click is None:
            return
        began = time.perf_counter()
        took = talk.answer(click)
        seconds = time.perf_counter() - began
        unchanged = found is not None and np.array_equal(found, talk.mask)
        found = talk.mask.copy()
        dice = _dice(found & counted, truth & counted)
        yield ClickStep(*click, dice, seconds, *took)
        if talk.takes_one or (unchanged and not talk.corrects):
            return  # the same click would be repeated for ever


class _Took(NamedTuple):
    """What an answer took: living tokens of a window, and windows."""

    tokens: tuple[int, ...] = ()
    n_windows: int = 0


class _Talk(ABC):
    """The user's clicks on one structure, and the answer.

    Attributes
    ----------
    corrects : bool
        Whether the model takes exclude clicks.
    takes_one : bool
        Whether the first answer stays.
    mask : bool ``(z, y, x)``
        The answer so far.
    """

    corrects: bool
    takes_one: bool = False
    mask: NDArray[np.bool_] = np.zeros((0, 0, 0), bool)

    @abstractmethod
    def answer(self, click: SimulatedClick) -> _Took:
        """Add a click."""


class _Prompted(_Talk):
    """A promptable model: all clicks so far are one question."""

    corrects = True

    def __init__(self, session: Session, request: Request) -> None:
        self.session, self.request = session, request
        self.prompts = Prompts()

    def answer(self, click: SimulatedClick) -> _Took:
        add = self.prompts.include if click.include else self.prompts.exclude
        self.prompts = add(click.voxel)
        answer = self.session.prompt(self.prompts, self.request)
        self.mask = np.asarray(answer.labels.array) != 0
        said = answer.report.prompts
        return _Took(answer.report.tokens, answer.report.n_windows if said is None else said.n_windows[-1])


class _ClosedSet(_Talk):
    """A model with names: each click adds the structure under it, and nothing can be removed."""

    corrects = False

    def __init__(self, session: Session, request: Request) -> None:
        self.session, self.request = session, request

    def answer(self, click: SimulatedClick) -> _Took:
        answer = self.session.click(click.voxel, self.request).segmentation
        found = np.asarray(answer.labels.array) != 0
        self.mask = found if not self.mask.size else self.mask | found
        return _Took(answer.report.tokens, answer.report.n_windows)


class _Peer(_Talk):
    """Another method, which gets all clicks anew."""

    corrects = True

    def __init__(self, peer: ClickPeer, truth: NDArray[np.bool_]) -> None:
        self.peer, self.truth, self.takes_one = peer, truth, peer.takes_one
        self.clicks: tuple[SimulatedClick, ...] = ()

    def answer(self, click: SimulatedClick) -> _Took:
        self.clicks += (click,)
        self.mask = self.peer.answer(self.clicks, self.truth)
        return _Took()


def _talk_of(asked: Session | ClickPeer, request: Request, truth: NDArray[np.bool_]) -> _Talk:
    if isinstance(asked, ClickPeer):
        return _Peer(asked, truth)
    return (_Prompted if asked.recipe.field == "prompt" else _ClosedSet)(asked, request)


def _dice(found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    sizes = int(np.count_nonzero(found)) + int(np.count_nonzero(truth))
    return 2 * int(np.count_nonzero(found & truth)) / sizes if sizes else 1.0
