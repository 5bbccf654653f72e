"""Image -> tokens, and the position codes added to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from napari_scd.model.kernels import QuickConv3d, QuickInstanceNorm3d

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model.config import ModelConfig
    from napari_scd.model.decoder_sizes import Size3


class PatchEmbedding(nn.Module):
    """One token per patch by a convolution whose kernel and stride are the patch (the paper's stem)."""

    def __init__(self, in_channels: int, dim: int, patch: int) -> None:
        super().__init__()
        self.proj = QuickConv3d(in_channels, dim, kernel_size=patch, stride=patch)

    def forward(self, image: Tensor) -> Tensor:
        """``(b, c, z, y, x) -> (b, n, d)``, tokens row-major (last axis fastest)."""
        tokens: Tensor = self.proj(image).flatten(2).transpose(1, 2)
        return tokens


class ConvStem(nn.Module):
    """Tokens by a chain of stride-2 convolutions: trains faster than one large strided convolution.

    Not from the paper. Every step halves the grid; a normalised 3x3x3 convolution after all but the first
    and last lets a token see slightly past its own patch.
    """

    def __init__(self, in_channels: int, dim: int, patch: int) -> None:
        super().__init__()
        steps = patch.bit_length() - 1
        layers: list[nn.Module] = []
        channels = in_channels
        for step in range(steps - 1):
            wider = max(dim >> (steps - step), 16)
            layers.append(QuickConv3d(channels, wider, kernel_size=2, stride=2))
            if step:
                mix = QuickConv3d(wider, wider, kernel_size=3, padding=1)
                layers += [QuickInstanceNorm3d(wider), nn.LeakyReLU(0.01), mix]
            layers += [QuickInstanceNorm3d(wider), nn.LeakyReLU(0.01)]
            channels = wider
        self.steps = nn.Sequential(*layers)
        self.proj = QuickConv3d(channels, dim, kernel_size=2, stride=2)

    def forward(self, image: Tensor) -> Tensor:
        """``(b, c, z, y, x) -> (b, n, d)``, tokens row-major (last axis fastest)."""
        tokens: Tensor = self.proj(self.steps(image)).flatten(2).transpose(1, 2)
        return tokens


def build_stem(config: ModelConfig) -> nn.Module:
    """Build the stem a config asks for; "shared" takes the decoder's image features, not the image."""
    if config.stem == "patch":
        return PatchEmbedding(config.seen_channels, config.embed_dim, config.patch)
    if config.stem == "conv":
        return ConvStem(config.seen_channels, config.embed_dim, config.patch)
    return ConvStem(config.shared_width, config.embed_dim, config.patch // config.shared_stride)


def sincos_positions(grid: Size3, dim: int) -> Tensor:
    """Compute the fixed 3D sine-cosine code of each grid position, CLS first.

    Parameters
    ----------
    grid : (z, y, x) int
        Tokens along each axis; positions are the integer indices.
    dim : int
        Code width, divisible by 6.

    Returns
    -------
    Tensor ``(1, 1 + n, dim)`` float32
        Six contiguous blocks [sin, cos] of axis 0, 1, 2 with frequencies ``10000 ** (-i / (dim / 6))``;
        the CLS row is all zeros.
    """
    width = dim // 6
    exact: dict[str, Any] = {"dtype": torch.float64, "device": "cpu"}  # also where weights get no memory
    frequency = 10000.0 ** (-torch.arange(width, **exact) / width)
    axes = torch.meshgrid(*(torch.arange(edge, **exact) for edge in grid), indexing="ij")
    blocks: list[Tensor] = []
    for axis in axes:
        angle = axis.flatten()[:, None] * frequency
        blocks += [angle.sin(), angle.cos()]
    code = torch.cat(blocks, dim=1)
    return torch.cat([torch.zeros(1, dim, device="cpu"), code.float()])[None]
