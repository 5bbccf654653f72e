"""Our decoders: all convolutions at half size or below, detail from the image, context from the tokens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import avg_pool3d, conv3d, linear

from napari_scd.model.blocks import BasicBlock, TokenUpBlock, UpBlock
from napari_scd.model.decoder import CoarseFirst, Decoder
from napari_scd.model.kernels import QuickConv3d, QuickConvTranspose3d
from napari_scd.model.rows import as_row, from_row, packed, unpacked
from napari_scd.model.sharpening import (
    HALO,
    NOWHERE,
    corner_weights,
    grown,
    halved,
    sampled,
    sampled_statistics,
    sharpened,
    with_statistics,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.model.decoder import Voxels
    from napari_scd.model.decoder_sizes import DecoderSizes
    from napari_scd.model.sharpening import Box, Decide, Sharpened


class HalfDecoder(Decoder):
    """Ours, for laptops: all convolutions at half size or below, the last factor of two is learned.

    The image enters through a stride-2 convolution that sees every voxel; a transposed convolution (eight
    sub-voxel outputs per class) predicts at full size. About an eighth of the work of a full-size decoder.
    """

    n_maps = 1

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        f, steps = sizes.features, sizes.patch.bit_length() - 2
        self.features = f
        self.image_in = QuickConv3d(sizes.in_channels, f, kernel_size=2, stride=2)
        self.image_block = BasicBlock(f, f)
        self.bottleneck = BasicBlock(sizes.embed_dim, f << steps)
        self.token_ups = nn.ModuleList(
            nn.Sequential(TokenUpBlock(2 * width, width, 0), BasicBlock(width, width))
            for width in (f << step for step in range(steps - 1, 0, -1))
        )
        self.join = UpBlock(2 * f, f)
        self.out = QuickConvTranspose3d(f, sizes.out_channels, kernel_size=2, stride=2)

    def encode_image(self, image: Tensor) -> Tensor:
        """Run the raw-image branch: ``(b, c, z, y, x) -> (b, f, z/2, y/2, x/2)``."""
        features: Tensor = self.image_block(self.image_in(image))
        return features

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map."""
        return doubled(self.out, self.joined(image_features, maps[0]), voxels)

    def joined(self, image_features: Tensor, token_map: Tensor) -> Tensor:
        """Features of blocks from the image branch and the token map: ``(b, f, z/2, y/2, x/2)``."""
        x = self.bottleneck(token_map)
        for up in self.token_ups:
            x = up(x)
        found: Tensor = self.join(x, image_features)
        return found

    def coarse_levels(self) -> list[tuple[nn.Module, int]]:
        """Return the tokens' own level, and each step up but the last, which the image joins."""
        modules = [self.bottleneck, *self.token_ups]
        widths = [self.features << step for step in range(len(modules), 0, -1)]
        return list(zip(modules, widths, strict=True))


class PyramidDecoder(Decoder):
    """Ours: `HalfDecoder` with an image branch at every level between half size and the tokens.

    The tokens are the coarsest level: the image provides detail, the tokens provide context.
    """

    n_maps = 1

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__()
        f, n_levels = sizes.features, sizes.patch.bit_length() - 2
        widths = [f << level for level in range(n_levels + 1)]
        self.widths = tuple(widths)
        self.image_in = QuickConv3d(sizes.in_channels, f, kernel_size=2, stride=2)
        self.levels = nn.ModuleList([BasicBlock(f, f)])
        for finer, width in zip(widths[:-2], widths[1:-1], strict=True):
            self.levels.append(
                nn.Sequential(QuickConv3d(finer, width, kernel_size=2, stride=2), BasicBlock(width, width))
            )
        self.bottleneck = BasicBlock(sizes.embed_dim, widths[-1])
        pairs = zip(widths[:0:-1], widths[-2::-1], strict=True)
        self.ups = nn.ModuleList(UpBlock(coarser, width) for coarser, width in pairs)
        self.out = QuickConvTranspose3d(f, sizes.out_channels, kernel_size=2, stride=2)
        edges = [[edge >> (level + 1) for edge in sizes.roi] for level in range(n_levels)]
        self.shapes = [(*size, width) for width, size in zip(widths, edges, strict=False)]

    def encode_image(self, image: Tensor) -> Tensor:
        """Run the image branch; all levels in one row, finest first: ``(b, c, z, y, x) -> (b, m)``."""
        x = self.image_in(image)
        found = []
        for level in self.levels:
            x = level(x)
            found.append(x)
        return packed(found)

    def for_stem(self, image_features: Tensor) -> Tensor:
        """Return the coarsest level ``(b, width, z, y, x)``."""
        return self.levels_of(image_features)[-1]

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map."""
        x = self.bottleneck(maps[0])
        for up, skip in zip(self.ups, reversed(self.levels_of(image_features)), strict=True):
            x = up(x, skip)
        return doubled(self.out, x, voxels)

    def coarse_levels(self) -> list[tuple[nn.Module, int]]:
        """Return the tokens' own level, and each step up: all are of half size or below."""
        return list(zip([self.bottleneck, *self.ups], self.widths[::-1], strict=False))

    def levels_of(self, image_features: Tensor) -> list[Tensor]:
        """Take the levels that `encode_image` packed out of their row, finest first."""
        return unpacked(image_features, self.shapes)


class SharpDecoder(PyramidDecoder, CoarseFirst):
    """Ours, for windows that hold a whole head: `PyramidDecoder` of the halved image, sharpened at full size.

    The pyramid sees blocks of 2 x 2 x 2 voxels averaged and answers at half size; one thin level takes that
    answer and the image at full size, and says what the eight voxels of each block are. Its output starts as
    the pyramid's answer, so it can start from a network trained at twice the spacing.
    """

    def __init__(self, sizes: DecoderSizes) -> None:
        z, y, x = (edge // 2 for edge in sizes.roi)
        super().__init__(sizes._replace(roi=(z, y, x), patch=sizes.patch // 2))
        f, out = sizes.features, sizes.out_channels
        self.sharp_in = QuickConv3d(sizes.in_channels, f, kernel_size=2, stride=2)
        self.sharp_answer = QuickConv3d(out, f, kernel_size=1)
        self.sharp = BasicBlock(2 * f, f)
        self.sharp_out = QuickConvTranspose3d(f + out, out, kernel_size=2, stride=2)
        self.sharp_shape = (z, y, x, f)
        with torch.no_grad():
            self.sharp_out.weight.zero_()
            self.sharp_out.weight[range(f, f + out), range(out)] = 1
            nn.init.zeros_(self.sharp_out.bias)  # type: ignore[arg-type]

    def encode_image(self, image: Tensor) -> Tensor:
        """Run both image branches; the pyramid's rows come first: ``(b, c, z, y, x) -> (b, m)``."""
        pyramid = super().encode_image(avg_pool3d(image, 2))
        return torch.cat([pyramid, as_row(self.sharp_in(image))], dim=1)

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map."""
        answer, seen = self._answer(image_features, maps)
        detail = self.sharp(self._beside(seen, answer))
        return doubled(self.sharp_out, torch.cat([detail, answer], dim=1), voxels)

    def sharpen(
        self, image_features: Tensor, token_map: Tensor, boxes: Sequence[Box | None]
    ) -> list[Sharpened]:
        """Decode one token map, at full size only where labels meet in each window's box of voxels.

        A box in the middle of a window is looked at with what surrounds it; its norms use statistics sampled
        from the whole window.
        """
        answers, seen = self._answer(image_features, [token_map])
        windows = zip(answers[:, None], seen[:, None], self._deciders(image_features), boxes, strict=True)
        return [self._sharpened(*window) for window in windows]

    def _deciders(self, image_features: Tensor) -> list[Decide]:
        """Return what decides the voxels of each window."""
        weights = corner_weights(self.sharp_out)
        return [lambda rows, _where: linear(rows, *weights)] * len(image_features)

    def _sharpened(self, answer: Tensor, seen: Tensor, decide: Decide, voxels: Box | None) -> Sharpened:
        z, y, x = answer.shape[2:]
        whole: Box = ((0, 0, 0), (z, y, x))
        samples = min(z, y) > 2 * HALO  # else it is too small to be sampled
        box = halved(voxels) if voxels is not None and (samples or voxels == NOWHERE) else whole

        def detail(box: Box) -> Tensor:
            if box == whole:
                everything: Tensor = self.sharp(self._beside(seen, answer))[0]
                return everything
            lines = self._beside(sampled(seen), sampled(answer))
            outer, inner = grown(box, whole[1])
            here: tuple[slice, ...] = (slice(None), slice(None), *outer)
            block = self.sharp.layer
            found = with_statistics(
                block, self._beside(seen[here], answer[here]), sampled_statistics(block, lines)
            )
            return found[0][(slice(None), *inner)]

        return sharpened(answer[0], detail, decide, box)

    def _answer(self, image_features: Tensor, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the pyramid's answer, and what the sharp level sees of the image."""
        n_pyramid, n_sharp = sum(map(math.prod, self.shapes)), math.prod(self.sharp_shape)
        answer = PyramidDecoder.forward(self, image_features[:, :n_pyramid], maps)
        return answer, from_row(image_features[:, n_pyramid : n_pyramid + n_sharp], self.sharp_shape)

    def _beside(self, seen: Tensor, answer: Tensor) -> Tensor:
        return torch.cat([seen, self.sharp_answer(answer)], dim=1)


def doubled(layer: nn.ConvTranspose3d, features: Tensor, voxels: Voxels | None) -> Tensor:
    """Logits at twice the size; of every second voxel along each axis, with an eighth of the work."""
    if voxels is None:
        logits: Tensor = layer(features)
        return logits
    if any(part.step != 2 or part.start not in (0, 1) or part.stop is not None for part in voxels):
        return doubled(layer, features, None)[(..., *voxels)]
    z, y, x = (part.start for part in voxels)
    weight = layer.weight[:, :, z, y, x].T[..., None, None, None]
    return conv3d(features, weight, layer.bias)
