"""Seconds of a window for every variant, measured in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_scd.benchmarks import TimedNetwork, Timer, WindowShape, compare_inference
from napari_scd.model import build_network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_scd.benchmarks import Comparison
    from napari_scd.training import TrainConfig


def time_variants(
    configs: Mapping[str, TrainConfig],
    keeps: Sequence[float],
    timer: Timer,
    *,
    rounds: int = 7,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Time the networks of the grid, with random weights, which take as long as trained ones.

    Parameters
    ----------
    configs : mapping of str to TrainConfig
        By name of the variant.
    """
    networks = []
    for name, config in configs.items():
        torch.manual_seed(0)
        network = build_network(config.model)
        networks.append(TimedNetwork(name, network, tuple(keeps) if len(config.validate_keep) > 1 else ()))
    sizes = next(iter(configs.values())).model
    window = WindowShape(sizes.roi, sizes.in_channels, sizes.out_channels)
    return compare_inference(networks, window, timer, rounds=rounds, progress=progress)
