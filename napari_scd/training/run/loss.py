"""The training loss: Dice and cross-entropy on voxels, cross-entropy on tokens and on coarse levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from napari_scd.model import kept_share_loss
from napari_scd.training.config import IGNORED
from napari_scd.training.run.processes import gathered, scaled_for_average
from napari_scd.training.run.shares import label_shares, region_shares
from napari_scd.training.run.voxel_loss import LabelLoss, PartialLabelLoss, RegionLoss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.model import ModelConfig, Trace, Voxels
    from napari_scd.training.config import LossConfig


class SegmentationLoss(nn.Module):
    """Sum of the terms in `LossConfig`.

    The linear heads that read labels off tokens and coarse levels live here, so that they never ship. With
    several processes, terms that are no mean over windows are computed on the logits of all of them, so that
    the loss and its gradient are those of one process with the whole batch.

    Parameters
    ----------
    config : LossConfig
    model : ModelConfig
    regions : tuple of tuple of int
        For overlapping outputs, the label values of each; empty = labels that exclude each other.
    structure_weights : tuple of float
        Of each structure in the Dice term; empty = all equal.
    ignores : bool
        Whether labels may hold `IGNORED`.
    levels : sequence of int
        Channels of the decoder's coarser levels, for deep supervision.
    """

    regions: Tensor | None
    class_weight: Tensor | None

    def __init__(
        self,
        config: LossConfig,
        model: ModelConfig,
        regions: tuple[tuple[int, ...], ...] = (),
        *,
        structure_weights: tuple[float, ...] = (),
        ignores: bool = False,
        levels: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.config = config
        self.n_classes = model.out_channels
        self.grid = model.grid
        self.ignores = ignores
        kind = RegionLoss if regions else PartialLabelLoss if ignores else LabelLoss
        self.voxels = kind(config, structure_weights)
        self.register_buffer("regions", region_table(regions) if regions else None, persistent=False)
        weight = torch.tensor(config.class_weights, dtype=torch.float32) if config.class_weights else None
        self.register_buffer("class_weight", weight, persistent=False)
        self.token_head = nn.Linear(model.embed_dim, model.out_channels)
        widths = levels if config.deep else ()
        self.level_heads = nn.ModuleList(nn.Conv3d(width, model.out_channels, 1) for width in widths)
        self.gumbel = model.pruning == "gumbel"
        self.whole_batch = config.batch or bool(config.class_weights)

    def forward(
        self,
        logits: Tensor,
        label: Tensor,
        trace: Trace,
        keep: tuple[float, ...],
        voxels: Voxels | None = None,
        levels: Sequence[Tensor] = (),
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
        levels : sequence of Tensor ``(b, width, z, y, x)``
            Outputs of the decoder's coarser levels, if they are supervised.
        """
        seen = label if voxels is None else label[(..., *voxels)]
        loss = self._voxel_loss(logits.float(), seen)
        if self.config.token:
            answer = self.token_head(trace.completed).float()
            loss = loss + self.config.token * self._share_loss(answer, label, self.grid)
        for head, level in zip(self.level_heads, levels, strict=True):
            answer = head(level).float()
            share_loss = self._share_loss(answer.flatten(2).transpose(1, 2), label, answer.shape[2:])
            loss = loss + self.config.deep / len(self.level_heads) * share_loss
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
            return self._judged(logits, label)
        return scaled_for_average(self._judged(gathered(logits), gathered(label)))

    def _judged(self, logits: Tensor, label: Tensor) -> Tensor:
        """Dice and cross-entropy of logits ``(b, out, z, y, x)`` and labels ``(b, 1, z, y, x)``."""
        loss: Tensor
        if self.regions is None:
            loss = self.voxels(logits, label)
        else:
            counted = label != IGNORED if self.ignores else None
            loss = self.voxels(logits, masks_of(label, self.regions).float(), counted)
        return loss

    def _share_loss(self, logits: Tensor, label: Tensor, blocks: tuple[int, ...]) -> Tensor:
        """Cross-entropy of logits ``(b, blocks, out)`` against the share of each label in its block."""
        if self.regions is None:
            shares = label_shares(label, self.n_classes, blocks)
            mass = shares if self.class_weight is None else shares * self.class_weight
            total = mass.sum((1, 2))
            total = total.clamp_min(1e-6) if self.ignores else total
            entropy: Tensor = -(mass * logits.log_softmax(dim=-1)).sum((1, 2)) / total
            return entropy.mean()
        shares = region_shares(masks_of(label, self.regions), blocks)
        if not self.ignores:
            return binary_cross_entropy_with_logits(logits, shares, self.class_weight)
        counted = region_shares(label != IGNORED, blocks)
        each = binary_cross_entropy_with_logits(
            logits, shares / counted.clamp_min(1e-6), self.class_weight, reduction="none"
        )
        return (each * counted).sum() / (counted.sum() * logits.shape[-1]).clamp_min(1e-6)


def region_table(regions: tuple[tuple[int, ...], ...]) -> Tensor:
    """Which label values belong to which region: ``(256, regions)`` bool."""
    table = torch.zeros(256, len(regions), dtype=torch.bool)
    for column, values in enumerate(regions):
        table[list(values), column] = True
    return table


def masks_of(label: Tensor, table: Tensor) -> Tensor:
    """Label map ``(b, 1, z, y, x)`` and a `region_table` -> masks ``(b, regions, z, y, x)`` bool."""
    return table[label[:, 0].long()].movedim(-1, 1)
