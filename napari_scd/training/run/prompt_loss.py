"""The training loss of a promptable model: one target per window, with extra weight on its border."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.losses import DiceLoss
from torch import nn
from torch.nn.functional import avg_pool3d, binary_cross_entropy_with_logits

from napari_scd.model import border_loss
from napari_scd.training.config import IGNORED

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model import ModelConfig, Trace, Voxels
    from napari_scd.training.config import LossConfig


class PromptLoss(nn.Module):
    """Sum of the terms in `LossConfig` for windows with one target each.

    Dice is taken window by window, so that small targets count as much as large ones.

    Parameters
    ----------
    config : LossConfig
    model : ModelConfig
    """

    def __init__(self, config: LossConfig, model: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.patch = model.patch
        self.dice = DiceLoss(
            squared_pred=config.squared, smooth_nr=config.smooth_nr, smooth_dr=config.smooth_dr
        )
        self.token_head = nn.Linear(model.embed_dim, 1)
        self.level_heads = nn.ModuleList()

    def draw_voxels(self) -> Voxels | None:
        """Every voxel counts."""
        return None

    def forward(
        self,
        logits: Tensor,
        label: Tensor,
        trace: Trace,
        keep: tuple[float, ...],
        voxels: Voxels | None = None,
        levels: tuple[Tensor, ...] = (),
    ) -> Tensor:
        """Loss of a batch.

        Parameters
        ----------
        logits : Tensor ``(b, 1, z, y, x)``
        label : Tensor ``(b, 1, z, y, x)`` uint8
            1 = target, 0 = not, 255 = does not count.
        trace : Trace
        keep, voxels, levels
            Ignored: every stage learns in the same way, and from every voxel.
        """
        counted = (label != IGNORED).float()
        target = (label == 1).float()
        edge = border_of(label == 1)
        weight = counted * (1 + self.config.border * edge)
        loss = self._mask_loss(logits.float(), target, counted, weight)
        if trace.coarse is not None and self.config.coarse:
            factor = label.shape[-1] // trace.coarse.shape[-1]
            shares, known = avg_pool3d(target, factor), avg_pool3d(counted, factor)
            loss = loss + self.config.coarse * self._mask_loss(trace.coarse.float(), shares, known, known)
        if self.config.token:
            share = avg_pool3d(target, self.patch).flatten(1)
            known = avg_pool3d(counted, self.patch).flatten(1)
            found = self.token_head(trace.completed).float()[..., 0]
            loss = loss + self.config.token * _weighted_entropy(found, share, known)
        if trace.coarse is not None and self.config.steer:
            on_border = (avg_pool3d(edge, self.patch).flatten(1) > 0).float()
            for scores in trace.scores.unbind(1):
                loss = loss + self.config.steer * border_loss(scores, on_border)
        return loss

    def _mask_loss(self, logits: Tensor, target: Tensor, counted: Tensor, weight: Tensor) -> Tensor:
        loss: Tensor = self.config.cross_entropy * _weighted_entropy(logits, target, weight)
        if self.config.dice:
            loss = loss + self.config.dice * self.dice(logits.sigmoid() * counted, target * counted)
        return loss


def border_of(mask: Tensor) -> Tensor:
    """Voxels next to one of the other kind, along an axis: bool ``(b, 1, z, y, x)`` -> the same as float."""
    border = torch.zeros_like(mask)
    for axis in (2, 3, 4):
        n = mask.shape[axis]
        differs = mask.narrow(axis, 1, n - 1) != mask.narrow(axis, 0, n - 1)
        border.narrow(axis, 1, n - 1).logical_or_(differs)
        border.narrow(axis, 0, n - 1).logical_or_(differs)
    return border.float()


def _weighted_entropy(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy, averaged by weight."""
    entropy: Tensor = binary_cross_entropy_with_logits(logits, target, weight, reduction="sum")
    return entropy / weight.sum().clamp_min(1)
