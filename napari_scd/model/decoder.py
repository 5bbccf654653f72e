"""Dense decoding: the completed token map back to voxels, UNETR style (in the paper: dense decoding).

Every decoder has two entry points: `encode_image` (what it computes from the image alone) and
`forward` (that plus token maps). ``n_maps`` token maps go in, finest branch first, bottleneck last; the SCD
network hands the same completed map to all of them, a dense baseline different layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.model.sharpening import Box, Sharpened

Voxels = tuple[slice, slice, slice]


class Decoder(nn.Module, ABC):
    """What the network needs from a decoder."""

    n_maps: int

    @abstractmethod
    def encode_image(self, image: Tensor) -> Tensor:
        """Compute what the decoder needs from the image ``(b, c, z, y, x)`` alone, without tokens."""

    def for_stem(self, image_features: Tensor) -> Tensor:
        """Pick the part of `encode_image`'s result that a shared stem turns into tokens."""
        return image_features

    @abstractmethod
    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Image features and `n_maps` token maps ``(b, d, gz, gy, gx)`` -> logits ``(b, out, z, y, x)``.

        With `voxels`, the logits of those voxels alone, for a loss on a part of them.
        """

    def coarse_levels(self) -> list[tuple[nn.Module, int]]:
        """Modules on the way up that yield coarser maps, coarsest first, each with its channels.

        Deep supervision learns from them.
        """
        return []


class CoarseFirst(Decoder):
    """A decoder that first answers for blocks of 2 x 2 x 2 voxels, then for voxels where labels meet."""

    @abstractmethod
    def sharpen(
        self, image_features: Tensor, token_map: Tensor, boxes: Sequence[Box | None]
    ) -> list[Sharpened]:
        """Decode one token map ``(b, d, gz, gy, gx)``, voxel by voxel only where labels meet.

        `boxes` gives for each window the voxels that may be sharpened, low and high (exclusive); None = all.
        """
