"""Combines scans of one channel each into one volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.files import read_volume
from napari_scd.volume.volume import Volume

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def read_channels(files: Mapping[str, Path], frame: int | None = None) -> Volume:
    """Read one scan for each channel and stack them: ``(c, z, y, x)``, or ``(z, y, x)`` for one channel.

    Raises
    ------
    InputError
        When a file cannot be read or the scans do not lie on one grid.
    """
    volumes = {name: read_volume(file, frame=frame) for name, file in files.items()}
    (first_name, first), *others = volumes.items()
    for name, volume in others:
        if not volume.same_grid(first):
            raise InputError(
                f"The channels are on different grids: '{first_name}' has {_grid(first)}, '{name}' has "
                f"{_grid(volume)}, or lies in another place; resample one onto the other."
            )
    if not others:
        return first
    dtype = np.result_type(*(volume.array.dtype for volume in volumes.values()))
    kind = np.float32 if dtype.kind == "f" else dtype
    array = np.stack([volume.array.astype(kind, copy=False) for volume in volumes.values()])
    sentences = tuple(
        f"{name}: {sentence}" for name, volume in volumes.items() for sentence in volume.warnings
    )
    return Volume(array, first.affine, first.source, sentences)


def _grid(volume: Volume) -> str:
    voxels = " x ".join(map(str, volume.spatial_shape))
    return f"{voxels} voxels of {' x '.join(f'{mm:.3g}' for mm in volume.spacing_mm)} mm"
