"""One file for each input channel: ``--channel t1=a.nii.gz --channel t2=b.nii.gz``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def parse_channels(texts: Sequence[str]) -> dict[str, Path]:
    """Read ``NAME=FILE``, once for each channel.

    Raises
    ------
    InputError
        When a name or a file is missing, or a channel comes twice.
    """
    files: dict[str, Path] = {}
    for text in texts:
        name, found, file = text.partition("=")
        if not found or not name.strip() or not file.strip():
            raise InputError(f"--channel got '{text}': write it as --channel NAME=FILE.")
        if name.strip() in files:
            raise InputError(f"The channel '{name.strip()}' comes twice: give one file for each channel.")
        files[name.strip()] = Path(file.strip())
    return files


def in_model_order(files: Mapping[str, Path], channels: Sequence[str]) -> dict[str, Path]:
    """Put files into the order of the model's channels; capitals in names do not matter.

    Raises
    ------
    InputError
        For a channel the model does not have, or one that is missing.
    """
    known = {channel.casefold(): channel for channel in channels}
    given = {name.casefold(): file for name, file in files.items()}
    for name in files:
        if name.casefold() not in known:
            raise InputError(f"This model has no channel '{name}': its channels are {', '.join(channels)}.")
    missing = [channel for channel in channels if channel.casefold() not in given]
    if missing:
        needed = " ".join(f"--channel {channel}=FILE" for channel in missing)
        plural = "s" if len(missing) > 1 else ""
        raise InputError(f"The channel{plural} {', '.join(missing)} did not come: add {needed}.")
    return {channel: given[channel.casefold()] for channel in channels}
