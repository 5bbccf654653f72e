"""What the network is punished for: DiceCE on voxels, and a cross-entropy on the completed tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.losses import DiceCELoss
from monai.networks.utils import one_hot
from torch import nn
from torch.nn.functional import avg_pool3d

from napari_scd.model.pruning import kept_share_loss

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model import ModelConfig, Trace
    from napari_scd.training.config import LossConfig


class SegmentationLoss(nn.Module):
    """Sum of the terms in `LossConfig`.

    The linear head that reads labels off tokens lives here, so that it never ships.
    """

    def __init__(self, config: LossConfig, model: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.n_classes = model.out_channels
        self.patch = model.patch
        weight = torch.tensor(config.class_weights) if config.class_weights else None
        self.voxels = DiceCELoss(
            include_background=False,
            to_onehot_y=True,
            softmax=True,
            batch=True,
            weight=weight,
            lambda_dice=config.dice,
            lambda_ce=config.cross_entropy,
        )
        self.token_head = nn.Linear(model.embed_dim, model.out_channels)
        self.gumbel = model.pruning == "gumbel"

    def forward(self, logits: Tensor, label: Tensor, trace: Trace, keep: tuple[float, ...]) -> Tensor:
        """Loss of a batch.

        Parameters
        ----------
        logits : Tensor ``(b, out, z, y, x)``
        label : Tensor ``(b, 1, z, y, x)`` uint8
        trace : Trace
        keep : tuple of float
            Keep ratio of each stage.
        """
        loss: Tensor = self.voxels(logits.float(), label)
        if self.config.token:
            loss = loss + self.config.token * self._token_loss(trace.completed, label)
        if self.gumbel:
            for stage, ratio in enumerate(keep):
                loss = loss + self.config.kept_share * kept_share_loss(trace.scores[:, stage], ratio)
        return loss

    def _token_loss(self, completed: Tensor, label: Tensor) -> Tensor:
        shares = avg_pool3d(one_hot(label, self.n_classes).float(), self.patch).flatten(2)
        log_p = self.token_head(completed).float().log_softmax(dim=-1)
        return -(shares.transpose(1, 2) * log_p).sum(-1).mean()
