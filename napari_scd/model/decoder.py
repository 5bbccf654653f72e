"""Dense decoding: the completed token map back to voxels, UNETR style (in the paper: dense decoding).

Every decoder has two doors: `encode_image` (what it takes from the raw image, independent of the tokens) and
`forward` (that plus token maps). ``n_maps`` token maps go in, finest branch first, bottleneck last; the SCD
network hands the same completed map to all of them, a dense baseline different layers.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import nn
from torch.nn.functional import avg_pool3d, conv3d

from napari_scd.model.blocks import BasicBlock, OutBlock, TokenUpBlock, UpBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_scd.model.config import ModelConfig

    Voxels = tuple[slice, slice, slice]


class Decoder(nn.Module, ABC):
    """What the network asks of a decoder."""

    n_maps: int

    @abstractmethod
    def encode_image(self, image: Tensor) -> Tensor:
        """Take what the decoder wants of the raw image ``(b, c, z, y, x)``; no token is needed for it."""

    def for_stem(self, image_features: Tensor) -> Tensor:
        """Pick what a shared stem makes its tokens of out of `encode_image`'s own result."""
        return image_features

    @abstractmethod
    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Image features and `n_maps` token maps ``(b, d, gz, gy, gx)`` -> logits ``(b, out, z, y, x)``.

        With `voxels`, the logits of those voxels alone, for a loss that looks at a part of them.
        """

    def coarse_levels(self) -> list[tuple[nn.Module, int]]:
        """Modules on the way up that put out coarser maps, coarsest first, each with its channels.

        Deep supervision learns from them.
        """
        return []


class UnetrDecoder(Decoder):
    """What the decoders of UNETR's kind share: the image branch, the way up, the output layer.

    Parameters
    ----------
    branches : sequence of Module
        What makes skips of token maps, finest first.
    widths : sequence of int
        Channels on the way up, coarsest first.
    """

    pools: ClassVar[bool] = False

    def __init__(self, config: ModelConfig, branches: Sequence[nn.Module], widths: Sequence[int]) -> None:
        super().__init__()
        f = config.features
        self.encoder1 = BasicBlock(config.in_channels, f)
        for level, branch in enumerate(branches, start=2):
            setattr(self, f"encoder{level}", branch)
        self.n_maps = len(branches) + 1
        channels = config.embed_dim
        for level, width in zip(range(len(widths) + 1, 1, -1), widths, strict=True):
            setattr(self, f"decoder{level}", UpBlock(channels, width))
            channels = width
        self.n_ups = len(widths)
        self.widths = tuple(widths)
        self.pool = nn.AvgPool3d(3, stride=2, padding=1) if self.pools else nn.Identity()
        self.out = OutBlock(f, config.out_channels)

    def encode_image(self, image: Tensor) -> Tensor:
        """Run the raw-image branch: ``(b, c, z, y, x) -> (b, f, z, y, x)``."""
        features: Tensor = self.encoder1(image)
        return features

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode token maps: those of the branches, finest first, then the bottleneck's."""
        skips = [image_features]
        for level, token_map in enumerate(maps[:-1], start=2):
            skips.append(getattr(self, f"encoder{level}")(token_map))
        x = self.pool(maps[-1])
        for level in range(self.n_ups + 1, 1, -1):
            x = getattr(self, f"decoder{level}")(x, skips[level - 2])
        logits: Tensor = self.out(x if voxels is None else x[(..., *voxels)])
        return logits

    def coarse_levels(self) -> list[tuple[nn.Module, int]]:
        """Return every step up but the last, which is of full size."""
        steps = [getattr(self, f"decoder{level}") for level in range(self.n_ups + 1, 2, -1)]
        return list(zip(steps, self.widths[:-1], strict=True))


class DeepDecoder8(UnetrDecoder):
    """Patch 8, pooled bottleneck at 1/16: the paper's decoder (`UNETRx8_decoderv2`)."""

    pools = True

    def __init__(self, config: ModelConfig) -> None:
        d, f = config.embed_dim, config.features
        branches = [TokenUpBlock(d, 2 * f, 1), TokenUpBlock(d, 4 * f, 0), BasicBlock(d, 8 * f)]
        super().__init__(config, branches, [8 * f, 4 * f, 2 * f, f])


class ShallowDecoder8(UnetrDecoder):
    """Patch 8, bottleneck = the token map itself (`UNETRx8_decoder`)."""

    def __init__(self, config: ModelConfig) -> None:
        d, f = config.embed_dim, config.features
        super().__init__(config, [TokenUpBlock(d, 2 * f, 1), TokenUpBlock(d, 4 * f, 0)], [4 * f, 2 * f, f])


class UnetrDecoder16(UnetrDecoder):
    """Patch 16: MONAI's UNETR (`UNETR_decoder`)."""

    def __init__(self, config: ModelConfig) -> None:
        d, f = config.embed_dim, config.features
        branches = [TokenUpBlock(d, 2 * f, 2), TokenUpBlock(d, 4 * f, 1), TokenUpBlock(d, 8 * f, 0)]
        super().__init__(config, branches, [8 * f, 4 * f, 2 * f, f])


class UnetrDecoder4(UnetrDecoder):
    """Patch 4, pooled bottleneck at 1/8 (ours; the reference's patch-4 decoder does not run)."""

    pools = True

    def __init__(self, config: ModelConfig) -> None:
        d, f = config.embed_dim, config.features
        super().__init__(config, [TokenUpBlock(d, 2 * f, 0), BasicBlock(d, 4 * f)], [4 * f, 2 * f, f])


class HalfDecoder(Decoder):
    """Ours, for laptops: all convolutions at half size or below, the last factor of two is learned.

    The image enters through a stride-2 convolution that sees every voxel; a transposed convolution (eight
    sub-voxel outputs per class) predicts at full size. About an eighth of the work of a full-size decoder.
    """

    n_maps = 1

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        f, steps = config.features, config.patch.bit_length() - 2
        self.features = f
        self.image_in = nn.Conv3d(config.in_channels, f, kernel_size=2, stride=2)
        self.image_block = BasicBlock(f, f)
        self.bottleneck = BasicBlock(config.embed_dim, f << steps)
        self.token_ups = nn.ModuleList(
            nn.Sequential(TokenUpBlock(2 * width, width, 0), BasicBlock(width, width))
            for width in (f << step for step in range(steps - 1, 0, -1))
        )
        self.join = UpBlock(2 * f, f)
        self.out = nn.ConvTranspose3d(f, config.out_channels, kernel_size=2, stride=2)

    def encode_image(self, image: Tensor) -> Tensor:
        """Run the raw-image branch: ``(b, c, z, y, x) -> (b, f, z/2, y/2, x/2)``."""
        features: Tensor = self.image_block(self.image_in(image))
        return features

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map."""
        x = self.bottleneck(maps[0])
        for up in self.token_ups:
            x = up(x)
        return _answer(self.out, self.join(x, image_features), voxels)

    def coarse_levels(self) -> list[tuple[nn.Module, int]]:
        """Return the tokens' own level, and each step up but the last, which the image joins."""
        modules = [self.bottleneck, *self.token_ups]
        widths = [self.features << step for step in range(len(modules), 0, -1)]
        return list(zip(modules, widths, strict=True))


class PyramidDecoder(Decoder):
    """Ours: `HalfDecoder` with an image branch at every level between half size and the tokens.

    The tokens are the coarsest level: detail comes from the image, whatever needs context from them.
    """

    n_maps = 1

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        f, n_levels = config.features, config.patch.bit_length() - 2
        widths = [f << level for level in range(n_levels + 1)]
        self.widths = tuple(widths)
        self.image_in = nn.Conv3d(config.in_channels, f, kernel_size=2, stride=2)
        self.levels = nn.ModuleList([BasicBlock(f, f)])
        for finer, width in zip(widths[:-2], widths[1:-1], strict=True):
            self.levels.append(
                nn.Sequential(nn.Conv3d(finer, width, kernel_size=2, stride=2), BasicBlock(width, width))
            )
        self.bottleneck = BasicBlock(config.embed_dim, widths[-1])
        pairs = zip(widths[:0:-1], widths[-2::-1], strict=True)
        self.ups = nn.ModuleList(UpBlock(coarser, width) for coarser, width in pairs)
        self.out = nn.ConvTranspose3d(f, config.out_channels, kernel_size=2, stride=2)
        edges = [[edge >> (level + 1) for edge in config.roi] for level in range(n_levels)]
        self.shapes = [(*size, width) for width, size in zip(widths, edges, strict=False)]

    def encode_image(self, image: Tensor) -> Tensor:
        """Run the image branch; all levels in one row each, finest first: ``(b, c, z, y, x) -> (b, m)``."""
        x = self.image_in(image)
        rows = []
        for level in self.levels:
            x = level(x)
            rows.append(_as_row(x))
        return torch.cat(rows, dim=1)

    def for_stem(self, image_features: Tensor) -> Tensor:
        """Return the coarsest level ``(b, width, z, y, x)``."""
        return self._unpacked(image_features)[-1]

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map."""
        x = self.bottleneck(maps[0])
        for up, skip in zip(self.ups, reversed(self._unpacked(image_features)), strict=True):
            x = up(x, skip)
        return _answer(self.out, x, voxels)

    def coarse_levels(self) -> list[tuple[nn.Module, int]]:
        """Return the tokens' own level, and each step up: all are of half size or below."""
        return list(zip([self.bottleneck, *self.ups], self.widths[::-1], strict=False))

    def _unpacked(self, image_features: Tensor) -> list[Tensor]:
        levels, start = [], 0
        for shape in self.shapes:
            row = image_features.narrow(1, start, math.prod(shape))
            levels.append(_from_row(row, shape))
            start += row.shape[1]
        return levels


class SharpDecoder(PyramidDecoder):
    """Ours, for windows that hold a whole head: `PyramidDecoder` of the halved image, sharpened at full size.

    The pyramid sees blocks of 2 x 2 x 2 voxels averaged and answers at half size; one thin level takes that
    answer and the image at full size, and says what the eight voxels of each block are. Its output starts as
    the pyramid's answer, so a network trained at twice the spacing is where it starts from.
    """

    def __init__(self, config: ModelConfig) -> None:
        z, y, x = (edge // 2 for edge in config.roi)
        super().__init__(replace(config, decoder="pyramid", roi=(z, y, x), patch=config.patch // 2))
        f, out = config.features, config.out_channels
        self.sharp_in = nn.Conv3d(config.in_channels, f, kernel_size=2, stride=2)
        self.sharp_answer = nn.Conv3d(out, f, kernel_size=1)
        self.sharp = BasicBlock(2 * f, f)
        self.sharp_out = nn.ConvTranspose3d(f + out, out, kernel_size=2, stride=2)
        self.sharp_shape = (z, y, x, f)
        with torch.no_grad():
            self.sharp_out.weight.zero_()
            self.sharp_out.weight[range(f, f + out), range(out)] = 1
            nn.init.zeros_(self.sharp_out.bias)  # type: ignore[arg-type]

    def encode_image(self, image: Tensor) -> Tensor:
        """Run both image branches; the pyramid's rows come first: ``(b, c, z, y, x) -> (b, m)``."""
        pyramid = super().encode_image(avg_pool3d(image, 2))
        return torch.cat([pyramid, _as_row(self.sharp_in(image))], dim=1)

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map."""
        n_sharp = math.prod(self.sharp_shape)
        answer = super().forward(image_features[:, :-n_sharp], maps)
        seen = _from_row(image_features[:, -n_sharp:], self.sharp_shape)
        detail = self.sharp(torch.cat([seen, self.sharp_answer(answer)], dim=1))
        return _answer(self.sharp_out, torch.cat([detail, answer], dim=1), voxels)


DECODER_CLASSES: dict[str, Callable[[ModelConfig], Decoder]] = {
    "deep8": DeepDecoder8,
    "shallow8": ShallowDecoder8,
    "unetr16": UnetrDecoder16,
    "unetr4": UnetrDecoder4,
    "half": HalfDecoder,
    "pyramid": PyramidDecoder,
    "sharp": SharpDecoder,
}


def _answer(layer: nn.ConvTranspose3d, features: Tensor, voxels: Voxels | None) -> Tensor:
    """Logits at twice the size; of every second voxel along each axis, with an eighth of the work."""
    if voxels is None:
        logits: Tensor = layer(features)
        return logits
    if any(part.step != 2 or part.start not in (0, 1) or part.stop is not None for part in voxels):
        return _answer(layer, features, None)[(..., *voxels)]
    z, y, x = (part.start for part in voxels)
    weight = layer.weight[:, :, z, y, x].T[..., None, None, None]
    return conv3d(features, weight, layer.bias)


def _as_row(features: Tensor) -> Tensor:
    """``(b, c, z, y, x) -> (b, m)`` with channels last, as it usually lies there."""
    return features.permute(0, 2, 3, 4, 1).flatten(1)


def _from_row(row: Tensor, shape: tuple[int, ...]) -> Tensor:
    """``(b, m)`` of shape ``(z, y, x, c)`` each -> ``(b, c, z, y, x)``."""
    return row.reshape(-1, *shape).permute(0, 4, 1, 2, 3)
