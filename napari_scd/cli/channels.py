"""One file for each input channel: ``--channel t1=a.nii.gz --channel t2=b.nii.gz``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def parse_channels(texts: Sequence[str]) -> dict[str, Path]:
    """Read ``NAME=FILE``, once for each channel.

    Raises
    ------
    InputError
        When a name or a file is missing, or a channel is given twice.
    """
    files: dict[str, Path] = {}
    for text in texts:
        name, found, file = text.partition("=")
        if not found or not name.strip() or not file.strip():
            raise InputError(f"--channel got '{text}': write it as --channel NAME=FILE.")
        if name.strip() in files:
            raise InputError(f"Channel '{name.strip()}' is given twice: give one file for each channel.")
        files[name.strip()] = Path(file.strip())
    return files
