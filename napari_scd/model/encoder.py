"""Sparse encoding: transformer blocks with pruning stages between them (in the paper: sparse encoding)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from napari_scd.model.attention import LAYER_NORM_EPS, MONAI_NORM_EPS, Block
from napari_scd.model.embedding import build_stem
from napari_scd.model.pruning import (
    Scorer,
    Split,
    TokenGroup,
    split_gumbel,
    split_soft_top,
    split_top,
    split_top_through,
    take,
)
from napari_scd.model.steering import Guide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.model.config import ModelConfig

_UNGUIDED = Guide()


class Encoded(NamedTuple):
    """What the encoder returns.

    Attributes
    ----------
    groups : tuple of TokenGroup
        Tokens that left at stage 1..S, then the survivors: disjoint positions that together cover the grid.
    cls : Tensor ``(b, 1, d)``
        Empty, ``(b, 0, d)``, without a class token.
    scores : tuple of Tensor ``(b, l_s)``
        Score of each token alive at stage s; empty if the stage kept every token and scores were not wanted.
    score_positions : tuple of Tensor ``(b, l_s)``
        Grid index of each score.
    skips : tuple of Tensor ``(b, n, d)``
        Outputs of the blocks listed in `skip_after` (dense baselines only).
    """

    groups: tuple[TokenGroup, ...]
    cls: Tensor
    scores: tuple[Tensor, ...]
    score_positions: tuple[Tensor, ...]
    skips: tuple[Tensor, ...]


class SparseEncoder(nn.Module):
    """ViT that drops tokens after some of its blocks.

    Parameters
    ----------
    config : ModelConfig
    skip_after : sequence of int
        Blocks whose outputs a dense baseline hands to its decoder.
    """

    def __init__(self, config: ModelConfig, skip_after: Sequence[int] = ()) -> None:
        super().__init__()
        dim = config.embed_dim
        self.prune_after = config.prune_after
        self.skip_after = tuple(skip_after)
        self.pruning = config.pruning
        self.n_tokens = config.n_tokens
        self.n_lead = int(config.transformer == "cls")  # class tokens in front
        norm_eps = LAYER_NORM_EPS if self.n_lead else MONAI_NORM_EPS
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim)) if self.n_lead else None
        self.pos_embed = nn.Parameter(torch.zeros(1, self.n_lead + config.n_tokens, dim))
        self.patch_embed = build_stem(config)
        rates = [config.drop_path * index / max(config.depth - 1, 1) for index in range(config.depth)]
        self.blocks = nn.ModuleList(Block(dim, config.heads, rate, norm_eps) for rate in rates)
        self.exit_norms = nn.ModuleList(nn.LayerNorm(dim, eps=LAYER_NORM_EPS) for _ in self.prune_after)
        learned = config.pruning in ("stp", "topk", "gumbel")
        self.scorers = nn.ModuleList(Scorer(dim) for _ in self.prune_after if learned)
        self.norm = nn.LayerNorm(dim, eps=norm_eps)
        if self.cls_token is not None:
            nn.init.trunc_normal_(self.cls_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    @property
    def prefix_depth(self) -> int:
        """Blocks that do not depend on any keep ratio: those before the first stage."""
        if not self.prune_after:
            return 0
        return self.prune_after[0] + (self.pruning != "attention")

    def prefix(self, image: Tensor) -> Tensor:
        """Image (or what the stem takes) ``(b, c, z, y, x)`` -> tokens before the first stage, CLS first."""
        tokens: Tensor = self.patch_embed(image)
        if self.cls_token is not None:
            tokens = torch.cat([self.cls_token.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        tokens = tokens + self.pos_embed
        for block in self.blocks[: self.prefix_depth]:
            tokens = block(tokens)
        return tokens

    def rest(
        self,
        tokens: Tensor,
        counts: Sequence[int],
        *,
        want_scores: bool = False,
        guide: Guide = _UNGUIDED,
    ) -> Encoded:
        """Continue after `prefix`.

        Parameters
        ----------
        tokens : Tensor ``(b, 1 + n, d)``
        counts : sequence of int
            Tokens that stay after each stage; a stage that drops none is skipped.
        want_scores : bool
            Score tokens even at stages that drop none.
        guide : Guide
            What the stages are told about the tokens from outside the network.
        """
        n = self.n_tokens
        positions = torch.arange(n, device=tokens.device).expand(tokens.shape[0], n)
        walk = _Walk(tokens, positions, n, want_scores, guide)
        if self.prune_after and self.prefix_depth > self.prune_after[0]:
            self._prune(walk, 0, counts[0])
        for index in range(self.prefix_depth, len(self.blocks)):
            block: Block = self.blocks[index]  # type: ignore[assignment]
            stage = self.prune_after.index(index) if index in self.prune_after else None
            if stage is not None and self.pruning == "attention":
                walk.rating = block.attn.class_attention(block.norm1(walk.tokens)).float()
            walk.tokens = block(walk.tokens)
            if index in self.skip_after:
                walk.skips.append(walk.tokens[:, self.n_lead :])
            if stage is not None:
                self._prune(walk, stage, counts[stage])
        tokens = self.norm(walk.tokens)
        walk.groups.append(TokenGroup(tokens[:, self.n_lead :], walk.positions))
        return Encoded(
            groups=tuple(walk.groups),
            cls=tokens[:, : self.n_lead],
            scores=tuple(walk.scores),
            score_positions=tuple(walk.score_positions),
            skips=tuple(walk.skips),
        )

    def _prune(self, walk: _Walk, stage: int, count: int) -> None:
        """Let the tokens with the lowest scores leave through the stage's norm; survivors stay in `walk`."""
        living = walk.tokens[:, 1:]
        drops = count < walk.n_living
        if drops or walk.want_scores:
            rating = self._rate(walk, stage, living)
            walk.scores.append(rating)
            walk.score_positions.append(walk.positions)
        if not drops:
            walk.groups.append(TokenGroup(living[:, :0], walk.positions[:, :0]))
            return
        split = self._split(rating, count)
        pruned = _scaled(self.exit_norms[stage](take(living, split.pruned)), split.pruned_factor)
        walk.groups.append(TokenGroup(pruned, take(walk.positions, split.pruned)))
        kept = _scaled(take(living, split.kept), split.kept_factor)
        walk.tokens = torch.cat([walk.tokens[:, :1], kept], dim=1)
        walk.positions = take(walk.positions, split.kept)
        walk.n_living = count

    def _rate(self, walk: _Walk, stage: int, living: Tensor) -> Tensor:
        if walk.guide.rating is not None:
            return take(walk.guide.rating, walk.positions)
        if self.pruning == "attention":
            return walk.rating.clamp_min(1e-12).log()
        if self.pruning == "random":
            return torch.rand(living.shape[:2], device=living.device).log()
        prior = walk.guide.prior
        scores: Tensor = self.scorers[stage](living, None if prior is None else take(prior, walk.positions))
        return scores

    def _split(self, rating: Tensor, count: int) -> Split:
        if self.training and self.pruning == "stp":
            return split_soft_top(rating, count)
        if self.training and self.pruning == "gumbel":
            return split_gumbel(rating, count)
        if self.training and self.pruning == "topk":
            return split_top_through(rating, count)
        return split_top(rating.detach(), count)


@dataclass
class _Walk:
    """Living tokens on their way through the blocks, and what has left so far."""

    tokens: Tensor
    positions: Tensor
    n_living: int
    want_scores: bool
    guide: Guide
    rating: Tensor = field(default_factory=lambda: torch.empty(0))
    groups: list[TokenGroup] = field(default_factory=list)
    scores: list[Tensor] = field(default_factory=list)
    score_positions: list[Tensor] = field(default_factory=list)
    skips: list[Tensor] = field(default_factory=list)


def _scaled(tokens: Tensor, factor: Tensor | None) -> Tensor:
    return tokens if factor is None else tokens * factor[..., None].to(tokens.dtype)
