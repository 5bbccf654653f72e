"""Prompts: what a user pointed at, one after another, in voxels of the scan."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from napari_scd.engine.prompts.errors import (
    BoxOutside,
    Contradiction,
    EmptyStroke,
    FlatBox,
    NoPrompts,
    OnlyExcluded,
    OtherGrid,
    PointOutside,
    PromptError,
)
from napari_scd.engine.prompts.previous import PreviousMask

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_scd.engine.windows import Size3
    from napari_scd.volume import Volume

    Place = Sequence[float]

Kind = Literal["include", "exclude", "box"]


@dataclass(frozen=True)
class Prompt:
    """One prompt: a click, a stroke or a box.

    Parameters
    ----------
    kind : {"include", "exclude", "box"}
    voxels : tuple of (z, y, x)
        In the source's axis order; fractions are rounded. One voxel is a click, several are a stroke; a box
        has two opposite corners, both inside it, which are put in order.

    Raises
    ------
    EmptyStroke, FlatBox
    PromptError
        If a voxel is not three numbers.
    """

    kind: Kind
    voxels: tuple[Size3, ...]

    def __post_init__(self) -> None:
        """Round and check."""
        if self.kind not in get_args(Kind):
            raise PromptError(f"A prompt is one of {', '.join(get_args(Kind))}, not {self.kind!r}.")
        voxels = tuple(_voxel(place) for place in self.voxels)
        if not voxels:
            raise EmptyStroke
        if self.kind == "box":
            voxels = _corners(voxels)
        object.__setattr__(self, "voxels", voxels)

    @property
    def is_stroke(self) -> bool:
        """Whether it is a stroke rather than a click or a box."""
        return self.kind != "box" and len(self.voxels) > 1

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy."""
        return {"kind": self.kind, "voxels": [list(voxel) for voxel in self.voxels]}


@dataclass(frozen=True)
class Prompts:
    """All prompts for one object, in the order in which they were given.

    The order counts: every prompt corrects the answer to those before it. Prompts are immutable; adding and
    removing return new ones.

    Parameters
    ----------
    steps : tuple of Prompt
    previous : PreviousMask or None
        The mask they correct.

    Raises
    ------
    Contradiction
        If a voxel is both included and excluded.

    Examples
    --------
    >>> prompts = Prompts().include((40, 120, 96)).exclude((40, 150, 96))
    >>> prompts.included, prompts.excluded
    (((40, 120, 96),), ((40, 150, 96),))
    >>> prompts.undone() == Prompts.of(include=[(40, 120, 96)])
    True
    """

    steps: tuple[Prompt, ...] = ()
    previous: PreviousMask | None = None

    def __post_init__(self) -> None:
        """Reject contradictions."""
        object.__setattr__(self, "steps", tuple(self.steps))
        both = set(self.included) & set(self.excluded)
        if both:
            raise Contradiction(min(both))

    @classmethod
    def of(
        cls,
        *,
        include: Iterable[Place] = (),
        exclude: Iterable[Place] = (),
        include_strokes: Iterable[Iterable[Place]] = (),
        exclude_strokes: Iterable[Iterable[Place]] = (),
        box: tuple[Place, Place] | None = None,
        previous: PreviousMask | None = None,
    ) -> Prompts:
        """Make prompts from lists: first the box, then what is included, then what is excluded."""
        prompts = cls(previous=previous)
        if box is not None:
            prompts = prompts.within(*box)
        for places in (*((place,) for place in include), *include_strokes):
            prompts = prompts.include(*places)
        for places in (*((place,) for place in exclude), *exclude_strokes):
            prompts = prompts.exclude(*places)
        return prompts

    def include(self, *places: Place) -> Prompts:
        """Add a click (one voxel) or stroke (several) that belongs to the object."""
        return self.plus(Prompt("include", places))  # type: ignore[arg-type]

    def exclude(self, *places: Place) -> Prompts:
        """Add a click (one voxel) or stroke (several) that does not belong to the object."""
        return self.plus(Prompt("exclude", places))  # type: ignore[arg-type]

    def within(self, corner: Place, opposite: Place) -> Prompts:
        """Limit the object to a box given by two opposite corner voxels; the latest box counts."""
        return self.plus(Prompt("box", (corner, opposite)))  # type: ignore[arg-type]

    def plus(self, prompt: Prompt) -> Prompts:
        """Add one prompt."""
        return replace(self, steps=(*self.steps, prompt))

    def undone(self) -> Prompts:
        """Remove the latest prompt; without any, nothing changes."""
        return replace(self, steps=self.steps[:-1])

    def without(self, number: int) -> Prompts:
        """Remove the prompt with this number, counted from 0."""
        return replace(self, steps=self.steps[:number] + self.steps[number + 1 :])

    def first(self, count: int) -> Prompts:
        """Return only the first prompts."""
        return self if count == len(self.steps) else replace(self, steps=self.steps[:count])

    @property
    def included(self) -> tuple[Size3, ...]:
        """Voxels of all include clicks and strokes."""
        return self._voxels("include")

    @property
    def excluded(self) -> tuple[Size3, ...]:
        """Voxels of all exclude clicks and strokes."""
        return self._voxels("exclude")

    @property
    def box(self) -> tuple[Size3, Size3] | None:
        """First and last voxel of the latest box."""
        boxes = self._voxels("box")
        return (boxes[-2], boxes[-1]) if boxes else None

    def _voxels(self, kind: Kind) -> tuple[Size3, ...]:
        return tuple(voxel for step in self.steps if step.kind == kind for voxel in step.voxels)

    def to_dict(self, *, with_mask: bool = True) -> dict[str, Any]:
        """JSON-ready copy; without `with_mask`, the previous mask is reduced to its number of voxels."""
        values: dict[str, Any] = {"steps": [step.to_dict() for step in self.steps]}
        if self.previous is not None:
            mask = self.previous.to_dict() if with_mask else {"voxels": self.previous.n_voxels}
            values["previous"] = mask
        return values

    @classmethod
    def from_dict(cls, values: Any) -> Prompts:
        """Read a `to_dict` copy.

        Raises
        ------
        InputError
            If it is not one, or its prompts cannot be used.
        """
        try:
            known = {"steps", "previous"}
            unknown = sorted(set(values) - known)
            steps = tuple(Prompt(step["kind"], tuple(step["voxels"])) for step in values["steps"])
        except (KeyError, TypeError, AttributeError) as error:
            raise PromptError(f"The prompts cannot be read ({error}): export them again.") from error
        if unknown:
            raise PromptError(f"The prompts have an unknown entry '{unknown[0]}'.")
        previous = values.get("previous")
        return cls(steps, None if previous is None else PreviousMask.from_dict(previous))


def check_prompts(prompts: Prompts, volume: Volume) -> None:
    """Reject prompts that cannot be answered on a volume.

    Raises
    ------
    NoPrompts, PointOutside, BoxOutside, OnlyExcluded, OtherGrid
    """
    if not prompts.steps and prompts.previous is None:
        raise NoPrompts
    shape = volume.spatial_shape
    for voxel in (*prompts.included, *prompts.excluded):
        if not all(0 <= at < n for at, n in zip(voxel, shape, strict=True)):
            raise PointOutside(voxel, shape)
    if prompts.box is not None:
        low, high = prompts.box
        if any(b < 0 or a >= n for a, b, n in zip(low, high, shape, strict=True)):
            raise BoxOutside(low, high, shape)
    if prompts.previous is not None and not prompts.previous.fits(volume):
        raise OtherGrid(prompts.previous.shape, shape)
    if not prompts.included and prompts.box is None and prompts.previous is None:
        raise OnlyExcluded


def _voxel(place: Any) -> Size3:
    try:
        z, y, x = (math.floor(float(at) + 0.5) for at in place)
    except (TypeError, ValueError, OverflowError) as error:
        raise PromptError(f"A prompt needs voxel indices (z, y, x), not {place!r}.") from error
    return z, y, x


def _corners(voxels: tuple[Size3, ...]) -> tuple[Size3, Size3]:
    if len(voxels) != 2:
        raise PromptError(f"A box needs two opposite corners, not {len(voxels)} points.")
    for axis, (a, b) in enumerate(zip(*voxels, strict=True)):
        if a == b:
            raise FlatBox(axis)
    low, high = (tuple(map(pick, *voxels)) for pick in (min, max))
    return low, high  # type: ignore[return-value]
