"""What the network hands on: the part that no keep ratio changes, and what became of each token."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model.config import ModelConfig
    from napari_scd.model.encoder import Encoded


class Prefix(NamedTuple):
    """Everything that does not depend on the keep ratio: computed once, used for many answers.

    Attributes
    ----------
    tokens : Tensor ``(b, 1 + n, d)``
        CLS first, as they reach the first stage.
    image_features : Tensor ``(b, ...)``
        The decoder's raw-image branch.
    """

    tokens: Tensor
    image_features: Tensor


class Trace(NamedTuple):
    """What the network did with each token; tokens are row-major over ``config.grid``.

    Attributes
    ----------
    exit_stage : Tensor ``(b, n)`` int64
        1..S = left at that stage, S + 1 = survived.
    scores : Tensor ``(b, S, n)`` float32
        Log-probability of being kept (<= 0) at each stage; NaN where the token was already gone.
    completed : Tensor ``(b, n, d)``
        Tokens after completion.
    coarse : Tensor ``(b, out, z/c, y/c, x/c)`` or None
        Logits before refinement, where the decoder refines only some blocks; ``c = config.coarse_vox``.
    """

    exit_stage: Tensor
    scores: Tensor
    completed: Tensor
    coarse: Tensor | None = None


def trace_of(encoded: Encoded, completed: Tensor, config: ModelConfig) -> Trace:
    """Collect what the encoder did with each token, and `completed` ``(b, n, d)``."""
    b, n = completed.shape[:2]
    exit_stage = torch.zeros(b, n, dtype=torch.int64, device=completed.device)
    for stage, group in enumerate(encoded.groups, start=1):
        exit_stage.scatter_(1, group.positions, stage)
    scores = torch.full((b, config.n_stages, n), torch.nan, device=completed.device)
    for stage, (score, positions) in enumerate(zip(encoded.scores, encoded.score_positions, strict=True)):
        scores[:, stage].scatter_(1, positions, score.float())
    return Trace(exit_stage, scores, completed)
