"""The header of a safetensors file: what is in it, without reading the tensors; no torch."""

from __future__ import annotations

import json
import math
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_scd.errors import InputError, NeedsConversion, Unreadable

if TYPE_CHECKING:
    from pathlib import Path

MAX_HEADER_BYTES = 2**23
_MOST_AXES = 8  # multiplying millions of lengths would take hours
_BYTES_OF_DTYPE = {"F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of a safetensors header."""

    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Header:
    """A safetensors header: our JSON entries and the tensors that follow."""

    metadata: dict[str, str]
    tensors: dict[str, TensorEntry]

    @property
    def n_parameters(self) -> int:
        """Numbers in all tensors."""
        return sum(math.prod(entry.shape) for entry in self.tensors.values())


def read_header(path: Path) -> Header:
    """Read and check a safetensors header without touching the tensors.

    Raises
    ------
    Unreadable
        If the file is missing, damaged or of another kind.
    NeedsConversion
        If it is a pickled PyTorch file.
    """
    if os.path.isdir(path):
        raise Unreadable(path, f"{path} is a folder: give a model file (.safetensors).")
    try:
        n_bytes = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(512)
            length = struct.unpack("<Q", start[:8])[0] if len(start) >= 8 else 0
            if not (2 <= length <= min(MAX_HEADER_BYTES, n_bytes - 8) and start[8:9] == b"{"):
                raise _other_kind(path, start)
            file.seek(8)
            raw = file.read(length)
    except FileNotFoundError as error:
        raise Unreadable(
            path, f"There is no file {path}: give the path of a model file (.safetensors)."
        ) from error
    except OSError as error:
        raise Unreadable(
            path, f"{path} cannot be read ({error.strerror or error}): check the file."
        ) from error
    try:
        return _parse(json.loads(raw), n_bytes - 8 - length)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(
            path, f"{path.name} is damaged (its header does not match its contents): get a new copy."
        ) from error


def _parse(values: dict[str, Any], n_bytes: int) -> Header:
    metadata = values.pop("__metadata__", {})
    if any(not isinstance(value, str) for value in metadata.values()):
        raise ValueError("metadata must be text")
    tensors, ends = {}, []
    for name, entry in values.items():
        dtype, (begin, end) = entry["dtype"], entry["data_offsets"]
        shape = tuple(entry["shape"])
        if any(not isinstance(n, int) or isinstance(n, bool) or n < 0 for n in (*shape, begin, end)):
            raise ValueError("sizes must be whole numbers")
        if len(shape) > _MOST_AXES:
            raise ValueError("a tensor has too many axes")
        if end - begin != math.prod(shape) * _BYTES_OF_DTYPE[dtype]:
            raise ValueError("a tensor's bytes do not fit its shape")
        tensors[name] = TensorEntry(dtype, shape)
        ends.append((begin, end))
    at = 0
    for begin, end in sorted(ends):
        if begin != at:
            raise ValueError("tensors overlap or leave gaps")
        at = end
    if at != n_bytes:
        raise ValueError("the file is cut off or too long")
    return Header(metadata, tensors)


def _other_kind(path: Path, start: bytes) -> InputError:
    """Say what a file is that is not a model."""
    if start[:2] == b"PK" or start[:1] == b"\x80":
        return NeedsConversion(path.name, "is a pickled PyTorch file, which could run code when opened")
    if start[344:348] in (b"n+1\0", b"ni1\0") or start[:2] == b"\x1f\x8b":
        kind = "is an image or a compressed file, not a model"
    elif not start:
        kind = "is empty"
    elif start.isascii() and b"\0" not in start:
        kind = "is a text file, not a model"
    else:
        kind = "is not a model file, or it is cut off"
    return Unreadable(path, f"{path.name} {kind}: give a .safetensors model file.")
