"""All sizes of a network in one frozen, checked record."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from napari_scd.errors import InputError
from napari_scd.model.decoder_sizes import DecoderSizes, Size3
from napari_scd.model.decoder_specs import DECODERS, DecoderSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

PRUNINGS = ("none", "random", "attention", "gumbel", "topk", "stp")
COMPLETIONS = ("none", "mta", "mta-plain", "mask", "zero")
STEMS = ("patch", "conv", "shared")
TRANSFORMERS = ("cls", "monai")
N_LIKENESS = 2


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
        How the dense grid comes back: one of ``COMPLETIONS`` ("mta" is the paper's; "mask" fills in one
        learned token; "none" needs no stages; "zero" is the control whose decoder gets zeros for tokens).
    completion_dim, completion_depth, completion_heads : int
        Width, blocks and heads of the completion.
    decoder, features : str, int
        One of ``DECODERS``; channels of its finest level.
    min_tokens : int
        Fewest tokens that stay alive, whatever the keep ratio.
    stem : str
        "patch" = one strided convolution (the paper's), "conv" = a short convolutional stem, "shared" = that
        stem on the image features of the decoder "half", "pyramid", "sharp", "crisp" or "fine", computed once
        for both.
    drop_path : float
        Stochastic depth at the last block during training; grows linearly from 0.
    transformer : str
        "cls" = with a class token (the paper's), "monai" = as in MONAI's ViT: no class token, and an epsilon
        of 1e-5 in its norms; for dense networks, so that a MONAI UNETR gives the same logits.
    prompts : bool
        Whether the channels are image, previous mask, include and exclude map (see `prompt_maps`); prompts
        then steer which tokens stay.
    coarse_vox : int
        Only for decoder "fine": voxels along an edge of a value of the answer that holds where tokens were
        dropped; 4, or the patch, so that a dropped token gets a single value.
    """

    in_channels: int = 1
    out_channels: int = 2
    roi: Size3 = (96, 96, 96)
    patch: int = 8
    embed_dim: int = 192
    depth: int = 8
    heads: int = 6
    prune_after: tuple[int, ...] = (1, 3, 5)
    prune_ratio: tuple[float, ...] = (0.5, 0.5, 0.5)
    pruning: str = "stp"
    completion: str = "mta"
    completion_dim: int = 96
    completion_depth: int = 1
    completion_heads: int = 4
    decoder: str = "half"
    features: int = 16
    min_tokens: int = 8
    stem: str = "conv"
    drop_path: float = 0.0
    transformer: str = "cls"
    prompts: bool = False
    coarse_vox: int = 4

    def __post_init__(self) -> None:
        """Check every limit that an untrusted file could break; raises `InputError`."""
        problem = next(_problems(self), None)
        if problem is not None:
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
    def seen_channels(self) -> int:
        """Channels that stem and decoder see: the input's, and with prompts two maps derived from them."""
        return self.in_channels + (N_LIKENESS if self.prompts else 0)

    @property
    def decoder_spec(self) -> DecoderSpec:
        """What is known about the decoder."""
        return DECODERS[self.decoder]

    @property
    def decoder_sizes(self) -> DecoderSizes:
        """The sizes that the decoder is built from."""
        return DecoderSizes(
            self.seen_channels,
            self.out_channels,
            self.roi,
            self.patch,
            self.embed_dim,
            self.features,
            self.coarse_vox,
        )

    @property
    def shared_stride(self) -> int:
        """Voxels along an edge of what a shared stem sees; the decoder's spec says how many."""
        stride = self.decoder_spec.stem_stride
        return 1 if stride is None else stride(self.patch)

    @property
    def shared_width(self) -> int:
        """Channels of what a shared stem sees: they double at each level below the one with `features`."""
        return self.features * self.shared_stride // self.decoder_spec.finest

    @property
    def default_keep(self) -> tuple[float, ...]:
        """Keep ratio of each stage if none is given."""
        return tuple(round(1.0 - ratio, 12) for ratio in self.prune_ratio)

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
        listed: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        try:
            return cls(**listed)
        except (TypeError, AttributeError) as error:
            raise InputError(f"The network configuration has an entry of the wrong type: {error}.") from error


def _problems(config: ModelConfig) -> Iterator[str]:
    """List what is wrong; each check may rely on those before it."""
    yield from _type_problems(config)
    yield from _choice_problems(config)
    yield from _size_problems(config)
    yield from _combination_problems(config)


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
    "coarse_vox": (4, 32),
}


def _type_problems(c: ModelConfig) -> Iterator[str]:
    for name, (low, high) in _BOUNDS.items():
        value = getattr(c, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            yield f"{name} must be a whole number from {low} to {high}, not {value!r}"
    if c.prompts not in (False, True):
        yield f"prompts must be true or false, not {c.prompts!r}"
    for name in ("roi", "prune_after"):
        value = getattr(c, name)
        if not isinstance(value, tuple) or any(isinstance(v, bool) or not isinstance(v, int) for v in value):
            yield f"{name} must list whole numbers, not {value!r}"
    if not isinstance(c.prune_ratio, tuple) or any(not isinstance(v, int | float) for v in c.prune_ratio):
        yield f"prune_ratio must list numbers, not {c.prune_ratio!r}"
    if not isinstance(c.drop_path, int | float) or not 0 <= c.drop_path < 1:
        yield f"drop_path must lie in [0, 1), not {c.drop_path!r}"


def _choice_problems(c: ModelConfig) -> Iterator[str]:
    choices = {"pruning": PRUNINGS, "completion": COMPLETIONS, "decoder": (*DECODERS,), "stem": STEMS}
    choices["transformer"] = TRANSFORMERS
    for name, allowed in choices.items():
        if getattr(c, name) not in allowed:
            yield f"{name} {getattr(c, name)!r} must be one of {', '.join(allowed)}"


def _size_problems(c: ModelConfig) -> Iterator[str]:
    if len(c.roi) != 3 or any(edge < c.patch or edge % c.patch for edge in c.roi):
        yield f"the window {c.roi} must have three edges that are multiples of the patch {c.patch}"
    if not 2 <= c.n_tokens <= 65536 or math.prod(c.roi) > 2**28:
        yield f"the window {c.roi} must hold 2 to 65536 tokens, not {c.n_tokens}"
    if c.embed_dim % c.heads:
        yield f"embed_dim {c.embed_dim} must be a multiple of its {c.heads} heads"
    if c.embed_dim % 4:
        yield f"embed_dim {c.embed_dim} must be a multiple of 4"
    blocks = c.prune_after
    if list(blocks) != sorted(set(blocks)) or any(not 0 <= block < c.depth for block in blocks):
        yield f"prune_after {blocks} must ascend within the {c.depth} blocks"
    if len(c.prune_ratio) != len(blocks) or any(not 0 <= ratio < 1 for ratio in c.prune_ratio):
        yield f"prune_ratio {c.prune_ratio} must give one share in [0, 1) for each stage"


def _combination_problems(c: ModelConfig) -> Iterator[str]:
    if (c.pruning == "none") != (c.n_stages == 0):
        yield "pruning 'none' and an empty prune_after go together"
    if c.transformer == "monai" and c.completion != "none":
        yield "transformer 'monai' has no class token, so it needs completion 'none'"
    if c.completion == "none" and c.n_stages:
        yield "completion 'none' needs an empty prune_after"
    skips = c.decoder_spec.dense_skips
    if c.completion == "none" and c.depth <= max(skips, default=0):
        yield f"decoder '{c.decoder}' without completion reads blocks {skips}, but depth is {c.depth}"
    if c.completion != "none" and (c.completion_dim % 6 or c.completion_dim % c.completion_heads):
        yield f"completion_dim {c.completion_dim} must be a multiple of 6 and of {c.completion_heads} heads"
    if c.completion == "mta-plain" and c.completion_dim != c.embed_dim:
        yield f"completion 'mta-plain' needs completion_dim {c.completion_dim} to be embed_dim {c.embed_dim}"
    sharing = [name for name, spec in DECODERS.items() if spec.stem_stride is not None]
    if c.stem == "shared" and c.decoder not in sharing:
        yield f"stem 'shared' needs one of the decoders {', '.join(sharing)}, not '{c.decoder}'"
    if c.prompts and (c.decoder != "fine" or c.in_channels != 4):
        yield f"prompts need decoder 'fine' and 4 channels, not '{c.decoder}' and {c.in_channels}"
    if c.decoder == "fine" and c.coarse_vox not in (4, c.patch):
        yield f"coarse_vox must be 4 or the patch {c.patch}, not {c.coarse_vox}"
    if c.patch not in c.decoder_spec.patches:
        yield f"decoder '{c.decoder}' does not fit patch {c.patch}"
    if c.decoder_spec.pools and any(edge % 2 or edge < 4 for edge in c.grid):
        yield f"decoder '{c.decoder}' needs 4, 6, 8 or more tokens along each axis, not {c.grid}"
