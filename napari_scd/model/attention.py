"""The pre-norm transformer block of the encoder and of the completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from napari_scd.model.blocks import DropPath
from napari_scd.model.kernels import QuickLinear, chooses

if TYPE_CHECKING:
    from torch import Tensor

LAYER_NORM_EPS = 1e-6
MONAI_NORM_EPS = 1e-5
_STRIPS_FROM = 256
_ALL_BYTES = 2**23  # scores of all heads up to which they are computed at once
_STRIP_BYTES, _STRIP_ROWS = 3 * 2**19, 64


class Attention(nn.Module):
    """Multi-head self-attention over tokens ``(b, n, d)``; qkv rows are ordered (3, heads, head width)."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = QuickLinear(dim, 3 * dim)
        self.proj = QuickLinear(dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Mix tokens: ``(b, n, d) -> (b, n, d)``."""
        query, key, value = self._heads(tokens)
        mixed = attend(query, key, value)
        merged: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return merged

    def class_attention(self, tokens: Tensor) -> Tensor:
        """Attention of the first token (CLS) to the others, head mean: ``(b, n, d) -> (b, n - 1)``."""
        query, key, _ = self._heads(tokens)
        scale = query.shape[-1] ** -0.5
        weights: Tensor = (query[:, :, :1] @ key.transpose(-2, -1) * scale).softmax(dim=-1)
        return weights.mean(dim=1)[:, 0, 1:]

    def _heads(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        b, n, d = tokens.shape
        qkv = self.qkv(tokens).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return qkv[0], qkv[1], qkv[2]


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention, ``(b, heads, n, width)`` each.

    PyTorch's fused kernel multiplies in single precision on CPUs whatever it is given. Where kernels are
    chosen here, half precision is computed head by head and strip by strip of queries instead, small enough
    for the caches: the products take a quarter of the time, and a score is rounded like the queries and keys
    it is made of.
    """
    if query.dtype != torch.bfloat16 or query.shape[2] < _STRIPS_FROM or not chooses(query):
        return scaled_dot_product_attention(query, key, value)
    b, heads, n, width = query.shape
    queries, values = query.reshape(b * heads, n, width), value.reshape(b * heads, n, width)
    keys = key.reshape(b * heads, n, width).transpose(1, 2)
    if 2 * b * heads * n * n <= _ALL_BYTES:
        scores = torch.baddbmm(queries.new_empty(1, 1, 1), queries, keys, beta=0, alpha=width**-0.5)
        return torch.bmm(scores.softmax(dim=-1), values).view(b, heads, n, width)
    mixed = torch.empty_like(queries)
    step = max(_STRIP_BYTES // (2 * n), _STRIP_ROWS)
    nothing = queries.new_empty(1, 1)
    for head in range(b * heads):
        for first in range(0, n, step):
            strip = queries[head, first : first + step]
            scores = torch.addmm(nothing, strip, keys[head], beta=0, alpha=width**-0.5)
            torch.softmax(scores, dim=-1, out=scores)
            torch.mm(scores, values[head], out=mixed[head, first : first + step])
    return mixed.view(b, heads, n, width)


class Mlp(nn.Module):
    """Two linear layers with an exact-erf GELU between, hidden width four times the token width."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = QuickLinear(dim, 4 * dim)
        self.act = nn.GELU()
        self.fc2 = QuickLinear(4 * dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """Transform each token separately: ``(b, n, d) -> (b, n, d)``."""
        out: Tensor = self.fc2(self.act(self.fc1(tokens)))
        return out


class Block(nn.Module):
    """Pre-norm transformer block: attention, then MLP, each added to its input."""

    def __init__(
        self, dim: int, heads: int, drop_path: float = 0.0, norm_eps: float = LAYER_NORM_EPS
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=norm_eps)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=norm_eps)
        self.mlp = Mlp(dim)
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        """``(b, n, d) -> (b, n, d)``."""
        tokens = tokens + self.drop_path(self.attn(self.norm1(tokens)))
        out: Tensor = tokens + self.drop_path(self.mlp(self.norm2(tokens)))
        return out
