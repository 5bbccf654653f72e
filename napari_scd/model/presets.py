"""The networks known by name: the paper's, their dense baselines, and ours."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_scd.model.config import ModelConfig

if TYPE_CHECKING:
    from napari_scd.model.decoder_sizes import Size3


def _paper(in_channels: int, out_channels: int, roi: Size3, prune_ratio: float) -> ModelConfig:
    """ViT-B on patches of 8 with three stages, MTA and the deep decoder."""
    return ModelConfig(
        in_channels=in_channels,
        out_channels=out_channels,
        roi=roi,
        patch=8,
        embed_dim=768,
        depth=12,
        heads=12,
        prune_after=(2, 5, 8),
        prune_ratio=(prune_ratio,) * 3,
        completion_dim=768,
        completion_depth=1,
        completion_heads=12,
        decoder="deep8",
        features=16,
        min_tokens=1,
        stem="patch",
    )


def _dense(config: ModelConfig) -> ModelConfig:
    """UNETR with the same patches: no stages, no completion (the baseline of the paper's speed-ups)."""
    return replace(config, prune_after=(), prune_ratio=(), pruning="none", completion="none")


_BTCV = replace(_paper(1, 14, (96, 96, 96), 0.90), drop_path=0.1)
_BRATS = _paper(4, 3, (128, 128, 128), 0.75)
_HOUSE_SHARP = ModelConfig(
    roi=(96, 96, 96), patch=16, depth=12, prune_after=(0, 3, 6), decoder="sharp", stem="shared"
)
_HOUSE_HALF = ModelConfig(roi=(96, 96, 96), patch=8, depth=12, prune_after=(0, 3, 6))

PRESETS: dict[str, ModelConfig] = {
    "paper-btcv": _BTCV,
    "paper-btcv-dense": _dense(_BTCV),
    "paper-brats": _BRATS,
    "paper-brats-dense": _dense(_BRATS),
    "house-12": ModelConfig(
        roi=(96, 96, 96), patch=8, depth=12, prune_after=(0, 3, 6), decoder="pyramid", stem="shared"
    ),
    "house-12-sharp": _HOUSE_SHARP,
    "house-12-crisp": replace(_HOUSE_SHARP, decoder="crisp"),
    "house-12-half": _HOUSE_HALF,
    "house-12-half-crisp": replace(_HOUSE_HALF, decoder="half-crisp"),
    "house-8": ModelConfig(roi=(96, 96, 96), patch=8),
    "house-4": ModelConfig(roi=(32, 48, 32), patch=4),
    "any": ModelConfig(
        in_channels=4,
        out_channels=1,
        roi=(64, 64, 64),
        patch=8,
        depth=8,
        prune_after=(1,),
        prune_ratio=(0.75,),
        decoder="fine",
        prompts=True,
        coarse_vox=8,
    ),
}
