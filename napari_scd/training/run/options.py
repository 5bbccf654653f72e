"""How a run is started, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from napari_scd.training.run.initial import Initial


@dataclass(frozen=True)
class RunOptions:
    """What may change between two starts of the same run.

    Parameters
    ----------
    out : Path
        Folder of the run: log, checkpoint, exported model.
    device, precision : str
        "auto", "cpu", "cuda", "mps"; "auto", "float32", "bfloat16" (or Lightning Fabric's own names).
    devices, nodes : int
        Processes on each machine, and machines.
    max_minutes : float or None
        Stop after this long, ready to be resumed; 0 trains nothing.
    init : Initial or None
        Weights to start from instead of random ones; a saved state of the run takes precedence.
    tensorboard : bool
        Write its files where the package is installed.
    """

    out: Path
    device: str = "auto"
    precision: str = "auto"
    devices: int = 1
    nodes: int = 1
    max_minutes: float | None = None
    init: Initial | None = None
    tensorboard: bool = True


class RunResult(NamedTuple):
    """What a run leaves.

    Attributes
    ----------
    weights : dict of str to Tensor
        Averaged weights, the best by validation (the last ones when there was none).
    step : int
    done : bool
        Whether all steps were made.
    validation : dict of str to float
        Mean Dice by keep ratio of those weights; empty when never measured.
    best_step : int
        Step of those weights.
    seconds : float
        Of training, over all starts.
    loss : float
        Last reported one, NaN when none was.
    n_cases, n_validation : int
    signal : int
        Number of the signal that ended the run, 0 for none.
    leads : bool
        Whether this process is the one that writes files.
    """

    weights: dict[str, Tensor]
    step: int
    done: bool
    validation: dict[str, float]
    best_step: int
    seconds: float
    loss: float
    n_cases: int
    n_validation: int
    signal: int
    leads: bool
