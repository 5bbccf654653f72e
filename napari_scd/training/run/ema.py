"""Exponential moving average of the weights: what validation and export use."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn


class WeightAverage:
    """Averages a network's parameters; early steps have a shorter memory, so random weights fade quickly.

    Parameters
    ----------
    network : nn.Module
    decay : float
        Share of the old average kept at each step, once warmed up.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.weights = {key: value.detach().clone() for key, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the average towards the network's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        present = network.state_dict()
        for key, average in self.weights.items():
            average.lerp_(present[key], 1 - decay)

    @contextmanager
    def in_use(self, network: nn.Module) -> Iterator[None]:
        """Let a network run with the average; it has its own weights back afterwards."""
        own = {key: value.clone() for key, value in network.state_dict().items()}
        network.load_state_dict(self.weights)
        try:
            yield
        finally:
            network.load_state_dict(own)

    def state_dict(self) -> dict[str, int | dict[str, Tensor]]:
        """Return what an exact resume needs."""
        return {"updates": self.updates, "weights": self.weights}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue from a `state_dict`."""
        self.updates = int(state["updates"])  # type: ignore[call-overload]
        saved: dict[str, Tensor] = state["weights"]  # type: ignore[assignment]
        for key, value in saved.items():
            self.weights[key].copy_(value)
