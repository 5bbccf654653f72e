"""Errors that the user can fix: classes that carry facts, so that callers need not read sentences.

A lower room says what was given and what was needed. The room that speaks to the user adds the remedy in its
own words: a command-line option, a key, a button.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

_MOST_LETTERS = 800


class InputError(ValueError):
    """Input that cannot be used.

    The message is one sentence for the user: what was given, what was needed, what to do. The command line
    prints it and exits with 2; the dock shows it in its status line. Text that a file put into it cannot add
    lines, steer a terminal or grow without end: the middle of a long message is left out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(_one_line(message))

    def reworded(self, message: str) -> Self:
        """Return the same error, with the same facts, in other words.

        Examples
        --------
        >>> error = NeedsPoint("hippocampus-mr")
        >>> error.reworded(f"{error} Click it.").model
        'hippocampus-mr'
        """
        other = copy.copy(self)
        other.args = (_one_line(message),)
        return other

    def __reduce__(self) -> tuple[Callable[..., InputError], tuple[Any, ...]]:
        """Pickle the message and the facts, so that errors come back whole from other processes."""
        return _restored, (type(self), self.args, self.__dict__)


class OutOfMemory(InputError):
    """A run does not fit into the memory of its device, not even with one window at a time.

    Attributes
    ----------
    device : str
        "cpu", "cuda" or "mps".
    """

    def __init__(self, device: str) -> None:
        self.device = device
        super().__init__(f"Out of memory: this run does not fit into the memory of device '{device}'.")


class DeviceUnavailable(InputError):
    """The device that was asked for is not available on this machine.

    Attributes
    ----------
    device : str
    """

    def __init__(self, device: str) -> None:
        self.device = device
        super().__init__(f"Device '{device}' is not available on this machine: use 'cpu' or 'auto'.")


class UnknownModel(InputError):
    """No model has this name.

    Attributes
    ----------
    name : str
    known : tuple of str
        Names that exist.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        names = ", ".join(self.known) or "none"
        super().__init__(f"There is no model '{name}' (available: {names}): name one of them, or a file.")


class UnknownStructure(InputError):
    """A model does not segment a structure, or a group, of this name.

    Attributes
    ----------
    name : str
    known : tuple of str
        Names of structures and groups that it does segment.
    """

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"There is no structure '{name}'; the model segments {', '.join(self.known)}.")


class ChooseModel(InputError):
    """No model was named, and not exactly one suits the scan.

    Attributes
    ----------
    modality : str
        "CT", "MR", another code of DICOM's, or empty when it is not known.
    known : tuple of str
        Models to choose from.
    """

    def __init__(self, what: str, modality: str, known: Sequence[str]) -> None:
        self.modality = modality
        self.known = tuple(known)
        super().__init__(f"{what}: choose a model ({', '.join(self.known)}).")


class NeedsConversion(InputError):
    """A file holds the weights of a network, but it is not a model file of this program.

    Attributes
    ----------
    file : str
    """

    def __init__(self, file: str, reason: str) -> None:
        self.file = file
        super().__init__(f"{file} {reason}: convert it to a model file first.")


class NeedsPoint(InputError):
    """The model segments the structure at a point, and no point was given.

    Attributes
    ----------
    model : str
    """

    def __init__(self, model: str) -> None:
        self.model = model
        super().__init__(f"{model} segments one structure at a time and needs a point inside it.")


class WrongChannels(InputError):
    """An image does not have as many channels as the model takes.

    Attributes
    ----------
    needed, found : int
    """

    def __init__(self, needed: int, found: int, what: str = "The volume") -> None:
        self.needed = needed
        self.found = found
        super().__init__(f"{what} has {_channels(found)}, but this model needs {_channels(needed)}.")


class MissingChannels(InputError):
    """Some channels of a model were given, others are missing.

    Attributes
    ----------
    missing : tuple of str
    """

    def __init__(self, missing: Sequence[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(f"Missing channel{'s' * (len(self.missing) != 1)}: {', '.join(self.missing)}.")


class ChooseFrame(InputError):
    """A file holds several volumes, and one must be chosen.

    Attributes
    ----------
    n_frames : int
    """

    def __init__(self, n_frames: int, what: str) -> None:
        self.n_frames = n_frames
        super().__init__(f"{what}: choose a frame from 0 to {n_frames - 1}.")


class ChooseSeries(InputError):
    """A DICOM folder holds several series, and one must be chosen.

    Attributes
    ----------
    series : tuple of str
        A description of each.
    """

    def __init__(self, what: str, series: Sequence[str]) -> None:
        self.series = tuple(series)
        super().__init__(f"{what} ({'; '.join(self.series)}): choose one, or give one of its files.")


class Unreadable(InputError):
    """A file cannot be read: it is missing, damaged or of another kind.

    Attributes
    ----------
    file : str
        As it was given.
    """

    def __init__(self, file: str | os.PathLike[str], message: str) -> None:
        self.file = str(file)
        super().__init__(message)


class Unwritable(InputError):
    """A file or folder cannot be written.

    Attributes
    ----------
    file : str
        As it was given.
    """

    def __init__(self, file: str | os.PathLike[str], message: str) -> None:
        self.file = str(file)
        super().__init__(message)


def _channels(count: int) -> str:
    return f"{count} channel{'s' * (count != 1)}"


def _one_line(message: str) -> str:
    line = "".join(letter if letter.isprintable() else " " for letter in message[: 50 * _MOST_LETTERS])
    line = " ".join(line.split())
    if len(line) > _MOST_LETTERS:
        line = f"{line[: _MOST_LETTERS // 2]} ... {line[-_MOST_LETTERS // 2 :]}"
    return line


def _restored(kind: type[InputError], args: tuple[Any, ...], facts: dict[str, Any]) -> InputError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error
