"""What a run knows besides its weights, in one place: what is saved, what is restored, where it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class TrainerState:
    """Counters, losses and the best validation so far.

    Every entry is saved and restored; a new one only needs a default, which is also what states written
    before it existed get.

    Attributes
    ----------
    step : int
        Steps made.
    seconds : float
        Of training, over all starts.
    loss : float
        Mean of the last report, NaN before the first.
    recent : list of Tensor
        Losses since then, on the device, so that no step waits for them.
    validation : dict of str to float
        Mean Dice by keep ratio ("dice@0.5") of the last validation.
    validated_at : int
        Its step.
    best : float
        Highest validation score so far.
    best_step : int
        Step of `best`.
    best_validation : dict of str to float
    best_weights : dict of str to Tensor or None
        On the CPU.
    """

    step: int = 0
    seconds: float = 0.0
    loss: float = math.nan
    recent: list[Tensor] = field(default_factory=list)
    validation: dict[str, float] = field(default_factory=dict)
    validated_at: int = 0
    best: float = -math.inf
    best_step: int = 0
    best_validation: dict[str, float] = field(default_factory=dict)
    best_weights: dict[str, Tensor] | None = None

    def to_saved(self) -> dict[str, Any]:
        """Return plain values and tensors of the CPU, for a file.

        Examples
        --------
        >>> state = TrainerState(step=3, recent=[torch.tensor(0.5)])
        >>> state.to_saved()["recent"]
        [0.5]
        >>> TrainerState.from_saved(state.to_saved(), torch.device("cpu")).step
        3
        """
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**values, "recent": torch.stack(self.recent).tolist() if self.recent else []}

    @classmethod
    def from_saved(cls, values: dict[str, Any], device: torch.device) -> TrainerState:
        """Restore what `to_saved` returned; entries that are missing get their defaults."""
        known = {item.name: values[item.name] for item in fields(cls) if item.name in values}
        recent = torch.tensor(known.pop("recent", []), device=device)
        return cls(**known, recent=list(recent))
