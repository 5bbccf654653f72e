"""Networks of a few thousand weights, random but seeded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_scd.model import ModelConfig, build_network

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.model import ScdNetwork

SMALL = ModelConfig(
    in_channels=1,
    out_channels=3,
    roi=(16, 24, 16),
    patch=4,
    embed_dim=24,
    depth=4,
    heads=2,
    prune_after=(0, 1, 2),
    prune_ratio=(0.5, 0.5, 0.5),
    completion_dim=12,
    completion_heads=2,
    decoder="half",
    features=4,
    min_tokens=1,
    stem="patch",
)


@pytest.fixture
def small() -> Callable[..., ModelConfig]:
    """The small config with some sizes changed."""
    return lambda **changes: replace(SMALL, **changes)


@pytest.fixture
def network(small: Callable[..., ModelConfig]) -> Callable[..., ScdNetwork]:
    """A small network with scorers that disagree; sizes changed at will."""

    def build(seed: int = 0, **changes: Any) -> ScdNetwork:
        torch.manual_seed(seed)
        net = build_network(small(**changes))
        for scorer in net.encoder.scorers:
            for weight in scorer.parameters():
                if weight.ndim == 2:
                    torch.nn.init.normal_(weight, std=weight.shape[1] ** -0.5)
        return net.eval()

    return build


@pytest.fixture
def image() -> Callable[..., torch.Tensor]:
    """A batch of windows that fits a config."""

    def draw(config: ModelConfig, batch: int = 2, seed: int = 1) -> torch.Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(batch, config.in_channels, *config.roi, generator=generator)

    return draw
