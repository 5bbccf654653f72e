"""Dice and cross-entropy on voxels: of labels that exclude each other, and of regions that overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.losses import DiceCELoss, DiceLoss
from monai.networks.utils import one_hot
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from napari_scd.training.config import IGNORED

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.training.config import LossConfig


class LabelLoss(nn.Module):
    """MONAI's DiceCE of labels that exclude each other; class weights weigh the cross-entropy alone.

    Parameters
    ----------
    config : LossConfig
    structure_weights : tuple of float
        Of each structure in the Dice term; empty = all equal.
    """

    def __init__(self, config: LossConfig, structure_weights: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.loss = DiceCELoss(
            include_background=config.background,
            to_onehot_y=True,
            softmax=True,
            squared_pred=config.squared,
            smooth_nr=config.smooth_nr,
            smooth_dr=config.smooth_dr,
            batch=config.batch,
            weight=_class_weights(config),
            lambda_dice=config.dice,
            lambda_ce=config.cross_entropy,
        )
        # MONAI would weigh Dice by class too, which counts every structure alike already
        self.loss.dice.class_weight = _dice_weights(structure_weights, background=config.background)

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Logits ``(b, classes, z, y, x)`` and labels ``(b, 1, z, y, x)`` -> loss."""
        loss: Tensor = self.loss(logits, label)
        return loss


class PartialLabelLoss(nn.Module):
    """`LabelLoss` that does not look at voxels labelled `IGNORED`; the same where there are none."""

    class_weight: Tensor | None

    def __init__(self, config: LossConfig, structure_weights: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("class_weight", _class_weights(config), persistent=False)
        self.dice = DiceLoss(
            include_background=config.background,
            squared_pred=config.squared,
            smooth_nr=config.smooth_nr,
            smooth_dr=config.smooth_dr,
            batch=config.batch,
            weight=_dice_weights(structure_weights, background=config.background),
        )

    def forward(self, logits: Tensor, label: Tensor) -> Tensor:
        """Logits ``(b, classes, z, y, x)`` and labels ``(b, 1, z, y, x)`` -> loss."""
        counted = label != IGNORED
        known = torch.where(counted, label, 0)
        target = one_hot(known, logits.shape[1]) * counted
        loss: Tensor = self.config.dice * self.dice(logits.softmax(dim=1) * counted, target)
        each = cross_entropy(logits, known[:, 0].long(), self.class_weight, reduction="none")
        weight = counted[:, 0].to(each.dtype)
        mass = weight if self.class_weight is None else weight * self.class_weight[known[:, 0].long()]
        return loss + self.config.cross_entropy * (each * weight).sum() / mass.sum().clamp_min(1e-6)


class RegionLoss(nn.Module):
    """Dice and binary cross-entropy of outputs that may overlap.

    Parameters
    ----------
    config : LossConfig
    structure_weights : tuple of float
        Of each region in the Dice term; empty = all alike.
    """

    class_weight: Tensor | None

    def __init__(self, config: LossConfig, structure_weights: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.config = config
        weights = _class_weights(config)
        weights = None if weights is None else weights.view(-1, 1, 1, 1)
        self.register_buffer("class_weight", weights, persistent=False)
        self.dice = DiceLoss(
            squared_pred=config.squared,
            smooth_nr=config.smooth_nr,
            smooth_dr=config.smooth_dr,
            batch=config.batch,
            weight=_dice_weights(structure_weights, background=True, has_background=False),
        )

    def forward(self, logits: Tensor, target: Tensor, counted: Tensor | None = None) -> Tensor:
        """Logits and masks ``(b, regions, z, y, x)`` -> loss; `counted` ``(b, 1, z, y, x)`` says where."""
        probabilities = logits.sigmoid()
        if counted is not None:
            probabilities, target = probabilities * counted, target * counted
        loss: Tensor = self.config.dice * self.dice(probabilities, target)
        if not self.config.cross_entropy:
            return loss
        if counted is None:
            entropy = binary_cross_entropy_with_logits(logits, target, self.class_weight)
        else:
            each = binary_cross_entropy_with_logits(logits, target, self.class_weight, reduction="none")
            entropy = (each * counted).sum() / (counted.sum() * logits.shape[1]).clamp_min(1)
        return loss + self.config.cross_entropy * entropy


def _class_weights(config: LossConfig) -> Tensor | None:
    return torch.tensor(config.class_weights, dtype=torch.float32) if config.class_weights else None


def _dice_weights(
    structure_weights: tuple[float, ...], *, background: bool, has_background: bool = True
) -> Tensor | None:
    """Weights of mean 1 for the channels that have a Dice term; None = all alike."""
    if not structure_weights:
        return None
    of_background = (1.0,) if background and has_background else ()
    weights = torch.tensor((*of_background, *structure_weights), dtype=torch.float32)
    return weights / weights.mean()
