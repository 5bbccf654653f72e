"""Multiply-accumulates of a network, counted without running it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

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


def count_macs(
    config: ModelConfig, token_counts: tuple[int, ...], encoder: nn.Module, decoder: nn.Module
) -> MacsByPart:
    """Linear layers, attention products and convolutions; norms and activations are left out.

    Parameters
    ----------
    token_counts : tuple of int
        Living tokens at the start and after each stage (CLS not counted).
    """
    seen = (config.in_channels, *config.roi)
    if config.stem == "shared":
        seen = (config.features, *(edge // 2 for edge in config.roi))
    stem = _measure(encoder.patch_embed, torch.empty(1, *seen, device="meta"))
    blocks = 0
    for index in range(config.depth):
        stage = sum(index > block for block in config.prune_after)
        blocks += block_macs(token_counts[stage] + 1, config.embed_dim)
    scorers = 0
    if config.pruning in ("stp", "topk", "gumbel"):
        per_token = scorer_macs(config.embed_dim)
        scorers = sum(
            per_token * before
            for before, after in zip(token_counts[:-1], token_counts[1:], strict=True)
            if after < before
        )
    decode = _measure_decoder(config, decoder)
    return MacsByPart(stem + blocks + scorers, _assembly_macs(config, token_counts), decode)


def block_macs(tokens: int, dim: int) -> int:
    """One transformer block: ``12 L d^2 + 2 L^2 d``."""
    return 12 * tokens * dim * dim + 2 * tokens * tokens * dim


def scorer_macs(dim: int) -> int:
    """One token through a scorer."""
    return dim * dim + dim * (dim // 2) + (dim // 2) * (dim // 4) + dim // 4


def _assembly_macs(config: ModelConfig, token_counts: tuple[int, ...]) -> int:
    if config.completion in ("none", "zero"):
        return 0
    n, d, width = config.n_tokens + 1, config.embed_dim, config.completion_dim
    mixing = config.completion_depth * block_macs(n, width)
    if config.completion == "mta-plain":
        return mixing
    entering = n if config.completion == "mta" else token_counts[-1] + 1
    return mixing + (entering + n) * d * width


def _measure_decoder(config: ModelConfig, decoder: nn.Module) -> int:
    image = torch.empty(1, config.in_channels, *config.roi, device="meta")
    token_map = torch.empty(1, config.embed_dim, *config.grid, device="meta")

    def decode(module: Any) -> None:
        module(module.encode_image(image), [token_map] * module.n_maps)

    return _measure(decoder, run=decode)


def _measure(module: nn.Module, *inputs: torch.Tensor, run: Callable[[Any], None] | None = None) -> int:
    shadow = copy.deepcopy(module).to("meta").eval()
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        if run is None:
            shadow(*inputs)
        else:
            run(shadow)
    return int(counter.get_total_flops()) // 2
