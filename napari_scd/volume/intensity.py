"""Bring intensities into the range a network was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_scd.volume.recipe import Recipe

_TINY = 1e-6


def normalise(array: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Clip and normalise intensities as a recipe says, each channel by itself.

    Statistics come from the array given: pass the whole volume or one window, as
    ``recipe.normalise_over`` says. A channel with one value only becomes zero.

    Parameters
    ----------
    array
        (c, z, y, x), finite numbers of any type; it is not changed.
    recipe
        Clip (absolute, then by percentiles) and normalisation. With "zscore-nonzero", percentiles and
        statistics come from the non-zero voxels and zeros stay zero; with "zscore-foreground" they come from
        the voxels above the minimum, so that padding with the minimum changes nothing.

    Returns
    -------
    (c, z, y, x) float32, a new array.
    """
    result = np.array(array, dtype=np.float32, order="C")
    for channel in result:
        _normalise_channel(channel, recipe)
    return result


def _normalise_channel(channel: np.ndarray, recipe: Recipe) -> None:
    """Normalise one channel (z, y, x) float32 in place."""
    counted = channel != 0 if recipe.normalisation == "zscore-nonzero" else np.ones((), dtype=bool)
    rated = channel > channel.min() if recipe.normalisation == "zscore-foreground" else counted
    limits = recipe.clip
    if limits is not None:
        np.clip(channel, *limits, out=channel, where=counted)
    if recipe.clip_percentiles is not None:
        values = _values(channel, rated)
        if values.size:
            low, high = np.percentile(values, recipe.clip_percentiles).tolist()
            limits = (low, high)
            np.clip(channel, low, high, out=channel, where=counted)
    if recipe.normalisation == "range":
        _to_range(channel, limits)
    elif recipe.normalisation != "none":
        _to_zscore(channel, counted, rated)


def _to_range(channel: np.ndarray, limits: tuple[float, float] | None) -> None:
    low, high = limits or (float(channel.min()), float(channel.max()))
    if high - low <= _TINY * max(abs(low), abs(high)):
        channel[...] = 0.0
        return
    channel -= low
    channel *= 2.0 / (high - low)
    channel -= 1.0


def _to_zscore(channel: np.ndarray, counted: np.ndarray, rated: np.ndarray) -> None:
    values = _values(channel, rated)
    if not values.size:
        return
    mean = float(values.mean(dtype=np.float64))
    std = float(values.std(dtype=np.float64))
    if std <= _TINY * abs(mean):
        std = np.inf
    np.subtract(channel, mean, out=channel, where=counted)
    np.divide(channel, std, out=channel, where=counted)


def _values(channel: np.ndarray, counted: np.ndarray) -> np.ndarray:
    return channel[counted] if counted.ndim else channel.ravel()
