"""Dice on fixed windows of the held-back cases, at several keep ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.metrics import DiceMetric
from monai.networks.utils import one_hot

from napari_scd.training.warp import Warp, WarpRange, random_warp
from napari_scd.volume import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lightning_fabric import Fabric
    from torch import Tensor, nn

    from napari_scd.training.config import TrainConfig
    from napari_scd.training.data import Case


def validate(network: nn.Module, cases: Sequence[Case], config: TrainConfig, fabric: Fabric) -> dict[str, float]:
    """Mean Dice over structures at each of ``config.validate_keep``; keys are ``"dice@0.5"``.

    Each case contributes windows that tile it without overlap. A progress figure for the run: what is
    published comes from ``napari-scd evaluate``, which goes through the engine.
    """
    network.eval()
    results: dict[str, float] = {}
    windows = [window for case in cases for window in _tiles(case, config)]
    for keep in config.validate_keep:
        metric = DiceMetric(include_background=False, reduction="mean", num_classes=config.model.out_channels)
        for image, label in windows:
            with torch.inference_mode(), fabric.autocast():
                logits: Tensor = network(image[None].to(fabric.device), keep)
            chosen = logits.argmax(dim=1, keepdim=True)
            classes = config.model.out_channels
            metric(one_hot(chosen, classes), one_hot(label[None].to(fabric.device), classes))
        results[f"dice@{keep:g}"] = float(metric.aggregate())
    network.train()
    return results


def _tiles(case: Case, config: TrainConfig) -> list[tuple[Tensor, Tensor]]:
    roi = config.model.roi
    size = case.label.shape[1:]
    still = WarpRange(rotate_deg=0, scale=0, shear=0, bend_vox=0)
    generator = torch.Generator()
    windows = []
    for z in _centres(size[0], roi[0]):
        for y in _centres(size[1], roi[1]):
            for x in _centres(size[2], roi[2]):
                centre = torch.tensor([z, y, x], device=case.image.device)
                warp: Warp = random_warp(centre, tuple(size), roi, still, generator)
                image, label = warp.sample(case.image), warp.sample(case.label, nearest=True).to(torch.uint8)
                if not label.any():
                    continue
                if config.recipe.normalise_over == "window":
                    image = torch.from_numpy(normalise(image.cpu().numpy(), config.recipe)).to(image.device)
                windows.append((image, label))
    return windows


def _centres(size: int, roi: int) -> list[float]:
    """Window centres along one axis, on whole voxels."""
    count = max(1, -(-size // roi))
    if count == 1:
        return [size // 2 - 0.5 if roi % 2 == 0 else size // 2]
    return [float(round(k * (size - roi) / (count - 1)) + (roi - 1) / 2) for k in range(count)]
