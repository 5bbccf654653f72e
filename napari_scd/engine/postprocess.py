"""Logits -> labels and probabilities, and what is counted on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.volume import Recipe


def label_map(logits: Tensor, recipe: Recipe) -> NDArray[np.uint8]:
    """Label of every voxel: ``(classes, ...)`` logits -> ``(...)`` ids.

    Softmax: the channel with the largest logit (the first of equal ones), channel 0 being background.
    Sigmoid: channel i says whether label i + 1 is there (probability above .5, that is a logit above 0); of
    several, the first in ``recipe.precedence`` wins, then the lower id.
    """
    if logits.is_contiguous() or logits.ndim < 3:
        return _labels_of(logits.float().contiguous().numpy(), recipe)
    labels = np.empty(logits.shape[1:], np.uint8)
    for found, plane in zip(labels, logits.unbind(1), strict=True):  # a plane's copy stays in the cache
        found[...] = _labels_of(plane.float().contiguous().numpy(), recipe)
    return labels


def _labels_of(values: NDArray[np.float32], recipe: Recipe) -> NDArray[np.uint8]:
    labels = np.zeros(values.shape[1:], np.uint8)
    if recipe.activation == "sigmoid":
        for index in reversed(precedence(recipe, len(values))):
            np.putmask(labels, values[index - 1] > 0, index)
        return labels
    highest, higher = values[0].copy(), np.empty(labels.shape, bool)
    for index in range(1, len(values)):
        np.greater(values[index], highest, out=higher)
        np.putmask(labels, higher, index)
        np.maximum(values[index], highest, out=highest)
    return labels


def precedence(recipe: Recipe, n_labels: int) -> tuple[int, ...]:
    """Sigmoid label ids, the first wins: those named by the recipe, then the others in order."""
    others = (index for index in range(1, n_labels + 1) if index not in recipe.precedence)
    return (*(index for index in recipe.precedence if 1 <= index <= n_labels), *others)


def class_probabilities(logits: Tensor, recipe: Recipe) -> Tensor:
    """Softmax over classes or sigmoid of each; ``(classes, ...)`` float32."""
    return logits.float().sigmoid() if recipe.activation == "sigmoid" else logits.float().softmax(dim=0)


def certainty(logits: Tensor, recipe: Recipe) -> NDArray[np.uint8]:
    """Probability of each voxel's label in per cent: ``(classes, ...)`` mean logits -> ``(...)``.

    Softmax: of the largest channel. Sigmoid: of the likeliest label, or that none is there.
    """
    values = logits.float()
    if recipe.activation == "sigmoid":
        share = values.amax(dim=0).abs().sigmoid()
    else:
        share = (values.amax(dim=0) - values.logsumexp(dim=0)).exp()
    return np.asarray((100 * share).round_().to(torch.uint8).numpy())


def mean_certainty(
    labels: NDArray[np.uint8], percent: NDArray[np.uint8], indices: Iterable[int]
) -> dict[int, float]:
    """Mean certainty of the voxels of each id above 0, 0-1, where it has any; counted plane by plane."""
    sums, counts = np.zeros(256), np.zeros(256, np.int64)
    for plane, shares in zip(*_as_stored(labels, percent), strict=True):
        there = plane != 0
        if there.any():
            found = plane[there]
            sums += np.bincount(found, weights=shares[there], minlength=256)
            counts += np.bincount(found, minlength=256)
    return {index: float(sums[index] / counts[index] / 100) for index in indices if counts[index]}


def voxel_counts(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """Voxels of each id 0..255, counted plane by plane so that no wide copy of the whole is made."""
    counts = np.zeros(256, np.int64)
    for plane in _as_stored(labels)[0]:
        counts += np.bincount(plane.ravel(), minlength=256)
    return counts


def _as_stored(first: NDArray[Any], *others: NDArray[Any]) -> list[NDArray[Any]]:
    """Turn arrays of one shape so that the planes of the first lie in one piece: counting is then fast."""
    order = sorted(range(first.ndim), key=lambda axis: -abs(first.strides[axis]))
    return [array.transpose(order) for array in (first, *others)]
