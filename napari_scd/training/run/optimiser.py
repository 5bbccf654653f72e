"""AdamW's parameter groups and the learning-rate schedule."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import nn

    from napari_scd.training.config import TrainConfig

_EMBEDDINGS = ("pos_embed", "cls_token", "layer_embeddings", "mask_token")
_FIRST = re.compile(r"encoder\.(pos_embed|cls_token|patch_embed)")
_BLOCK = re.compile(r"encoder\.blocks\.(\d+)\.")


def make_optimiser(module: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """Return AdamW with weight decay for matrices and kernels, and layer decay over the encoder if any."""
    if config.layer_decay == 1.0:
        groups = _parameter_groups(module, config.weight_decay)
    else:
        groups = _layered_groups(module, config)
    return torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.95), fused=True)


def set_rate(optimiser: torch.optim.Optimizer, config: TrainConfig, step: int) -> float:
    """Set every group's learning rate for a step; returns the unscaled one."""
    rate = config.lr * schedule(step, config.steps, config.warmup)
    for group in optimiser.param_groups:
        group["lr"] = rate * group.get("rate_factor", 1.0)
    return rate


def schedule(step: int, steps: int, warmup: int) -> float:
    """Linear warm-up, then half a cosine to zero."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(steps - warmup, 1)))


def _parameter_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in module.named_parameters():
        (free if _is_free(name, parameter) else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def _layered_groups(module: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    """Group by depth: the embedding learns slowest, everything after the encoder at the full rate."""
    groups: dict[tuple[int, bool], dict[str, Any]] = {}
    top = config.model.depth + 1
    for name, parameter in module.named_parameters():
        block = _BLOCK.search(name)
        layer = 0 if _FIRST.search(name) else int(block.group(1)) + 1 if block else top
        free = _is_free(name, parameter)
        blank = {
            "params": [],
            "weight_decay": 0.0 if free else config.weight_decay,
            "rate_factor": config.layer_decay ** (top - layer),
        }
        groups.setdefault((layer, free), blank)["params"].append(parameter)
    return [groups[key] for key in sorted(groups)]


def _is_free(name: str, parameter: nn.Parameter) -> bool:
    return parameter.ndim < 2 or any(part in name for part in _EMBEDDINGS)
