"""Networks small enough for seconds: one that thresholds, one real with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from napari_scd.engine import Session
from napari_scd.model import MacsByPart, ModelConfig, Prefix, ScdNetwork, Trace, build_network
from napari_scd.model.keep import count_tokens, keep_per_stage
from napari_scd.volume import LabelTable, Recipe, Volume

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from napari_scd.model import Keep

TINY: dict[str, Any] = {
    "embed_dim": 24,
    "depth": 3,
    "heads": 2,
    "prune_after": (0, 1),
    "prune_ratio": (0.5, 0.5),
    "completion_dim": 12,
    "completion_heads": 2,
    "features": 4,
    "min_tokens": 1,
}


class Thresholds(nn.Module):
    """Stands in for a network: class i + 1 where the image exceeds ``levels[i]``, tokens rated by brightness.

    Everything is a function of the voxels alone, so overlapping windows agree exactly.
    """

    def __init__(
        self,
        levels: Sequence[float] = (0.5,),
        roi: tuple[int, int, int] = (16, 16, 16),
        patch: int = 4,
        in_channels: int = 1,
        activation: str = "softmax",
    ) -> None:
        super().__init__()
        outputs = len(levels) + (activation == "softmax")
        self.config = ModelConfig(roi=roi, patch=patch, in_channels=in_channels, out_channels=outputs, **TINY)
        self.levels = levels
        self.activation = activation
        self.n_prefix = self.n_rest = 0
        self.batches: list[int] = []

    def prefix(self, image: torch.Tensor) -> Prefix:
        assert tuple(image.shape[1:]) == (self.config.in_channels, *self.config.roi)
        self.n_prefix += len(image)
        patch = self.config.patch
        means = torch.nn.functional.avg_pool3d(image[:, :1], patch).flatten(2).transpose(1, 2)
        return Prefix(torch.cat([means[:, :1] * 0, means], dim=1), image)

    def rest(
        self, prefix: Prefix, keep: Keep = None, return_trace: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, Trace]:
        image = prefix.image_features[:, 0]
        self.n_rest += len(image)
        self.batches.append(len(image))
        above = [8 * (image - level) for level in self.levels]
        if self.activation == "softmax":
            above = [torch.zeros_like(image), *(logit * 10**i for i, logit in enumerate(above))]
        logits = torch.stack(above, dim=1)
        means = prefix.tokens[:, 1:, 0]
        exit_stage = 1 + (means > 0.25).long() + (means > 0.75).long()
        scores = torch.stack([-means.abs(), -means.abs() / 2], dim=1)
        scores[:, 1][exit_stage == 1] = torch.nan
        return (logits, Trace(exit_stage, scores, prefix.tokens[:, 1:])) if return_trace else logits

    def keep_per_stage(self, keep: Keep = None) -> tuple[float, ...]:
        return keep_per_stage(keep, self.config.default_keep)

    def token_counts(self, keep: Keep = None) -> tuple[int, ...]:
        return count_tokens(self.config.n_tokens, [1 - ratio for ratio in self.keep_per_stage(keep)])

    def macs(self, keep: Keep = None) -> MacsByPart:
        return MacsByPart(1000 if keep == 1.0 else 600, 100, 300)


def make_thresholder(
    recipe: Recipe | None = None,
    names: Sequence[str] = ("bright",),
    groups: Mapping[str, str] | None = None,
    **sizes: Any,
) -> Session:
    """Session around `Thresholds`; the recipe changes no intensity unless given."""
    recipe = recipe or Recipe("MR", normalisation="none")
    network = Thresholds(activation=recipe.activation, **sizes)
    return Session(cast("ScdNetwork", network), recipe, LabelTable.from_names(names, groups))


def make_network(seed: int = 0, **sizes: Any) -> ScdNetwork:
    torch.manual_seed(seed)
    defaults: dict[str, Any] = {"roi": (16, 16, 16), "patch": 4, "out_channels": 3} | TINY
    return build_network(ModelConfig(**(defaults | sizes))).eval()


@pytest.fixture
def thresholder() -> Callable[..., Session]:
    """Make sessions around a thresholding network."""
    return make_thresholder


@pytest.fixture
def tiny_network() -> Callable[..., ScdNetwork]:
    """Make real networks with random weights."""
    return make_network


@pytest.fixture
def sharp_session() -> Session:
    """Session with a volume of two windows and a network that sharpens, random but seeded."""
    network = make_network(
        patch=8, roi=(16, 16, 24), decoder="sharp", stem="shared", out_channels=3, prune_after=(0, 1)
    )
    sharp_out: Any = network.decoder.sharp_out
    torch.nn.init.normal_(sharp_out.weight, std=0.5)
    session = Session(network, Recipe("MR", normalisation="none"), LabelTable.from_names(("one", "two")))
    array = np.random.default_rng(0).normal(size=(18, 15, 30)).astype(np.float32)
    session.set_volume(Volume(array, np.eye(4)))
    return session
