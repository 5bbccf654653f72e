"""The training loss: Dice and cross-entropy on voxels, and cross-entropy on the completed tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from monai.losses import DiceCELoss, DiceLoss
from monai.networks.utils import one_hot
from torch import nn
from torch.nn.functional import avg_pool3d, binary_cross_entropy_with_logits

from napari_scd.model.pruning import kept_share_loss
from napari_scd.training.run.processes import gathered, scaled_for_average

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model import ModelConfig, Trace
    from napari_scd.model.decoder import Voxels
    from napari_scd.training.config.sections import LossConfig


class SegmentationLoss(nn.Module):
    """Sum of the terms in `LossConfig`.

    The linear head that reads labels off tokens lives here, so that it never ships. With several processes,
    terms that are no mean over windows are computed on the logits of all of them, so that the loss and its
    gradient are those of one process with the whole batch.

    Parameters
    ----------
    config : LossConfig
    model : ModelConfig
    regions : tuple of tuple of int
        For overlapping outputs, the label values of each; empty = labels that exclude each other.
    """

    regions: Tensor | None
    class_weight: Tensor | None

    def __init__(
        self, config: LossConfig, model: ModelConfig, regions: tuple[tuple[int, ...], ...] = ()
    ) -> None:
        super().__init__()
        self.config = config
        self.n_classes = model.out_channels
        self.patch = model.patch
        self.voxels = _RegionLoss(config) if regions else _label_loss(config)
        self.register_buffer("regions", region_table(regions) if regions else None, persistent=False)
        weight = torch.tensor(config.class_weights, dtype=torch.float32) if config.class_weights else None
        self.register_buffer("class_weight", weight, persistent=False)
        self.token_head = nn.Linear(model.embed_dim, model.out_channels)
        self.gumbel = model.pruning == "gumbel"
        self.whole_batch = config.batch or bool(config.class_weights)

    def forward(
        self,
        logits: Tensor,
        label: Tensor,
        trace: Trace,
        keep: tuple[float, ...],
        voxels: Voxels | None = None,
    ) -> Tensor:
        """Loss of a batch.

        Parameters
        ----------
        logits : Tensor ``(b, out, z, y, x)``
            Of the whole window, or of `voxels`.
        label : Tensor ``(b, 1, z, y, x)`` uint8
        trace : Trace
        keep : tuple of float
            Keep ratio of each stage.
        voxels : three slices, optional
            The part of the window that `logits` holds.
        """
        seen = label if voxels is None else label[(..., *voxels)]
        loss = self._voxel_loss(logits.float(), seen)
        if self.config.token:
            loss = loss + self.config.token * self._token_loss(trace.completed, label)
        if self.gumbel:
            for stage, ratio in enumerate(keep):
                loss = loss + self.config.kept_share * kept_share_loss(trace.scores[:, stage], ratio)
        return loss

    def draw_voxels(self) -> Voxels | None:
        """Every n-th voxel along each axis, from a random start that all processes share; None = all."""
        n = self.config.thin
        if n == 1:
            return None
        z, y, x = (slice(int(start), None, n) for start in torch.randint(n, (3,)))
        return z, y, x

    def _voxel_loss(self, logits: Tensor, label: Tensor) -> Tensor:
        if not self.whole_batch:
            loss: Tensor = self.voxels(logits, self._targets(label))
            return loss
        return scaled_for_average(self.voxels(gathered(logits), self._targets(gathered(label))))

    def _targets(self, label: Tensor) -> Tensor:
        """Labels as they are, or 0/1 masks of the regions ``(b, out, z, y, x)``."""
        if self.regions is None:
            return label
        return masks_of(label, self.regions).float()

    def _token_loss(self, completed: Tensor, label: Tensor) -> Tensor:
        logits = self.token_head(completed).float()
        if self.regions is None:
            shares = avg_pool3d(one_hot(label, self.n_classes).float(), self.patch).flatten(2).transpose(1, 2)
            mass = shares if self.class_weight is None else shares * self.class_weight
            entropy: Tensor = -(mass * logits.log_softmax(dim=-1)).sum((1, 2)) / mass.sum((1, 2))
            return entropy.mean()
        shares = avg_pool3d(self._targets(label), self.patch).flatten(2).transpose(1, 2)
        return binary_cross_entropy_with_logits(logits, shares, self.class_weight)


class _RegionLoss(nn.Module):
    """Dice and binary cross-entropy of outputs that may overlap."""

    class_weight: Tensor | None

    def __init__(self, config: LossConfig) -> None:
        super().__init__()
        self.config = config
        weight = torch.tensor(config.class_weights).view(-1, 1, 1, 1) if config.class_weights else None
        self.register_buffer("class_weight", weight, persistent=False)
        self.dice = DiceLoss(
            sigmoid=True,
            squared_pred=config.squared,
            smooth_nr=config.smooth_nr,
            smooth_dr=config.smooth_dr,
            batch=config.batch,
        )

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        loss: Tensor = self.config.dice * self.dice(logits, target)
        if self.config.cross_entropy:
            entropy = binary_cross_entropy_with_logits(logits, target, self.class_weight)
            loss = loss + self.config.cross_entropy * entropy
        return loss


def _label_loss(config: LossConfig) -> nn.Module:
    loss = DiceCELoss(
        include_background=config.background,
        to_onehot_y=True,
        softmax=True,
        squared_pred=config.squared,
        smooth_nr=config.smooth_nr,
        smooth_dr=config.smooth_dr,
        batch=config.batch,
        weight=torch.tensor(config.class_weights, dtype=torch.float32) if config.class_weights else None,
        lambda_dice=config.dice,
        lambda_ce=config.cross_entropy,
    )
    loss.dice.class_weight = None  # MONAI would weight Dice too, which counts every structure alike already
    return cast("nn.Module", loss)


def region_table(regions: tuple[tuple[int, ...], ...]) -> Tensor:
    """Which label values belong to which region: ``(256, regions)`` bool."""
    table = torch.zeros(256, len(regions), dtype=torch.bool)
    for column, values in enumerate(regions):
        table[list(values), column] = True
    return table


def masks_of(label: Tensor, table: Tensor) -> Tensor:
    """Label map ``(b, 1, z, y, x)`` and a `region_table` -> masks ``(b, regions, z, y, x)`` bool."""
    return table[label[:, 0].long()].movedim(-1, 1)
