"""A network so small that building and running it costs nothing."""

from __future__ import annotations

from dataclasses import replace

from napari_scd.model import ModelConfig

TINY = ModelConfig(
    out_channels=3,
    roi=(16, 16, 16),
    patch=4,
    embed_dim=12,
    depth=3,
    heads=2,
    prune_after=(0, 1),
    prune_ratio=(0.5, 0.5),
    completion_dim=12,
    completion_heads=2,
    decoder="unetr4",
    stem="patch",
    features=2,
    min_tokens=2,
)
TINY_WIDE = replace(TINY, embed_dim=24, decoder=ModelConfig.decoder, min_tokens=4)
