from __future__ import annotations

import pytest
import torch

from napari_scd.benchmarks import Bench
from napari_scd.engine.hardware import Hardware
from napari_scd.model import ModelConfig

TINY = ModelConfig(
    roi=(16, 16, 16),
    patch=4,
    embed_dim=12,
    depth=3,
    heads=2,
    prune_after=(0, 1),
    prune_ratio=(0.5, 0.5),
    completion_dim=12,
    completion_heads=2,
    decoder="unetr4",
    stem="patch",
    features=2,
    min_tokens=2,
)


@pytest.fixture
def tiny() -> ModelConfig:
    return TINY


@pytest.fixture
def bench() -> Bench:
    """The CPU, two windows at a time, float32."""
    return Bench(Hardware(torch.device("cpu"), torch.float32, 2))
