"""Logits -> labels and probabilities, and what is counted on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.volume import Recipe


def label_map(logits: Tensor, recipe: Recipe) -> NDArray[np.uint8]:
    """Label of every voxel: ``(classes, ...)`` logits -> ``(...)`` ids.

    Softmax: the channel with the largest logit, channel 0 being background. Sigmoid: channel i says whether
    label i + 1 is there (probability above .5, that is a logit above 0); of several, the first in
    ``recipe.precedence`` wins, then the lower id.
    """
    if recipe.activation != "sigmoid":
        best = torch.zeros(logits.shape[1:], dtype=torch.uint8)
        height = logits[0].clone()
        for index in range(1, len(logits)):
            higher = logits[index] > height
            best.masked_fill_(higher, index)
            torch.maximum(height, logits[index], out=height)
        return best.numpy()
    labels = torch.zeros(logits.shape[1:], dtype=torch.uint8)
    for index in reversed(precedence(recipe, len(logits))):
        labels.masked_fill_(logits[index - 1] > 0, index)
    return labels.numpy()


def precedence(recipe: Recipe, n_labels: int) -> tuple[int, ...]:
    """Sigmoid label ids, the first wins: those named by the recipe, then the others in order."""
    others = (index for index in range(1, n_labels + 1) if index not in recipe.precedence)
    return (*(index for index in recipe.precedence if 1 <= index <= n_labels), *others)


def class_probabilities(logits: Tensor, recipe: Recipe) -> Tensor:
    """Softmax over classes or sigmoid of each; ``(classes, ...)`` float32."""
    return logits.float().sigmoid() if recipe.activation == "sigmoid" else logits.float().softmax(dim=0)


def voxel_counts(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """Voxels of each id 0..255, counted plane by plane so that no wide copy of the whole is made."""
    counts = np.zeros(256, np.int64)
    for plane in labels:
        counts += np.bincount(plane.ravel(), minlength=256)
    return counts
