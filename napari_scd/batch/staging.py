"""All files of one case appear together, or none do."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from napari_scd.errors import InputError
from napari_scd.volume import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def staged() -> Iterator[Callable[[Path], Path]]:
    """Write under hidden names, and give all files their real names if the block succeeds.

    Yields a function from the final path to the path to write now, in the same folder (made when missing)
    and with the same suffix. An exception, Ctrl+C included, removes what was written and changes no existing
    file.

    Raises
    ------
    InputError
        When a folder cannot be created or a file cannot be written.
    """
    names: dict[str, str] = {}
    with ExitStack() as waiting:

        def stage(final: Path) -> Path:
            make_folder(final.parent)
            temporary = waiting.enter_context(atomic_path(final))
            names[str(temporary)] = str(final)
            return temporary

        try:
            yield stage
        except InputError as error:
            raise error.reworded(_in_users_words(str(error), names)) from error


def make_folder(folder: Path) -> None:
    """Make a folder and its parents.

    Raises
    ------
    InputError
        When the system does not allow it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"The folder '{folder}' cannot be created ({error.strerror}): choose another place."
        ) from error


def _in_users_words(sentence: str, names: dict[str, str]) -> str:
    for temporary, final in names.items():
        sentence = sentence.replace(temporary, final)
    return sentence
