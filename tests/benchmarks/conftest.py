from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch

from napari_scd.benchmarks import Timer
from napari_scd.engine.hardware import Hardware

from ..tiny_network import TINY

if TYPE_CHECKING:
    from napari_scd.model import ModelConfig


@pytest.fixture
def tiny() -> ModelConfig:
    return replace(TINY, out_channels=2)


@pytest.fixture
def timer() -> Timer:
    """The CPU, two windows at a time, float32."""
    return Timer(Hardware(torch.device("cpu"), torch.float32, 2))
