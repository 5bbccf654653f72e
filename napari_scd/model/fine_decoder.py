"""Decoding that is fine only where tokens survive.

A pyramid answers for the whole window at quarter size. Around each surviving token the image at half and full
size is looked at again, and the result is added to the upsampled answer:

    coarse, everywhere      + fine, where tokens survive
    1 1 1 1                   . . . .
    1 1 2 2                   . x x .
    1 2 2 2                   . x . .
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn.functional import interpolate, pad

from napari_scd.model.blocks import BasicBlock
from napari_scd.model.kernels import QuickConv3d, QuickConvTranspose3d
from napari_scd.model.pyramid_decoder import PyramidDecoder
from napari_scd.model.rows import as_row, from_row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.model.decoder import Voxels
    from napari_scd.model.decoder_sizes import DecoderSizes, Size3

_HALO_HALF, _HALO_FULL = 2, 1


class Decoded(NamedTuple):
    """What the decoder returns.

    Attributes
    ----------
    logits : Tensor ``(b, out, z, y, x)``
    coarse : Tensor ``(b, out, z/c, y/c, x/c)``, ``c = config.coarse_vox``
    """

    logits: Tensor
    coarse: Tensor


class FineDecoder(PyramidDecoder):
    """Ours, for `any`: `PyramidDecoder` down to quarter size, and finer where tokens survive.

    Nothing in the fine part is normalised over the window, so a block's answer does not depend on which other
    blocks survive. Its last layer starts at zero: the network starts from the coarse answer.
    """

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__(sizes)
        f, out, n_seen = sizes.features, sizes.out_channels, sizes.in_channels
        self.patch, self.coarse_vox = sizes.patch, sizes.coarse_vox
        self.seen_shape = (*sizes.roi, n_seen)
        wide = f << len(self.levels)
        if sizes.coarse_vox == sizes.patch:
            self.ups, below = nn.ModuleList(), wide
        else:
            self.ups, below = nn.ModuleList(list(self.ups)[:-1]), 2 * f
        self.context = nn.Sequential(
            QuickConv3d(wide // 2, wide, kernel_size=2, stride=2), BasicBlock(wide, wide)
        )
        self.coarse_out = QuickConv3d(below, out, kernel_size=1)
        del self.out
        step = sizes.coarse_vox // 2
        self.coarse_up = QuickConvTranspose3d(below, f, kernel_size=step, stride=step)
        self.half_size = nn.Sequential(
            QuickConv3d(2 * f, 2 * f, kernel_size=3),
            nn.LeakyReLU(0.01),
            QuickConv3d(2 * f, 2 * f, kernel_size=3),
            nn.LeakyReLU(0.01),
            QuickConvTranspose3d(2 * f, f, kernel_size=2, stride=2),
        )
        self.full_size = nn.Sequential(QuickConv3d(n_seen, f, kernel_size=3), nn.LeakyReLU(0.01))
        self.mix = nn.Sequential(QuickConv3d(2 * f, f, kernel_size=1), nn.LeakyReLU(0.01))
        self.refinement = QuickConv3d(f, out, kernel_size=1)
        nn.init.zeros_(self.refinement.weight)
        nn.init.zeros_(self.refinement.bias)  # type: ignore[arg-type]

    def encode_image(self, image: Tensor) -> Tensor:
        """Run the image branch: its rows, then the window as the fine part sees it: ``-> (b, m)``."""
        rows = super().encode_image(image)
        return torch.cat([rows, as_row(image).to(rows.dtype)], dim=1)

    def window(self, image_features: Tensor) -> Tensor:
        """Return what `encode_image` was given, ``(b, c, z, y, x)``."""
        return from_row(image_features[:, -math.prod(self.seen_shape) :], self.seen_shape)

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map, fine everywhere."""
        b, _, z, y, x = maps[0].shape
        every = torch.arange(z * y * x, device=maps[0].device).expand(b, -1)
        return self.decode(image_features, maps[0], every, voxels).logits

    def decode(
        self, image_features: Tensor, token_map: Tensor, kept: Tensor, voxels: Voxels | None = None
    ) -> Decoded:
        """Decode a token map, fine in the blocks `kept` ``(b, k)``."""
        levels = self.levels_of(image_features)
        x = self.bottleneck(token_map) + self.context(levels[-1])
        for up, skip in zip(self.ups, reversed(levels), strict=False):  # none at the size of a token
            x = up(x, skip)
        coarse = self.coarse_out(x).float()
        logits = interpolate(coarse, scale_factor=self.coarse_vox, mode="trilinear", align_corners=False)
        half = torch.cat([levels[0], self.coarse_up(x).to(levels[0].dtype)], dim=1)
        deltas = self._refined(half, self.window(image_features), kept)
        logits = logits + _scattered(deltas.float(), kept, token_map.shape[2:])
        return Decoded(logits if voxels is None else logits[(..., *voxels)], coarse)

    def _refined(self, half: Tensor, full: Tensor, kept: Tensor) -> Tensor:
        at_half = self.half_size(cut_blocks(half, kept, self.patch // 2, _HALO_HALF))
        at_full = self.full_size(cut_blocks(full, kept, self.patch, _HALO_FULL))
        deltas: Tensor = self.refinement(self.mix(torch.cat([at_half, at_full], dim=1)))
        return deltas


def cut_blocks(values: Tensor, blocks: Tensor, edge: int, halo: int) -> Tensor:
    """Cut blocks and what surrounds them out of a map; zeros beyond its border.

    Parameters
    ----------
    values : Tensor ``(b, c, z, y, x)``
        Edges are multiples of `edge`.
    blocks : Tensor ``(b, k)`` int64
        Row-major index of each block.
    edge, halo : int

    Returns
    -------
    Tensor ``(b k, c, e, e, e)``, ``e = edge + 2 halo``, channels side by side in memory
    """
    b, c, *shape = values.shape
    gy, gx = shape[1] // edge, shape[2] // edge
    padded = pad(values, (halo,) * 6)
    _, _, z, y, x = padded.shape
    rows = padded.permute(0, 2, 3, 4, 1).reshape(-1, c)
    bz, by, bx = blocks // (gy * gx), blocks // gx % gy, blocks % gx
    corner = (bz * edge * y + by * edge) * x + bx * edge
    corner = corner + torch.arange(b, device=blocks.device)[:, None] * (z * y * x)
    size = edge + 2 * halo
    step = torch.arange(size, device=blocks.device)
    offset = ((step[:, None, None] * y + step[:, None]) * x + step).flatten()
    index = (corner.flatten()[:, None] + offset).flatten()
    return rows.index_select(0, index).view(-1, size, size, size, c).permute(0, 4, 1, 2, 3)


def _scattered(blocks: Tensor, kept: Tensor, grid: Size3 | torch.Size) -> Tensor:
    """Blocks ``(b k, c, p, p, p)`` at their places in a map of zeros ``(b, c, gz p, gy p, gx p)``."""
    (b, k), (c, p) = kept.shape, blocks.shape[1:3]
    gz, gy, gx = grid
    n = gz * gy * gx
    index = (kept + n * torch.arange(b, device=kept.device)[:, None]).flatten()
    canvas = blocks.new_zeros(b * n, c * p**3).index_copy(0, index, blocks.reshape(b * k, -1))
    return (
        canvas.view(b, gz, gy, gx, c, p, p, p)
        .permute(0, 4, 1, 5, 2, 6, 3, 7)
        .reshape(b, c, gz * p, gy * p, gx * p)
    )
