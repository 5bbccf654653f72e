"""One training step as the trainer makes it: forward, loss, backward, clipping, AdamW."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from napari_scd.model import ModelConfig
from napari_scd.training import LossConfig, SegmentationLoss, StepLoss

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_scd.benchmarks.timer import Timer
    from napari_scd.model import ScdNetwork


class TrainingStep:
    """A network with the trainer's loss and optimiser, and a batch that never changes.

    Parameters
    ----------
    network : ScdNetwork or Module
        A network that is not ours has no tokens, and so no loss on them.
    image, label : Tensor ``(b, c, z, y, x)``, ``(b, 1, z, y, x)`` uint8
    out_channels : int
    timer : Timer
    """

    def __init__(
        self,
        network: ScdNetwork | nn.Module,
        image: Tensor,
        label: Tensor,
        out_channels: int,
        timer: Timer,
    ) -> None:
        config: ModelConfig | None = getattr(network, "config", None)
        self.network, self.timer = network, timer
        self.image, self.label = image, label
        if config is None:
            loss = SegmentationLoss(LossConfig(token=0.0), ModelConfig(out_channels=out_channels))
            self.loss: Callable[[float], Tensor] = lambda keep: self._plain_loss(loss)
            parts = nn.ModuleDict({"network": network, "loss": loss})
        else:
            parts = nn.ModuleDict({"network": network, "loss": SegmentationLoss(LossConfig(), config)})
            ours = StepLoss(parts, config.n_stages)
            self.loss = lambda keep: cast("Tensor", ours(image, label, keep))
        self.parameters = list(parts.to(timer.device).parameters())
        self.optimiser = torch.optim.AdamW(self.parameters, lr=1e-5, betas=(0.9, 0.95), fused=True)

    def step(self, keep: float = 1.0) -> float:
        """Make one step at a keep ratio; seconds per window of the batch."""
        self.network.train()
        start = self.timer.now()
        with self.timer.hardware.autocast():
            loss = self.loss(keep)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        seconds = (self.timer.now() - start) / len(self.image)
        self.optimiser.zero_grad(set_to_none=True)  # frees memory for the next network
        return seconds

    def _plain_loss(self, loss: SegmentationLoss) -> Tensor:
        no_trace: Any = None
        value: Tensor = loss(self.network(self.image), self.label, no_trace, ())
        return value
