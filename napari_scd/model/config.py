"""Every size of a network in one frozen, checked record, and the presets known by name."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from napari_scd.errors import InputError

PRUNINGS = ("none", "random", "attention", "gumbel", "topk", "stp")
COMPLETIONS = ("none", "mta", "mta-plain", "mask", "zero")
DECODERS = ("deep8", "shallow8", "unetr16", "unetr4", "half")
STEMS = ("patch", "conv", "shared")
KEEP_RANGE = (0.05, 1.0)

Size3 = tuple[int, int, int]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a sparse encoding -> token completion -> dense decoding network.

    Parameters
    ----------
    in_channels, out_channels : int
        Image channels; output channels (softmax: with background, sigmoid: without).
    roi : (z, y, x) int
        Window in voxels; every edge a multiple of `patch`.
    patch : int
        Edge of a token in voxels.
    embed_dim, depth, heads : int
        Width, blocks and attention heads of the encoder.
    prune_after : tuple of int
        0-based blocks after which a pruning stage runs, ascending; may be empty.
    prune_ratio : tuple of float
        Share of the living tokens *dropped* at each stage, one per stage. The drop share is stored, not the
        keep share, because ``int(170 * (1 - 0.9))`` is 16 and the reference counts so.
    pruning : str
        Who chooses the tokens: one of ``PRUNINGS`` ("stp" is the paper's).
    completion : str
        How the dense grid comes back: one of ``COMPLETIONS`` ("mta" is the paper's; "none" needs no stages; "zero" is the
        control whose decoder gets zeros for tokens).
    completion_dim, completion_depth, completion_heads : int
        Width, blocks and heads of the completion.
    decoder, features : str, int
        One of ``DECODERS``; channels of its finest level.
    min_tokens : int
        Tokens that stay alive whatever the keep ratio.
    stem : str
        "patch" = one strided convolution (the paper's), "conv" = a short convolutional stem, "shared" = that
        stem on the half-size image features of the decoder "half", computed once for both.
    drop_path : float
        Stochastic depth at the last block during training; grows linearly from 0.
    """

    in_channels: int = 1
    out_channels: int = 2
    roi: Size3 = (96, 96, 96)
    patch: int = 8
    embed_dim: int = 192
    depth: int = 12
    heads: int = 6
    prune_after: tuple[int, ...] = (0, 3, 6)
    prune_ratio: tuple[float, ...] = (0.5, 0.5, 0.5)
    pruning: str = "stp"
    completion: str = "mta"
    completion_dim: int = 96
    completion_depth: int = 1
    completion_heads: int = 4
    decoder: str = "half"
    features: int = 16
    min_tokens: int = 8
    stem: str = "shared"
    drop_path: float = 0.0

    def __post_init__(self) -> None:
        """Check every bound that a stranger's file could break; raises `InputError`."""
        for problem in _problems(self):
            raise InputError(f"This network configuration cannot be built: {problem}.")

    @property
    def grid(self) -> Size3:
        """Tokens along (z, y, x)."""
        z, y, x = (edge // self.patch for edge in self.roi)
        return z, y, x

    @property
    def n_tokens(self) -> int:
        """Tokens in a window."""
        return math.prod(self.grid)

    @property
    def n_stages(self) -> int:
        """Pruning stages."""
        return len(self.prune_after)

    @property
    def default_keep(self) -> tuple[float, ...]:
        """Keep ratio of each stage when none is asked for."""
        return tuple(1.0 - ratio for ratio in self.prune_ratio)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ModelConfig:
        """Read a `to_dict` copy; raises `InputError` naming the first unknown or ill-typed entry."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(f"The network configuration has an unknown entry '{unknown[0]}'.")
        listed = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
        try:
            return cls(**listed)
        except (TypeError, AttributeError) as error:
            raise InputError(f"The network configuration has an entry of the wrong type: {error}.") from error


def _problems(config: ModelConfig) -> list[str]:
    found = _type_problems(config)
    if found:
        return found
    c = config
    if len(c.roi) != 3 or any(edge < c.patch or edge % c.patch for edge in c.roi):
        found.append(f"the window {c.roi} must have three edges that are multiples of the patch {c.patch}")
    elif c.n_tokens > 65536 or math.prod(c.roi) > 2**28:
        found.append(f"the window {c.roi} is too large ({c.n_tokens} tokens)")
    if c.embed_dim % c.heads:
        found.append(f"the width {c.embed_dim} must be a multiple of its {c.heads} heads")
    if c.embed_dim % 4:
        found.append(f"the width {c.embed_dim} must be a multiple of 4")
    if list(c.prune_after) != sorted(set(c.prune_after)) or any(
        not 0 <= block < c.depth for block in c.prune_after
    ):
        found.append(f"prune_after {c.prune_after} must ascend within the {c.depth} blocks")
    if len(c.prune_ratio) != len(c.prune_after) or any(not 0 <= ratio < 1 for ratio in c.prune_ratio):
        found.append(f"prune_ratio {c.prune_ratio} must give one share in [0, 1) for each stage")
    choices = {"pruning": PRUNINGS, "completion": COMPLETIONS, "decoder": DECODERS, "stem": STEMS}
    for name, allowed in choices.items():
        if getattr(c, name) not in allowed:
            found.append(f"{name} '{getattr(c, name)}' is none of {', '.join(allowed)}")
    if found:
        return found
    if (c.pruning == "none") != (c.n_stages == 0):
        found.append("pruning 'none' and an empty prune_after go together")
    if c.completion == "none" and c.n_stages:
        found.append("completion 'none' needs an empty prune_after")
    if c.completion != "none" and (c.completion_dim % 6 or c.completion_dim % c.completion_heads):
        found.append(f"completion_dim {c.completion_dim} must be a multiple of 6 and of its heads")
    if c.completion == "mta-plain" and c.completion_dim != c.embed_dim:
        found.append("completion 'mta-plain' needs completion_dim equal to embed_dim")
    if c.stem == "shared" and c.decoder != "half":
        found.append("stem 'shared' needs decoder 'half'")
    needed = {"deep8": 8, "shallow8": 8, "unetr16": 16, "unetr4": 4}.get(c.decoder, c.patch)
    if c.patch != needed or c.patch not in (4, 8, 16):
        found.append(f"decoder '{c.decoder}' does not fit patch {c.patch}")
    if c.decoder in ("deep8", "unetr4") and any(edge % 2 for edge in c.grid):
        found.append(f"decoder '{c.decoder}' needs an even number of tokens along each axis, not {c.grid}")
    return found


_BOUNDS = {
    "in_channels": (1, 64),
    "out_channels": (1, 1024),
    "patch": (2, 32),
    "embed_dim": (8, 4096),
    "depth": (1, 64),
    "heads": (1, 64),
    "completion_dim": (6, 4096),
    "completion_depth": (0, 16),
    "completion_heads": (1, 64),
    "features": (1, 256),
    "min_tokens": (1, 65536),
}


def _type_problems(config: ModelConfig) -> list[str]:
    for name, (low, high) in _BOUNDS.items():
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            return [f"{name} must be a whole number from {low} to {high}, not {value!r}"]
    for name in ("roi", "prune_after"):
        value = getattr(config, name)
        if not isinstance(value, tuple) or any(isinstance(v, bool) or not isinstance(v, int) for v in value):
            return [f"{name} must list whole numbers, not {value!r}"]
    ratios = config.prune_ratio
    if not isinstance(ratios, tuple) or any(not isinstance(v, int | float) for v in ratios):
        return [f"prune_ratio must list numbers, not {ratios!r}"]
    if not isinstance(config.drop_path, int | float) or not 0 <= config.drop_path < 1:
        return [f"drop_path must lie in [0, 1), not {config.drop_path!r}"]
    return []


_VIT_B = {"embed_dim": 768, "depth": 12, "heads": 12, "decoder": "deep8", "features": 16, "min_tokens": 1, "stem": "patch"}
_PAPER_COMPLETION = {"completion_dim": 768, "completion_depth": 1, "completion_heads": 12}


def _paper(ratio: float, **sizes: Any) -> ModelConfig:
    stages = (2, 5, 8)
    return ModelConfig(
        prune_after=stages, prune_ratio=(ratio,) * len(stages), **_VIT_B, **_PAPER_COMPLETION, **sizes
    )


def _dense(config: ModelConfig) -> ModelConfig:
    return replace(config, prune_after=(), prune_ratio=(), pruning="none", completion="none")


_BTCV = _paper(0.90, out_channels=14, roi=(96, 96, 96), drop_path=0.1)
_BRATS = _paper(0.75, in_channels=4, out_channels=3, roi=(128, 128, 128))

PRESETS: dict[str, ModelConfig] = {
    "paper-btcv": _BTCV,
    "paper-btcv-dense": _dense(_BTCV),
    "paper-brats": _BRATS,
    "paper-brats-dense": _dense(_BRATS),
    "house-8": ModelConfig(roi=(96, 96, 96), patch=8),
    "house-4": ModelConfig(roi=(32, 48, 32), patch=4),
}
