"""Multiply-accumulates of a network, counted without running it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

from napari_scd.model.decoder import DECODER_CLASSES
from napari_scd.model.embedding import build_stem

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.model.config import ModelConfig


class MacsByPart(NamedTuple):
    """Multiply-accumulates of one window."""

    encoder: int
    assembly: int
    decoder: int

    @property
    def total(self) -> int:
        """All parts together."""
        return self.encoder + self.assembly + self.decoder


def count_macs(config: ModelConfig, token_counts: tuple[int, ...]) -> MacsByPart:
    """Count linear layers, attention products and convolutions; norms and activations are left out.

    Parameters
    ----------
    config : ModelConfig
    token_counts : tuple of int
        Living tokens at the start and after each stage (CLS not counted).
    """
    stem, decoder = _convolution_macs(config)
    blocks = 0
    for index in range(config.depth):
        stage = sum(index > block for block in config.prune_after)
        blocks += block_macs(token_counts[stage] + 1, config.embed_dim)
    return MacsByPart(
        stem + blocks + _scorer_macs(config, token_counts), _assembly_macs(config, token_counts), decoder
    )


def block_macs(tokens: int, dim: int) -> int:
    """One transformer block: ``12 L d^2 + 2 L^2 d``."""
    return 12 * tokens * dim * dim + 2 * tokens * tokens * dim


def scorer_macs(dim: int) -> int:
    """One token through a scorer."""
    return dim * dim + dim * (dim // 2) + (dim // 2) * (dim // 4) + dim // 4


def _scorer_macs(config: ModelConfig, token_counts: tuple[int, ...]) -> int:
    """Scorers run on what reaches their stage, unless the stage keeps all."""
    if config.pruning not in ("stp", "topk", "gumbel"):
        return 0
    steps = zip(token_counts[:-1], token_counts[1:], strict=True)
    return scorer_macs(config.embed_dim) * sum(before for before, after in steps if after < before)


def _assembly_macs(config: ModelConfig, token_counts: tuple[int, ...]) -> int:
    if config.completion in ("none", "zero"):
        return 0
    n, d, width = config.n_tokens + 1, config.embed_dim, config.completion_dim
    mixing = config.completion_depth * block_macs(n, width)
    if config.completion == "mta-plain":
        return mixing
    entering = n if config.completion == "mta" else token_counts[-1] + 1
    return mixing + (entering + n) * d * width


@lru_cache(maxsize=32)
def _convolution_macs(config: ModelConfig) -> tuple[int, int]:
    """Stem and decoder, counted on tensors without data: neither depends on the keep ratio."""
    with torch.device("meta"):
        stem, decoder = build_stem(config), DECODER_CLASSES[config.decoder](config)
        image = torch.empty(1, config.in_channels, *config.roi)
        token_map = torch.empty(1, config.embed_dim, *config.grid)
    features = decoder.encode_image(image)
    seen = features if config.stem == "shared" else image
    return (
        _measured(lambda: stem(seen)),
        _measured(lambda: decoder(decoder.encode_image(image), [token_map] * decoder.n_maps)),
    )


def _measured(run: Callable[[], object]) -> int:
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        run()
    return int(counter.get_total_flops()) // 2
