"""Who chooses the tokens: the learned score, helped by what the prompts say, or a control."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from napari_scd.model.prompt_maps import INCLUDE, token_distances, token_evidence, token_extremes

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model.config import ModelConfig

CHOOSERS = ("learned", "random", "distance")
_CLICK_PRIOR = 40.0
_RANDOM_SEED = 17


class Guide(NamedTuple):
    """What a stage learns from outside the network; `None` = nothing.

    Attributes
    ----------
    prior : Tensor ``(b, n)`` float32 or None
        Added to the log-odds of the learned score.
    rating : Tensor ``(b, n)`` float32 or None
        Replaces the score altogether; values <= 0.
    """

    prior: Tensor | None = None
    rating: Tensor | None = None


class Steering(nn.Module):
    """Log-odds from prompts: near clicks and on the border of the previous mask tokens are worth keeping.

    The weights are learned, from a start that prefers both. Tokens that hold a click get so much that they
    always stay.
    """

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([2.0, 1.0, 2.0, 0.5]))

    def forward(self, window: Tensor, patch: int) -> Tensor:
        """Window ``(b, >= 4, z, y, x)`` -> prior ``(b, n)`` float32."""
        evidence, clicked = token_evidence(window, patch)
        return (evidence * self.weight.float()).sum(dim=-1) + _CLICK_PRIOR * clicked


def control_rating(chooser: str, window: Tensor | None, config: ModelConfig, batch: int) -> Tensor:
    """Rate tokens by a control instead of the network: ``(b, n)`` float32, values <= 0.

    Parameters
    ----------
    chooser : {"random", "distance"}
        One seeded draw for every window, or the distance to the nearest click (without clicks, or in a
        network without prompts, to the centre of the window).
    window : Tensor ``(b, >= 4, z, y, x)`` or None
        With prompts, the window.
    config : ModelConfig
    batch : int
    """
    n = config.n_tokens
    if chooser == "random":
        draw = torch.rand(n, generator=torch.Generator().manual_seed(_RANDOM_SEED))
        return draw.clamp_min(1e-12).log().expand(batch, n)
    axes = [torch.arange(edge, dtype=torch.float32) - (edge - 1) / 2 for edge in config.grid]
    central = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).square().sum(dim=-1).sqrt().flatten()
    if window is None:
        return -central.expand(batch, n)
    highest, _ = token_extremes(window, config.patch)
    clicks = highest[:, INCLUDE:].amax(dim=1, keepdim=True)
    nearest = token_distances(clicks)[:, 0]
    return -torch.where(nearest.isinf(), central.to(nearest.device), nearest)
