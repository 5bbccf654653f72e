"""The sizes that a decoder is built from."""

from __future__ import annotations

from typing import NamedTuple

Size3 = tuple[int, int, int]


class DecoderSizes(NamedTuple):
    """The part of a `ModelConfig` that decoders know.

    Attributes
    ----------
    in_channels, out_channels : int
        Channels of the image as the decoder sees it; output channels.
    roi : (z, y, x) int
        Window in voxels.
    patch : int
        Edge of a token in voxels.
    embed_dim : int
        Width of a token.
    features : int
        Channels of the finest level.
    coarse_vox : int
        Voxels along an edge of a value of the coarse answer, for decoders that have one.
    """

    in_channels: int
    out_channels: int
    roi: Size3
    patch: int
    embed_dim: int
    features: int
    coarse_vox: int = 4
