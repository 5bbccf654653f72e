"""Multiply-accumulates of a network, from its sizes alone."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

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

    A transposed convolution counts what it computes. Tools that multiply its output by the whole kernel
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
    return MacsByPart(encoder, _assembly_macs(config, token_counts), _decoder_macs(config, token_counts))


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


def _decoder_macs(config: ModelConfig, token_counts: tuple[int, ...]) -> int:
    """Sum over the branches and the way up, level by level (model voxels halve along each axis per level)."""
    d, f, full = config.embed_dim, config.features, math.prod(config.roi)
    if config.decoder == "half":
        return _half_macs(config)
    if config.decoder == "pyramid":
        return _pyramid_macs(config)
    if config.decoder == "sharp":
        return _sharp_macs(config)
    if config.decoder == "fine":
        return _fine_macs(config, token_counts[-1])
    depth = {"deep8": 4, "unetr16": 4, "shallow8": 3, "unetr4": 3}[config.decoder]
    macs = _residual(config.in_channels, f, full) + f * config.out_channels * full
    patch_level = config.patch.bit_length() - 1
    for level in range(1, depth):
        voxels, width = full >> (3 * level), f << level
        if level == patch_level:
            macs += _residual(d, width, voxels)
        else:
            macs += _token_up(d, width, patch_level - level - 1, voxels)
    below = d
    for level in reversed(range(depth)):
        macs += _join(below, f << level, full >> (3 * level))
        below = f << level
    return macs


def _half_macs(config: ModelConfig) -> int:
    f, half = config.features, math.prod(config.roi) // 8
    steps = config.patch.bit_length() - 2
    macs = config.in_channels * f * 8 * half + _residual(f, f, half)
    macs += _residual(config.embed_dim, f << steps, half >> (3 * steps))
    for step in range(steps - 1, 0, -1):
        voxels = half >> (3 * step)
        macs += (f << (step + 1)) * (f << step) * voxels + _residual(f << step, f << step, voxels)
    return macs + _join(2 * f, f, half) + f * config.out_channels * 8 * half


def _pyramid_macs(config: ModelConfig) -> int:
    f, full = config.features, math.prod(config.roi)
    levels = config.patch.bit_length() - 2
    macs = config.in_channels * f * full + f * config.out_channels * full
    for level in range(levels):
        voxels, width = full >> (3 * (level + 1)), f << level
        macs += _residual(width, width, voxels) + _join(2 * width, width, voxels)
        macs += (width // 2) * width * 8 * voxels if level else 0
    return macs + _residual(config.embed_dim, f << levels, full >> (3 * (levels + 1)))


def _sharp_macs(config: ModelConfig) -> int:
    f, out, full = config.features, config.out_channels, math.prod(config.roi)
    z, y, x = (edge // 2 for edge in config.roi)
    pyramid = replace(config, decoder="pyramid", roi=(z, y, x), patch=config.patch // 2)
    sharpening = out * f * full // 8 + _residual(2 * f, f, full // 8) + (f + out) * out * full
    return _pyramid_macs(pyramid) + config.in_channels * f * full + sharpening


def _fine_macs(config: ModelConfig, survivors: int) -> int:
    """Count the pyramid without its finest join and output, and a block around each survivor."""
    f, out, seen, full = config.features, config.out_channels, config.seen_channels, math.prod(config.roi)
    pyramid = replace(config, in_channels=seen, decoder="pyramid", prompts=False)
    coarse = _pyramid_macs(pyramid) - _join(2 * f, f, full // 8) - f * out * full
    coarse += 2 * f * out * full // 64 + 2 * f * f * full // 8
    wide, tokens = f * config.patch // 2, full // config.patch**3
    coarse += tokens * 4 * wide * wide + _residual(wide, wide, tokens)
    half, voxels = config.patch // 2, config.patch**3
    at_half = 27 * (2 * f) ** 2 * ((half + 2) ** 3 + half**3) + 2 * f * f * voxels
    at_full = voxels * (27 * seen * f + 2 * f * f + f * out)
    return coarse + survivors * (at_half + at_full)


def _residual(channels: int, width: int, voxels: int) -> int:
    """Two 3x3x3 convolutions, and a 1x1x1 one where the channels change."""
    return voxels * (
        27 * channels * width + 27 * width * width + (channels * width if channels != width else 0)
    )


def _join(channels: int, width: int, voxels: int) -> int:
    """Double the edges of a map, put it beside a skip, mix; `voxels` are those of the result."""
    return channels * width * voxels + _residual(2 * width, width, voxels)


def _token_up(channels: int, width: int, extra_doublings: int, voxels: int) -> int:
    """Double the edges of a token map, `extra_doublings` more times with a residual block each."""
    macs = channels * width * (voxels >> (3 * extra_doublings))
    for left in reversed(range(extra_doublings)):
        here = voxels >> (3 * left)
        macs += width * width * here + _residual(width, width, here)
    return macs
