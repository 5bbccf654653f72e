"""What was given but is not used: nothing is left out silently."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAMED = 3  # this many are named in a sentence; the rest are only counted


class Why(Enum):
    """Why a file, folder or link is left out, in words that fit into brackets."""

    EMPTY = "empty"
    DAMAGED = "cut off or damaged"
    UNREADABLE = "cannot be read"
    LINK_TO_NOWHERE = "link to nowhere"
    SEEN_BEFORE = "link to a folder that is read already"
    EMPTY_FOLDER = "empty folder"
    HIDDEN = "hidden"
    NOT_DICOM = "not a DICOM file"
    NOT_AN_IMAGE = "not an image"
    NO_SCAN = "no scan"
    COLOURS = "colours instead of one number per voxel"
    INDEX = "index of a disc"
    NO_POSITION = "no position in space"
    ONE_POSITION = "one position for all of its images"
    DUPLICATE = "duplicate"
    FOLDER = "a folder, where only files count"
    NO_PARTNER = "no image of that name"
    NOT_GIVEN = "of the same series, but not given"
    OTHER_SERIES = "another series"


_LOST = (Why.EMPTY, Why.DAMAGED, Why.UNREADABLE, Why.LINK_TO_NOWHERE)
_IMAGES = (Why.NO_POSITION, Why.ONE_POSITION, Why.SEEN_BEFORE)


class LeftOut(NamedTuple):
    """A file, folder or link that was given but is not used.

    Parameters
    ----------
    path
        Which one.
    why
        The kind of reason.
    detail
        What else there is to say of it.
    """

    path: Path
    why: Why
    detail: str = ""

    @property
    def reason(self) -> str:
        """Why, in a few words."""
        return f"{self.why.value}: {self.detail}" if self.detail else self.why.value

    @property
    def is_lost(self) -> bool:
        """Whether it should have contained something, but does not."""
        return self.why in _LOST

    @property
    def is_image(self) -> bool:
        """Whether it holds images that cannot be placed, or that were read elsewhere."""
        return self.why in _IMAGES


def sentence_on(left_out: Sequence[LeftOut]) -> str:
    """Return one sentence for the user on what is left out; nothing where all was used."""
    return f"Left out: {listed(left_out)}." if left_out else ""


def listed(left_out: Sequence[LeftOut]) -> str:
    """Name the first few of what is left out, each reason once, and count the rest.

    Examples
    --------
    >>> from pathlib import Path
    >>> one, two = LeftOut(Path("a/IM1"), Why.EMPTY), LeftOut(Path("a/IM2"), Why.EMPTY)
    >>> listed([one, two, LeftOut(Path("b"), Why.NO_SCAN, "SR")])
    'IM1, IM2 (empty); b (no scan: SR)'
    >>> listed([LeftOut(Path(f"IM{n}"), Why.EMPTY) for n in range(40)])
    'IM0, IM1, IM2 and 37 more (empty)'
    """
    by_reason: dict[str, list[str]] = {}
    for one in left_out:
        by_reason.setdefault(one.reason, []).append(one.path.name or str(one.path))
    parts = []
    for reason, names in by_reason.items():
        parts.append(f"{names_of(names)} ({reason})")
    return "; ".join(parts)


def names_of(names: Sequence[str]) -> str:
    """Name the first few and count the rest."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"
