"""Tell DICOM files from others by their first bytes, and fetch pydicom when it is needed."""

from __future__ import annotations

import logging
import os
import re
import struct
import warnings
from contextlib import contextmanager
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_scd.errors import InputError
from napari_scd.volume.folders import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDINGS = (".dcm", ".dicom", ".ima")
"""File endings that mean DICOM; most DICOM files have none at all."""

_MAGIC_AT = 128
_START_BYTES = 512
_STARTS = (0x0002, 0x0008)  # the groups that a data set without preamble begins with
_REPRESENTATION = re.compile(rb"[A-Z]{2}")
_LONG_FORMS = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC", b"UR", b"OD", b"OF", b"OL", b"OV", b"SV", b"UV")
_ZARR_MARKS = (".zgroup", ".zarray", ".zattrs", "zarr.json")


class Kind(Enum):
    """What a file's first bytes and its ending say."""

    DICOM = "DICOM"
    NAMED_DICOM = "named like DICOM"
    EMPTY = "empty"
    FORBIDDEN = "no permission"
    OTHER = "no DICOM"


def is_dicom(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is a DICOM file, or a folder that holds some (subfolders included)."""
    path = Path(path)
    if not os.path.isdir(path):
        return is_dicom_file(path)
    return any(
        is_dicom_file(file)
        for place, files in walk(path)
        if not any(os.path.exists(place / mark) for mark in _ZARR_MARKS)  # of a million chunks, perhaps
        for file in files
    )


def is_dicom_file(path: Path) -> bool:
    """Tell whether a file starts as DICOM files do, or has an ending that says so."""
    kind = kind_of(path)
    return kind in (Kind.DICOM, Kind.NAMED_DICOM) or (
        kind is Kind.EMPTY and path.name.lower().endswith(ENDINGS)
    )


def kind_of(path: Path) -> Kind:
    """Look at the first bytes of a file: with or without the preamble that DICOM files should have."""
    if not os.path.isfile(path):  # opening a pipe would wait forever
        return Kind.OTHER
    try:
        with path.open("rb") as file:
            start = file.read(_START_BYTES)
    except OSError:
        return Kind.FORBIDDEN
    if start[_MAGIC_AT : _MAGIC_AT + 4] == b"DICM" or _starts_without_preamble(start):
        return Kind.DICOM
    if not start:
        return Kind.EMPTY
    return Kind.NAMED_DICOM if path.name.lower().endswith(ENDINGS) else Kind.OTHER


def _starts_without_preamble(start: bytes) -> bool:
    """Tell whether bytes hold two data elements in a row, in the order that DICOM demands.

    Examples
    --------
    >>> implicit = bytes.fromhex("08000500 0a000000") + b"ISO_IR 100" + bytes.fromhex("08001600 1a000000")
    >>> _starts_without_preamble(implicit)
    True
    >>> _starts_without_preamble(b"08 May 2024, a diary")
    False
    """
    first = _element(start, 0)
    if first is None:
        return False
    group, element, end = first
    if group not in _STARTS or end > len(start) - 8:
        return False
    second = _element(start, end)
    return second is not None and second[0] in _STARTS and second[:2] > (group, element)


def _element(raw: bytes, at: int) -> tuple[int, int, int] | None:
    """Return group and number of the element at a place, and where it ends."""
    if len(raw) < at + 8:
        return None
    group, element = struct.unpack_from("<HH", raw, at)
    form = raw[at + 4 : at + 6]
    if not _REPRESENTATION.fullmatch(form):
        return group, element, at + 8 + struct.unpack_from("<I", raw, at + 4)[0]
    if form not in _LONG_FORMS:
        return group, element, at + 8 + struct.unpack_from("<H", raw, at + 6)[0]
    if len(raw) < at + 12:
        return None
    return group, element, at + 12 + struct.unpack_from("<I", raw, at + 8)[0]


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
    """Silence pydicom and its decoders about odd files: we check and report what matters."""
    logger = logging.getLogger("pydicom")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
