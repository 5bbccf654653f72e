"""What is compared: ways to choose tokens and ways to bring the dense grid back, all else being equal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from napari_scd.errors import InputError
from napari_scd.model import build_network
from napari_scd.training import Initial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.training import TrainConfig

KEEPS = (1.0, 0.5, 0.25, 0.1)
COMMON_START = "the start of all variants"


class Variant(NamedTuple):
    """One network of the grid.

    Attributes
    ----------
    name : str
    pruning, completion : str
        As `ModelConfig` takes them.
    about : str
        Where the idea comes from.
    """

    name: str
    pruning: str
    completion: str
    about: str

    @property
    def elastic(self) -> bool:
        """Whether a keep ratio changes what it does."""
        return self.pruning != "none" and self.completion != "zero"


VARIANTS = (
    Variant("dense", "none", "mta", "no token is dropped"),
    Variant("random+mta", "random", "mta", "tokens drawn at random, assembled"),
    Variant("attention+mta", "attention", "mta", "EViT's choice, assembled"),
    Variant("gumbel+mta", "gumbel", "mta", "DynamicViT's choice, assembled"),
    Variant("topk+mta", "topk", "mta", "the paper's scorer without perturbation, assembled"),
    Variant("stp+mta", "stp", "mta", "the paper: soft top-k, multi-layer token assembly"),
    Variant("stp+mask", "stp", "mask", "soft top-k, dropped places filled with one learned token (MIM)"),
    Variant("random+mask", "random", "mask", "tokens drawn at random, filled with one learned token (MIM)"),
    Variant("control", "stp", "zero", "the decoder gets zeros for tokens"),
)


def chosen_variants(names: Sequence[str] = ()) -> tuple[Variant, ...]:
    """Variants by name, in the order of `VARIANTS`; all when none is named.

    Raises
    ------
    InputError
        For an unknown name.
    """
    known = {variant.name: variant for variant in VARIANTS}
    for name in names:
        if name not in known:
            raise InputError(f"There is no variant '{name}': choose some of {', '.join(known)}.")
    return tuple(variant for variant in VARIANTS if not names or variant.name in names)


def configured(config: TrainConfig, variant: Variant, seed: int, keeps: Sequence[float]) -> TrainConfig:
    """Return the run of a variant: same sizes, data and steps; measured once, at the end, at `keeps`."""
    sizes: dict[str, Any] = {"prune_after": (), "prune_ratio": ()} if variant.pruning == "none" else {}
    model = replace(config.model, pruning=variant.pruning, completion=variant.completion, **sizes)
    return replace(
        config,
        name=f"{variant.name.replace('+', '-')}-seed{seed}",
        model=model,
        seed=seed,
        validate_every=config.steps,
        validate_keep=tuple(keeps) if variant.elastic else (1.0,),
    )


def common_start(config: TrainConfig, seed: int) -> Initial:
    """Weights that every variant of a seed starts from, as far as it has them.

    Scorers and completions differ in how many numbers they draw, so without this their encoders and
    decoders would start from different weights, which matters more to small networks than any pruning.
    """
    plain = replace(config.model, pruning="random", completion="mta")
    torch.manual_seed(seed)
    return Initial(COMMON_START, build_network(plain).state_dict(), plain)
