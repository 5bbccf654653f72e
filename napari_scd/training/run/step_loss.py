"""Network and loss as one module: what a training step calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model import ScdNetwork
    from napari_scd.training.run.loss import SegmentationLoss
    from napari_scd.training.run.prompt_loss import PromptLoss


class StepLoss(torch.nn.Module):
    """Network and loss behind one `forward`, as distributed wrappers want it.

    Parameters
    ----------
    parts : ModuleDict
        "network" and "loss".
    n_stages : int
    """

    def __init__(self, parts: torch.nn.ModuleDict, n_stages: int) -> None:
        super().__init__()
        self.parts = parts
        self.n_stages = n_stages
        self._levels: list[Tensor] = []
        if cast("SegmentationLoss", parts["loss"]).level_heads:
            for module, _ in cast("ScdNetwork", parts["network"]).decoder.coarse_levels():
                module.register_forward_hook(lambda module, given, level: self._levels.append(level))

    def forward(self, image: Tensor, label: Tensor, keep: float | tuple[float, ...]) -> Tensor:
        """Windows and labels ``(b, ., z, y, x)`` and a keep ratio -> loss."""
        criterion = cast("SegmentationLoss | PromptLoss", self.parts["loss"])
        voxels = criterion.draw_voxels()
        self._levels.clear()
        logits, trace = self.parts["network"](image, keep, True, voxels)
        each = (keep,) * self.n_stages if isinstance(keep, float) else keep
        loss: Tensor = criterion(logits, label, trace, each, voxels, tuple(self._levels))
        self._levels.clear()
        return loss
