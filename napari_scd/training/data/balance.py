"""Weights that let small structures count: from the voxels of the training cases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from napari_scd.training.config.sections import MOST_WEIGHT
from napari_scd.training.data.synthesis import targets_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.training.config.config import TrainConfig
    from napari_scd.training.config.sections import LossConfig
    from napari_scd.training.data.cases import Case


def balanced(loss: LossConfig, cases: Sequence[Case], config: TrainConfig) -> LossConfig:
    """Fill in class weights where the training file gives none.

    Parameters
    ----------
    loss : LossConfig
    cases : sequence of Case
        Of the training only; every process has all of them, so all find the same weights.
    config : TrainConfig
    """
    if loss.class_weights or not loss.balance or config.recipe.activation == "sigmoid":
        return loss
    voxels = torch.zeros(config.model.out_channels, dtype=torch.float64)
    targets = targets_of(config)
    for case in cases:
        label = case.label.flatten().cpu()
        label = label if config.synthesis is None else targets[label.long()]
        voxels += torch.bincount(label, minlength=len(voxels))
    return replace(loss, class_weights=weights_of(voxels, loss.balance))


def weights_of(voxels: torch.Tensor, power: float) -> tuple[float, ...]:
    """Voxels of each label, background first -> weights: 1 for background, 1 to 40 for the others."""
    ratios = (voxels[0] / voxels.clamp_min(1)) ** power
    weights = torch.where(voxels > 0, ratios.clamp(1.0, MOST_WEIGHT), 1.0)
    return (1.0, *(round(weight, 3) for weight in weights[1:].tolist()))
