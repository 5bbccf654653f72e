"""A plane of blocks of 2 x 2 x 2 voxels: sums of coarse answers, and what fine answers add to them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class BlockPlane:
    """One plane of blocks.

    Attributes
    ----------
    sums : Tensor ``(y x, classes)``, and their weights ``(y x,)``
    slots : Tensor ``(y x,)`` int64
        Row of `fine` that belongs to a block; -1 = none.
    fine : Tensor ``(n, 8, classes)`` float16, and their weights ``(n,)``
        Weighted sum of what the fine answers add.
    """

    sums: Tensor
    weights: Tensor
    slots: Tensor
    fine: Tensor
    fine_weights: Tensor

    @classmethod
    def empty(cls, n_blocks: int, n_classes: int) -> BlockPlane:
        """Make a plane without any answers."""
        return cls(
            torch.zeros(n_blocks, n_classes),
            torch.zeros(n_blocks),
            torch.full((n_blocks,), -1),
            torch.empty(0, 8, n_classes, dtype=torch.float16),
            torch.empty(0),
        )

    def sharpen(self, blocks: Tensor, added: Tensor, weights: Tensor) -> None:
        """Add what fine answers add ``(n, 8, classes)``, already weighted; no block comes twice."""
        slots = self.slots[blocks]
        new = slots < 0
        old = ~new
        if old.any():
            self.fine[slots[old]] += added[old].to(self.fine.dtype)
            self.fine_weights[slots[old]] += weights[old]
        n, n_new = len(self.fine), int(new.sum())
        self.slots[blocks[new]] = torch.arange(n, n + n_new)
        self.fine = torch.cat([self.fine, added[new].to(self.fine.dtype)])
        self.fine_weights = torch.cat([self.fine_weights, weights[new]])

    def means(self) -> Tensor:
        """Mean coarse logits ``(y x, classes)``; 0 where there is no window."""
        return self.sums / self.weights.clamp_min(1e-12)[:, None]

    def sharp_blocks(self, means: Tensor) -> tuple[Tensor, Tensor]:
        """Blocks that were sharpened ``(n,)``, and the logits of their voxels ``(n, 8, classes)``."""
        blocks = (self.slots >= 0).nonzero()[:, 0]
        slots = self.slots[blocks]
        added = self.fine[slots].float() / self.fine_weights[slots][:, None, None]
        return blocks, added.add_(means[blocks][:, None])
