"""Questions to a session that cannot be answered, refused before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError
from napari_scd.model import PROMPT_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.engine.windows import Size3
    from napari_scd.model import ScdNetwork
    from napari_scd.volume import LabelTable, Recipe


def check_parts(network: ScdNetwork, recipe: Recipe, labels: LabelTable) -> None:
    """Raise InputError if network, recipe and labels do not match."""
    config = network.config
    n_maps = PROMPT_CHANNELS - 1 if recipe.field == "prompt" else 0
    if len(recipe.channels) + n_maps != config.in_channels:
        raise InputError(
            f"The recipe names {len(recipe.channels)} channels{' and takes prompts' * bool(n_maps)}, "
            f"but the network takes {config.in_channels}."
        )
    if recipe.field == "prompt" and not recipe.cuts_windows_freely:
        raise InputError(
            "The recipe has field 'prompt', which needs one channel, the scan's own spacing, activation "
            "'sigmoid' and normalise_over 'window'."
        )
    highest = config.out_channels - (recipe.activation != "sigmoid")
    if highest > 255 or sorted(label.index for label in labels.labels) != list(range(1, highest + 1)):
        raise InputError(
            f"The label table does not fit the network's {config.out_channels} outputs: "
            f"it must name the ids 1 to {highest} (255 at most)."
        )
    if recipe.logit_offsets and len(recipe.logit_offsets) != config.out_channels:
        raise InputError(
            f"The recipe has {len(recipe.logit_offsets)} logit offsets, but the network has "
            f"{config.out_channels} outputs."
        )
    if any(not 1 <= index <= highest for index in recipe.single_labels):
        raise InputError(f"The recipe's single labels must be ids from 1 to {highest}.")


def checked_part(within: Sequence[slice], shape: Sequence[int]) -> Sequence[slice]:
    """Return three slices of an array; raise InputError if they are not three, have steps or are empty."""
    spans = [part.indices(n) for part, n in zip(within, shape, strict=False)]
    if len(spans) != 3 or any(step != 1 or low >= high for low, high, step in spans):
        raise InputError(
            f"A part of a volume is given as three non-empty slices without steps, not {within}."
        )
    return within


def checked_voxel(index: Sequence[float], shape: Sequence[int]) -> Size3:
    """Return the voxel nearest an index; raise InputError if that lies outside the array."""
    place = np.asarray(index, float)
    if place.shape != (3,) or not np.isfinite(place).all():
        raise InputError(f"A click needs three voxel indices (z, y, x), not {tuple(np.ravel(index))}.")
    voxel = np.floor(place + 0.5).astype(int)
    if (voxel < 0).any() or (voxel >= np.asarray(shape)).any():
        raise InputError(
            f"The point at voxel {tuple(voxel.tolist())} lies outside the volume of {tuple(shape)} voxels: "
            "click inside it."
        )
    return int(voxel[0]), int(voxel[1]), int(voxel[2])
