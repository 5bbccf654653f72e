"""Soft-topK token pruning and its baselines: the only file that drops tokens (in the paper: STP).

A stage splits the living tokens into survivors and leavers. Both carry their grid positions, so that the
assembly can put a full grid back together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn
from torch.nn.functional import gumbel_softmax, logsigmoid

if TYPE_CHECKING:
    from torch import Tensor

_SETTLED = 1e-6


class TokenGroup(NamedTuple):
    """Tokens that left together (or survived), with their places on the grid.

    Attributes
    ----------
    tokens : Tensor ``(b, m, d)``
    positions : Tensor ``(b, m)`` int64
        Row-major grid index of each token, without CLS.
    """

    tokens: Tensor
    positions: Tensor


class Split(NamedTuple):
    """One stage's decision.

    Attributes
    ----------
    kept, pruned : Tensor ``(b, k)``, ``(b, l - k)`` int64
        Indices into the living tokens, each ascending.
    kept_factor, pruned_factor : Tensor or None
        Straight-through factors of value 1 (training only); shapes of `kept` and `pruned`.
    """

    kept: Tensor
    pruned: Tensor
    kept_factor: Tensor | None = None
    pruned_factor: Tensor | None = None


class Scorer(nn.Module):
    """The lightweight sub-network: rates a token by its own values and by the mean of all living tokens."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.own_width = dim // 2
        self.in_mlp = nn.Sequential(nn.LayerNorm(dim, eps=1e-5), nn.Linear(dim, dim), nn.GELU())
        self.out_mlp = nn.Sequential(
            nn.Linear(dim, dim // 2),
            nn.GELU(),
            nn.Linear(dim // 2, dim // 4),
            nn.GELU(),
            nn.Linear(dim // 4, 1),
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weights that let scores of fresh tokens spread by about 1, as the noise does.

        With the small weights of transformers (0.02) four layers leave scores that differ by 1e-5 and weights
        that get gradients of 1e-12: noise alone would choose the tokens, and nothing would be learned.
        """
        if self.out_mlp[-1].weight.is_meta:  # there is nothing to draw, and it would import torch's compiler
            return
        layers = [layer for layer in (*self.in_mlp, *self.out_mlp) if isinstance(layer, nn.Linear)]
        for layer in layers:
            nn.init.kaiming_normal_(
                layer.weight, nonlinearity="relu" if layer is not layers[-1] else "linear"
            )
            nn.init.zeros_(layer.bias)

    def forward(self, tokens: Tensor, prior: Tensor | None = None) -> Tensor:
        """Log-probability of being worth keeping: ``(b, l, d) -> (b, l)`` float32, values <= 0.

        `prior` ``(b, l)`` is added to the log-odds.
        """
        hidden = self.in_mlp(tokens)
        own, shared = hidden[..., : self.own_width], hidden[..., self.own_width :]
        context = shared.mean(dim=1, keepdim=True).expand(-1, tokens.shape[1], -1)
        logit = self.out_mlp(torch.cat([own, context], dim=-1)).squeeze(-1)
        return logsigmoid(logit.float() if prior is None else logit.float() + prior)


def split_top(scores: Tensor, count: int) -> Split:
    """Keep the `count` best-rated tokens; `scores` is ``(b, l)``."""
    order = scores.topk(scores.shape[1], dim=1).indices
    kept, pruned = order[:, :count], order[:, count:]
    return Split(kept.sort(dim=1).values, pruned.sort(dim=1).values)


def split_soft_top(scores: Tensor, count: int, tau: float = 1.0) -> Split:
    """Soft-topK: perturb the scores, keep the best, let both sides carry gradient.

    The softmax of Gumbel-perturbed scores is the continuous distribution; its top `count` is a hard 0/1 mask.
    The factors are 1 in value; their gradient is that of the distribution for kept and of its complement for
    pruned tokens.
    """
    noise = -torch.empty_like(scores).exponential_().log()
    return split_top_through((scores + noise) / tau, count)


def split_top_through(scores: Tensor, count: int) -> Split:
    """Top-k without perturbation, with the straight-through factors of `split_soft_top`."""
    soft = scores.softmax(dim=1)
    hard = split_top(soft.detach(), count)
    through = soft - soft.detach()
    return hard._replace(
        kept_factor=1 + through.gather(1, hard.kept), pruned_factor=1 - through.gather(1, hard.pruned)
    )


def split_gumbel(scores: Tensor, count: int) -> Split:
    """DynamicViT's choice: each token draws keep or drop by Gumbel-softmax on its own log-odds.

    Token counts must agree within a batch, so drawn tokens come first and scores break the rest; the factors
    are 1 in value and carry the gradient of the draw. `kept_share_loss` drives the share of draws to the
    ratio.
    """
    drop = torch.log1p(-scores.exp().clamp(max=1 - 1e-6))
    draw = gumbel_softmax(torch.stack([scores, drop], dim=-1), hard=True, dim=-1)[..., 0]
    hard = split_top(draw.detach() + scores.detach().exp() * 0.5, count)
    through = draw - draw.detach()
    return hard._replace(
        kept_factor=1 + through.gather(1, hard.kept), pruned_factor=1 - through.gather(1, hard.pruned)
    )


def kept_share_loss(scores: Tensor, keep_ratio: float) -> Tensor:
    """DynamicViT's ratio loss: squared distance of the mean keep probability from `keep_ratio`.

    `scores` is ``(b, l)`` log-probabilities; NaN marks tokens that were already gone.
    """
    alive = ~scores.isnan()
    share = (scores.nan_to_num(0.0).exp() * alive).sum(1) / alive.sum(1)
    return ((share - keep_ratio) ** 2).mean()


def border_loss(scores: Tensor, border: Tensor) -> Tensor:
    """Binary cross-entropy between keep probabilities and which tokens hold a border.

    Parameters
    ----------
    scores : Tensor ``(b, l)``
        Log-probabilities; NaN marks tokens that were already gone.
    border : Tensor ``(b, l)``
        1 where the border of the object runs through the token, else 0.

    Returns
    -------
    Tensor ``()``
        Mean over the tokens whose score is still open; those that a click settles do not count.
    """
    counted = scores < -_SETTLED  # false for NaN
    open_scores = torch.where(counted, scores, -1.0).clamp_min(-20.0)
    target = border.to(open_scores.dtype)
    losses = -(target * open_scores + (1 - target) * torch.log1p(-open_scores.exp()))
    return (losses * counted).sum() / counted.sum().clamp_min(1)


def take(values: Tensor, index: Tensor) -> Tensor:
    """Pick tokens: ``(b, l, ...)`` and ``(b, k)`` -> ``(b, k, ...)``."""
    for _ in range(values.ndim - index.ndim):
        index = index.unsqueeze(-1)
    return values.gather(1, index.expand(*index.shape[:2], *values.shape[2:]))
