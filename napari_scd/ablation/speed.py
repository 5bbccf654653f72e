"""Seconds of a window for every variant, measured in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_scd.benchmarks import Bench, Entrant, Window, compare_inference
from napari_scd.model import build_network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_scd.benchmarks import Comparison
    from napari_scd.training import TrainConfig


def time_variants(
    configs: Mapping[str, TrainConfig],
    keeps: Sequence[float],
    bench: Bench,
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
    entrants = []
    for name, config in configs.items():
        torch.manual_seed(0)
        network = build_network(config.model)
        entrants.append(Entrant(name, network, tuple(keeps) if len(config.validate_keep) > 1 else ()))
    sizes = next(iter(configs.values())).model
    window = Window(sizes.roi, sizes.in_channels, sizes.out_channels)
    return compare_inference(entrants, window, bench, rounds=rounds, progress=progress)
