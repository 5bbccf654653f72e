"""Token completion: puts the tokens of all exits back into one dense grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from napari_scd.model.attention import LAYER_NORM_EPS, Block
from napari_scd.model.embedding import sincos_positions

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model.config import ModelConfig
    from napari_scd.model.encoder import Encoded


class TokenAssembly(nn.Module):
    """Multi-layer Token Assembly (MTA): project, mark the layer, restore grid order, mix, project back.

    With ``completion == "mta-plain"`` the linear layers on both ends are left out.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, width = config.embed_dim, config.completion_dim
        n_groups, plain = config.n_stages + 1, config.completion == "mta-plain"
        self.projections = nn.ModuleList(
            nn.Identity() if plain else nn.Linear(dim, width) for _ in range(n_groups)
        )
        marks = [nn.Parameter(torch.zeros(1, 1, width)) for _ in range(n_groups)]
        self.layer_embeddings = nn.ParameterList(marks)
        self.mixer = _Mixer(config, nn.Identity() if plain else nn.Linear(width, dim))
        for embedding in self.layer_embeddings:
            nn.init.trunc_normal_(embedding, std=0.02)

    def forward(self, encoded: Encoded) -> Tensor:
        """Put all groups of the encoder together: completed tokens in grid order ``(b, n, d)``."""
        last = len(encoded.groups) - 1
        filled: list[Tensor] = []
        cls: Tensor | None = None
        for index, group in enumerate(encoded.groups):
            project, mark = self.projections[index], self.layer_embeddings[index]
            filled.append(project(group.tokens) + mark)
            if index == last:
                cls = project(encoded.cls) + mark
        assert cls is not None  # the survivors' group always exists
        positions = torch.cat([group.positions for group in encoded.groups], dim=1)
        completed: Tensor = self.mixer(cls, _in_grid_order(torch.cat(filled, dim=1), positions))
        return completed


class MaskTokenCompletion(nn.Module):
    """MIM-style baseline: survivors only; all other positions get one shared learned token."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, width = config.embed_dim, config.completion_dim
        self.in_norm = nn.LayerNorm(dim, eps=LAYER_NORM_EPS)
        self.in_linear = nn.Linear(dim, width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.mixer = _Mixer(config, nn.Linear(width, dim))
        nn.init.trunc_normal_(self.mask_token, std=0.02)

    def forward(self, encoded: Encoded) -> Tensor:
        """Fill the grid around the survivors: completed tokens in grid order ``(b, n, d)``."""
        survivors = encoded.groups[-1]
        tokens = self.in_linear(self.in_norm(torch.cat([encoded.cls, survivors.tokens], dim=1)))
        n = self.mixer.n_tokens
        grid = self.mask_token.to(tokens.dtype).expand(tokens.shape[0], n, -1)
        index = survivors.positions[..., None].expand(-1, -1, tokens.shape[-1])
        completed: Tensor = self.mixer(tokens[:, :1], grid.scatter(1, index, tokens[:, 1:]))
        return completed


class ZeroCompletion(nn.Module):
    """The control: the decoder gets zeros, which shows what the tokens add."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.n_tokens = config.n_tokens

    def forward(self, encoded: Encoded) -> Tensor:
        """Return zeros ``(b, n, d)``, whatever the encoder found."""
        cls = encoded.cls
        return cls.new_zeros(cls.shape[0], self.n_tokens, cls.shape[-1])


class _Mixer(nn.Module):
    """What both completions share: fixed positions, blocks, norm, projection to the encoder's width."""

    positions: Tensor

    def __init__(self, config: ModelConfig, out_linear: nn.Module) -> None:
        super().__init__()
        width = config.completion_dim
        self.n_tokens = config.n_tokens
        self.register_buffer("positions", sincos_positions(config.grid, width), persistent=False)
        self.blocks = nn.ModuleList(
            Block(width, config.completion_heads) for _ in range(config.completion_depth)
        )
        self.out_norm = nn.LayerNorm(width, eps=LAYER_NORM_EPS)
        self.out_linear = out_linear

    def forward(self, cls: Tensor, grid: Tensor) -> Tensor:
        tokens = torch.cat([cls, grid], dim=1) + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        completed: Tensor = self.out_linear(self.out_norm(tokens))[:, 1:]
        return completed


def _in_grid_order(tokens: Tensor, positions: Tensor) -> Tensor:
    """Inverse permutation: token i goes to ``positions[i]``; ``(b, n, d)`` and ``(b, n)``."""
    index = positions[..., None].expand_as(tokens)
    return torch.empty_like(tokens).scatter(1, index, tokens)
