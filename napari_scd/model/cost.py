"""Multiply-accumulates of a network, from its sizes alone."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.model.decoder_specs import DECODERS

if TYPE_CHECKING:
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


@lru_cache(maxsize=512)
def count_macs(config: ModelConfig, token_counts: tuple[int, ...]) -> MacsByPart:
    """Count linear layers, attention products and convolutions; norms and activations are left out.

    A transposed convolution counts only what it computes. Tools that multiply its output by the whole kernel
    (`torchprofile`, and so the paper's numbers) count it eightfold.

    Parameters
    ----------
    config : ModelConfig
    token_counts : tuple of int
        Living tokens at the start and after each stage (CLS not counted).
    """
    blocks = 0
    for index in range(config.depth):
        stage = sum(index > block for block in config.prune_after)
        blocks += block_macs(token_counts[stage] + (config.transformer == "cls"), config.embed_dim)
    encoder = _stem_macs(config) + blocks + _scorer_macs(config, token_counts)
    decoder = DECODERS[config.decoder].macs(config.decoder_sizes, token_counts[-1])
    return MacsByPart(encoder, _assembly_macs(config, token_counts), decoder)


def block_macs(tokens: int, dim: int) -> int:
    """One transformer block: ``12 L d^2 + 2 L^2 d``."""
    return 12 * tokens * dim * dim + 2 * tokens * tokens * dim


def scorer_macs(dim: int) -> int:
    """One token through a scorer."""
    return dim * dim + dim * (dim // 2) + (dim // 2) * (dim // 4) + dim // 4


def _stem_macs(config: ModelConfig) -> int:
    channels, patch, voxels = config.seen_channels, config.patch, math.prod(config.roi)
    if config.stem == "patch":
        return channels * config.embed_dim * voxels
    if config.stem == "shared":
        stride = config.shared_stride
        channels, patch, voxels = config.shared_width, patch // stride, voxels // stride**3
    steps, macs = patch.bit_length() - 1, 0
    for step in range(steps - 1):
        wider = max(config.embed_dim >> (steps - step), 16)
        macs += channels * wider * voxels
        voxels //= 8
        macs += 27 * wider * wider * voxels if step else 0
        channels = wider
    return macs + channels * config.embed_dim * voxels


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
