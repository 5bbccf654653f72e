"""The convolution blocks of UNETR, as in MONAI (1.6): same weights under the same names, same outputs.

They are written here so that segmenting does not import all of MONAI, which takes longer than segmenting a
small scan. A test compares them with MONAI's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_scd.model.kernels import QuickConv3d, QuickConvTranspose3d, QuickInstanceNorm3d

if TYPE_CHECKING:
    from torch import Tensor


class NamedConv(nn.Sequential):
    """A convolution whose weights are called ``conv.weight`` and ``conv.bias``."""

    def __init__(self, layer: nn.Conv3d | nn.ConvTranspose3d) -> None:
        super().__init__()
        self.add_module("conv", layer)


class ResidualBlock(nn.Module):
    """Two 3x3x3 convolutions with instance norms, added to the input; MONAI's `UnetResBlock`."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = NamedConv(QuickConv3d(channels, width, 3, padding=1, bias=False))
        self.conv2 = NamedConv(QuickConv3d(width, width, 3, padding=1, bias=False))
        self.lrelu = nn.LeakyReLU(0.01, inplace=True)
        self.norm1 = QuickInstanceNorm3d(width)
        self.norm2 = QuickInstanceNorm3d(width)
        self.changes_width = channels != width
        if self.changes_width:
            self.conv3 = NamedConv(QuickConv3d(channels, width, 1, bias=False))
            self.norm3 = QuickInstanceNorm3d(width)

    def forward(self, image: Tensor) -> Tensor:
        """``(b, channels, z, y, x) -> (b, width, z, y, x)``."""
        found: Tensor = self.norm2(self.conv2(self.lrelu(self.norm1(self.conv1(image)))))
        found += self.norm3(self.conv3(image)) if self.changes_width else image
        activated: Tensor = self.lrelu(found)
        return activated


class BasicBlock(nn.Module):
    """A residual block under the name ``layer``; MONAI's `UnetrBasicBlock`."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layer = ResidualBlock(channels, width)

    def forward(self, image: Tensor) -> Tensor:
        """``(b, channels, z, y, x) -> (b, width, z, y, x)``."""
        found: Tensor = self.layer(image)
        return found


class UpBlock(nn.Module):
    """Double the edges of a map, put it beside a skip and mix them; MONAI's `UnetrUpBlock`."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.transp_conv = _doubling(channels, width)
        self.conv_block = ResidualBlock(2 * width, width)

    def forward(self, image: Tensor, skip: Tensor) -> Tensor:
        """``(b, channels, z, y, x)`` and ``(b, width, 2z, 2y, 2x)`` -> the shape of `skip`."""
        mixed: Tensor = self.conv_block(torch.cat((self.transp_conv(image), skip), dim=1))
        return mixed


class TokenUpBlock(nn.Module):
    """Double the edges of a map once, and `more` times with a residual block; MONAI's `UnetrPrUpBlock`."""

    def __init__(self, channels: int, width: int, more: int) -> None:
        super().__init__()
        self.transp_conv_init = _doubling(channels, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(_doubling(width, width), ResidualBlock(width, width)) for _ in range(more)
        )

    def forward(self, image: Tensor) -> Tensor:
        """``(b, channels, z, y, x) -> (b, width, s z, s y, s x)`` with ``s = 2 ** (1 + more)``."""
        found: Tensor = self.transp_conv_init(image)
        for block in self.blocks:
            found = block(found)
        return found


class OutBlock(nn.Module):
    """The output layer, a 1x1x1 convolution; MONAI's `UnetOutBlock`."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.conv = NamedConv(QuickConv3d(channels, classes, 1))

    def forward(self, image: Tensor) -> Tensor:
        """``(b, channels, z, y, x) -> (b, classes, z, y, x)``."""
        logits: Tensor = self.conv(image)
        return logits


class DropPath(nn.Module):
    """Stochastic depth: in training, whole samples of a branch become zero and the others make up for it.

    Parameters
    ----------
    rate : float
        Probability that a sample is dropped, in [0, 1).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """``(b, ...) -> (b, ...)``."""
        if not self.training or not self.rate:
            return branch
        kept = branch.new_empty((len(branch),) + (1,) * (branch.ndim - 1)).bernoulli_(1 - self.rate)
        return branch * kept.div_(1 - self.rate)


def _doubling(channels: int, width: int) -> NamedConv:
    return NamedConv(QuickConvTranspose3d(channels, width, kernel_size=2, stride=2, bias=False))
