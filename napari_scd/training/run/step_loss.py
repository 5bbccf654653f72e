"""Network and loss as one module: what a training step calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.training.run.loss import SegmentationLoss


class StepLoss(torch.nn.Module):
    """Network and loss behind one `forward`, as distributed wrappers want it."""

    def __init__(self, parts: torch.nn.ModuleDict, n_stages: int) -> None:
        super().__init__()
        self.parts = parts
        self.n_stages = n_stages

    def forward(self, image: Tensor, label: Tensor, keep: float | tuple[float, ...]) -> Tensor:
        """Windows and labels ``(b, ., z, y, x)`` and a keep ratio -> loss."""
        criterion = cast("SegmentationLoss", self.parts["loss"])
        voxels = criterion.draw_voxels()
        logits, trace = self.parts["network"](image, keep, True, voxels)
        each = (keep,) * self.n_stages if isinstance(keep, float) else keep
        loss: Tensor = criterion(logits, label, trace, each, voxels)
        return loss
