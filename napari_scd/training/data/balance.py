"""Weights that make small structures count, computed from the voxels of the training cases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from napari_scd.training.config import MOST_WEIGHT
from napari_scd.training.data.synthesis import targets_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.training.config import LossConfig, TrainConfig
    from napari_scd.training.data.cases import Case


def balanced(
    loss: LossConfig, cases: Sequence[Case], config: TrainConfig, maps: Sequence[Case] = ()
) -> LossConfig:
    """Fill in class weights where the training file gives none, and apply the structures' own weights.

    Parameters
    ----------
    loss : LossConfig
    cases, maps : sequence of Case
        Training cases only; every process has all of them, so all find the same weights.
    config : TrainConfig
    """
    weights = loss.class_weights
    overlapping = config.recipe.activation == "sigmoid"
    if not weights and loss.balance and not overlapping:
        weights = weights_of(_voxels_of_each_label(cases, config, maps), loss.balance)
    if config.structure_weights:
        of_background = () if overlapping else (1.0,)
        factors = (*of_background, *config.structure_weights)
        weights = tuple(a * b for a, b in zip(weights or (1.0,) * len(factors), factors, strict=True))
    return replace(loss, class_weights=weights)


def _voxels_of_each_label(cases: Sequence[Case], config: TrainConfig, maps: Sequence[Case]) -> Tensor:
    """Voxels of background and of each label in all cases, float64."""
    targets = targets_of(config)
    voxels = torch.zeros(256, dtype=torch.float64)
    for case in cases:
        voxels += torch.bincount(case.label.flatten().cpu(), minlength=256)
    for case in maps:
        voxels += torch.bincount(targets[case.label.flatten().cpu().long()], minlength=256)
    return voxels[: config.model.out_channels]


def weights_of(voxels: Tensor, power: float) -> tuple[float, ...]:
    """Voxels of each label, background first -> weights: 1 for background, 1 to 40 for the others."""
    ratios = (voxels[0] / voxels.clamp_min(1)) ** power
    weights = torch.where(voxels > 0, ratios.clamp(1.0, MOST_WEIGHT), 1.0)
    return (1.0, *(round(weight, 3) for weight in weights[1:].tolist()))
