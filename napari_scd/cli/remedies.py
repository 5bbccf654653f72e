"""What to type when something cannot be used: lower rooms know the facts, this one knows the options."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from napari_scd.errors import (
    ChooseFrame,
    ChooseModel,
    ChooseSeries,
    InputError,
    MissingChannels,
    NeedsConversion,
    NeedsPoint,
    UnknownModel,
    UnknownStructure,
    WrongChannels,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

REMEDIES: dict[type[InputError], str] = {
    ChooseFrame: "Choose one with --frame.",
    ChooseModel: "Name it with --model.",
    ChooseSeries: "Choose one with --series.",
    NeedsConversion: "Run 'napari-scd models convert'.",
    NeedsPoint: "Give one with --at R A S.",
}
_MOST_LETTERS = 300


def with_remedy(error: InputError, channels: Sequence[str] = ()) -> str:
    """Return the error's message, and the option or command that helps where there is one.

    Parameters
    ----------
    error : InputError
    channels : sequence of str
        Of the model, where they are known.
    """
    if isinstance(error, MissingChannels):
        return f"{error} Add {_each_file(error.missing)}."
    if isinstance(error, WrongChannels) and channels:
        return f"{error} Or give one file for each: {_each_file(channels)}."
    if isinstance(error, UnknownModel | UnknownStructure):
        close = closest(error.name, error.known)
        return f"{error} Did you mean '{close}'?" if close else str(error)
    remedy = REMEDIES.get(type(error))
    return str(error) if remedy is None else f"{error} {remedy}"


def closest(word: str, known: Sequence[str]) -> str:
    """Return the known word that a misspelt one was probably meant to be; empty when none is close.

    Examples
    --------
    >>> closest("abdomen", ["abdomen-ct", "brain-mr"])
    'abdomen-ct'
    >>> closest("splen", ["Spleen", "liver"])
    'Spleen'
    >>> closest("knee", ["Spleen", "liver"])
    ''
    """
    by_folded = {name.casefold(): name for name in known}
    folded = word.casefold()
    found = get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    found = found or [name for name in by_folded if len(folded) > 2 and folded in name]
    return by_folded[found[0]] if found else ""


def unexpected(error: BaseException) -> str:
    """One sentence for an error that is not the user's."""
    said = " ".join(str(error).split())
    return crashed(f"{type(error).__name__}: {said}" if said else type(error).__name__)


def crashed(cause: str) -> str:
    """One sentence for an unexpected error of which only the description is known."""
    return f"Unexpected error ({cause[:_MOST_LETTERS]}); rerun the command with --debug to see where."


def _each_file(channels: Iterable[str]) -> str:
    return " ".join(f"--channel {name}=FILE" for name in channels)
