"""The files of a case that is given channel by channel, matched with the channels of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.errors import InputError, MissingChannels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def in_model_order(files: Mapping[str, Path], channels: Sequence[str]) -> dict[str, Path]:
    """Put files into the order of the model's channels; capitals in names do not matter.

    Raises
    ------
    InputError
        For a channel that the model does not have.
    MissingChannels
        For channels without a file.

    Examples
    --------
    >>> in_model_order({"T2": "b.nii", "t1": "a.nii"}, ["t1", "t2"])
    {'t1': 'a.nii', 't2': 'b.nii'}
    """
    known = {channel.casefold() for channel in channels}
    given = {name.casefold(): file for name, file in files.items()}
    for name in files:
        if name.casefold() not in known:
            raise InputError(f"This model has no channel '{name}': its channels are {', '.join(channels)}.")
    missing = [channel for channel in channels if channel.casefold() not in given]
    if missing:
        raise MissingChannels(missing)
    return {channel: given[channel.casefold()] for channel in channels}
