"""The paper's decoders, UNETR style: a branch per level, each level doubled and mixed with the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from torch import nn

from napari_scd.model.blocks import BasicBlock, OutBlock, TokenUpBlock, UpBlock
from napari_scd.model.decoder import Decoder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.model.decoder import Voxels
    from napari_scd.model.decoder_sizes import DecoderSizes


class UnetrDecoder(Decoder):
    """What UNETR's decoders have in common: the image branch, the upsampling path, the output layer.

    Parameters
    ----------
    branches : sequence of Module
        Modules that turn token maps into skips, finest first.
    widths : sequence of int
        Channels of the upsampling path, coarsest first.
    """

    pools: ClassVar[bool] = False

    def __init__(self, sizes: DecoderSizes, branches: Sequence[nn.Module], widths: Sequence[int]) -> None:
        super().__init__()
        f = sizes.features
        self.encoder1 = BasicBlock(sizes.in_channels, f)
        for level, branch in enumerate(branches, start=2):
            setattr(self, f"encoder{level}", branch)
        self.n_maps = len(branches) + 1
        channels = sizes.embed_dim
        for level, width in zip(range(len(widths) + 1, 1, -1), widths, strict=True):
            setattr(self, f"decoder{level}", UpBlock(channels, width))
            channels = width
        self.n_ups = len(widths)
        self.widths = tuple(widths)
        self.pool = nn.AvgPool3d(3, stride=2, padding=1) if self.pools else nn.Identity()
        self.out = OutBlock(f, sizes.out_channels)

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

    def __init__(self, sizes: DecoderSizes) -> None:
        d, f = sizes.embed_dim, sizes.features
        branches = [TokenUpBlock(d, 2 * f, 1), TokenUpBlock(d, 4 * f, 0), BasicBlock(d, 8 * f)]
        super().__init__(sizes, branches, [8 * f, 4 * f, 2 * f, f])


class ShallowDecoder8(UnetrDecoder):
    """Patch 8, bottleneck = the token map itself (`UNETRx8_decoder`)."""

    def __init__(self, sizes: DecoderSizes) -> None:
        d, f = sizes.embed_dim, sizes.features
        super().__init__(sizes, [TokenUpBlock(d, 2 * f, 1), TokenUpBlock(d, 4 * f, 0)], [4 * f, 2 * f, f])


class UnetrDecoder16(UnetrDecoder):
    """Patch 16: MONAI's UNETR (`UNETR_decoder`)."""

    def __init__(self, sizes: DecoderSizes) -> None:
        d, f = sizes.embed_dim, sizes.features
        branches = [TokenUpBlock(d, 2 * f, 2), TokenUpBlock(d, 4 * f, 1), TokenUpBlock(d, 8 * f, 0)]
        super().__init__(sizes, branches, [8 * f, 4 * f, 2 * f, f])


class UnetrDecoder4(UnetrDecoder):
    """Patch 4, pooled bottleneck at 1/8 (ours; the reference's patch-4 decoder does not run)."""

    pools = True

    def __init__(self, sizes: DecoderSizes) -> None:
        d, f = sizes.embed_dim, sizes.features
        super().__init__(sizes, [TokenUpBlock(d, 2 * f, 0), BasicBlock(d, 4 * f)], [4 * f, 2 * f, f])
