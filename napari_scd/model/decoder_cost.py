"""Multiply-accumulates of the decoders, level by level; model voxels halve along each axis per level."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.model.decoder_sizes import DecoderSizes


def unetr_macs(depth: int) -> Callable[[DecoderSizes, int], int]:
    """Cost of UNETR's decoders whose bottleneck is `depth` levels below full size."""
    return partial(_unetr_macs, depth)


def half_macs(sizes: DecoderSizes, survivors: int) -> int:
    """Cost of `HalfDecoder`."""
    f, half = sizes.features, math.prod(sizes.roi) // 8
    steps = sizes.patch.bit_length() - 2
    macs = sizes.in_channels * f * 8 * half + _residual(f, f, half)
    macs += _residual(sizes.embed_dim, f << steps, half >> (3 * steps))
    for step in range(steps - 1, 0, -1):
        voxels = half >> (3 * step)
        macs += (f << (step + 1)) * (f << step) * voxels + _residual(f << step, f << step, voxels)
    return macs + _join(2 * f, f, half) + f * sizes.out_channels * 8 * half


def pyramid_macs(sizes: DecoderSizes, survivors: int) -> int:
    """Cost of `PyramidDecoder`."""
    f, full = sizes.features, math.prod(sizes.roi)
    levels = sizes.patch.bit_length() - 2
    macs = sizes.in_channels * f * full + f * sizes.out_channels * full
    for level in range(levels):
        voxels, width = full >> (3 * (level + 1)), f << level
        macs += _residual(width, width, voxels) + _join(2 * width, width, voxels)
        macs += (width // 2) * width * 8 * voxels if level else 0
    return macs + _residual(sizes.embed_dim, f << levels, full >> (3 * (levels + 1)))


def sharp_macs(sizes: DecoderSizes, survivors: int) -> int:
    """Cost of `SharpDecoder`: a pyramid at half size, and one thin level at full size."""
    f, out, full = sizes.features, sizes.out_channels, math.prod(sizes.roi)
    z, y, x = (edge // 2 for edge in sizes.roi)
    pyramid = pyramid_macs(sizes._replace(roi=(z, y, x), patch=sizes.patch // 2), survivors)
    sharpening = out * f * full // 8 + _residual(2 * f, f, full // 8) + (f + out) * out * full
    return pyramid + sizes.in_channels * f * full + sharpening


def crisp_macs(sizes: DecoderSizes, survivors: int) -> int:
    """Cost of `CrispDecoder`: a sharp one, and a hidden layer that also sees each block's answer."""
    return sharp_macs(sizes, survivors) + _hidden(sizes, sizes.features + sizes.out_channels)


def half_crisp_macs(sizes: DecoderSizes, survivors: int) -> int:
    """Cost of `CrispHalfDecoder`: `HalfDecoder`, and a hidden layer of each block."""
    return half_macs(sizes, survivors) + _hidden(sizes, sizes.features)


def fine_macs(sizes: DecoderSizes, survivors: int) -> int:
    """Cost of `FineDecoder`: a pyramid down to the coarse answer, and a block around each surviving token."""
    f, out, seen, full = sizes.features, sizes.out_channels, sizes.in_channels, math.prod(sizes.roi)
    wide, tokens = f * sizes.patch // 2, full // sizes.patch**3
    at_tokens = sizes.coarse_vox == sizes.patch
    missing = range(sizes.patch.bit_length() - 2 if at_tokens else 1)  # joins of the pyramid, finest first
    coarse = pyramid_macs(sizes, survivors) - f * out * full
    coarse -= sum(_join(2 * (f << level), f << level, full >> (3 * (level + 1))) for level in missing)
    coarse += tokens * 4 * wide * wide + _residual(wide, wide, tokens)
    below = wide if at_tokens else 2 * f
    coarse += below * out * full // sizes.coarse_vox**3 + below * f * full // 8
    half, voxels = sizes.patch // 2, sizes.patch**3
    at_half = 27 * (2 * f) ** 2 * ((half + 2) ** 3 + half**3) + 2 * f * f * voxels
    at_full = voxels * (27 * seen * f + 2 * f * f + f * out)
    return coarse + survivors * (at_half + at_full)


def _unetr_macs(depth: int, sizes: DecoderSizes, survivors: int) -> int:
    d, f, full = sizes.embed_dim, sizes.features, math.prod(sizes.roi)
    macs = _residual(sizes.in_channels, f, full) + f * sizes.out_channels * full
    patch_level = sizes.patch.bit_length() - 1
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


def _hidden(sizes: DecoderSizes, n_known: int) -> int:
    """Cost of what crisp decoders add for each block of eight voxels, which knows `n_known` values."""
    blocks = math.prod(sizes.roi) // 8
    return blocks * 4 * sizes.features * (64 * sizes.in_channels + n_known + 8 * sizes.out_channels)


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
