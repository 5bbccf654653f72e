"""Tell DICOM files from others by their first bytes, and fetch pydicom when it is needed."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDINGS = (".dcm", ".dicom", ".ima")
"""File endings that say DICOM; most DICOM files have none at all."""

_MAGIC_AT = 128
_ENOUGH = 200  # files of a folder that are looked at before it counts as holding no DICOM


def is_dicom(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a DICOM file, or a folder that holds some (subfolders included)."""
    path = Path(path)
    if not os.path.isdir(path):
        return is_dicom_file(path)
    return any(is_dicom_file(file) for file, _ in zip(files_below(path), range(_ENOUGH), strict=False))


def is_dicom_file(path: Path) -> bool:
    """Tell whether a file starts as DICOM files do, or has an ending that says so."""
    if not os.path.isfile(path):  # opening a pipe would wait for ever
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_MAGIC_AT + 4)
    except OSError:
        return False
    return start[_MAGIC_AT:] == b"DICM" or path.name.lower().endswith(ENDINGS)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield all files of a folder and its subfolders, in order of their names; hidden ones are left out."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))


def library(name: str) -> Any:
    """Import pydicom or highdicom.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(
            f"DICOM needs {name.partition('.')[0]}, which is missing; run: "
            "python -m pip install 'napari-scd[dicom]'."
        ) from error


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom and its decoders quiet about odd files: what matters we check, and say in a sentence."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
