"""Dice after some clicks on fixed windows of the held-back cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_scd.training.data import Prompting, correct_deepest
from napari_scd.training.run.processes import agreed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from lightning_fabric import Fabric
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.model import ScdNetwork
    from napari_scd.training.config import TrainConfig
    from napari_scd.training.data import Sample

_AT_ONCE = 4


def click_dice(
    network: ScdNetwork,
    samples: Sequence[Sample],
    config: TrainConfig,
    fabric: Fabric,
    stop: Callable[[], bool] | None = None,
) -> dict[str, dict[str, float]] | None:
    """Dice by number of clicks (``"clicks@3"``) and data set; None when stopped.

    The simulated user clicks at the deepest voxel of the target, then at that of the largest error. It shows
    how the run goes; figures to publish come from an evaluation on the scans' own grids.

    Parameters
    ----------
    network : ScdNetwork
        With the weights to measure; left in training mode.
    samples : sequence of Sample
        Shared out to the processes.
    """
    assert config.prompts is not None
    clicks = config.prompts.validate_clicks
    dice = torch.zeros((len(samples), len(clicks)), dtype=torch.float64, device=fabric.device)
    network.eval()
    stopped = False
    mine = range(fabric.global_rank, len(samples), fabric.world_size)
    for start in range(0, len(mine), _AT_ONCE):
        stopped = stop is not None and stop()
        if stopped:
            break
        some = mine[start : start + _AT_ONCE]
        dice[list(some)] = _dice_of([samples[at] for at in some], network, config, fabric, clicks)
    network.train()
    if agreed(fabric, float(stopped))[0]:
        return None
    total = fabric.all_reduce(dice, reduce_op="sum")
    sources = [sample.source for sample in samples]
    rows = {
        name: total[[at for at, source in enumerate(sources) if source == name]].mean(0)
        for name in dict.fromkeys(sources)
    }
    keys = config.validation_keys
    return {key: {name: float(row[at]) for name, row in rows.items()} for at, key in enumerate(keys)}


def answering(network: ScdNetwork, fabric: Fabric) -> Callable[[Tensor, float | tuple[float, ...]], Tensor]:
    """Make a function that answers windows without gradient, as in use: ``(b, 4, ...)`` -> probabilities."""

    def answer(windows: Tensor, keep: float | tuple[float, ...]) -> Tensor:
        training = network.training
        network.eval()
        with torch.no_grad(), fabric.autocast():
            logits: Tensor = network(windows.to(fabric.device), keep)
        network.train(training)
        return logits[:, 0].float().sigmoid().cpu()

    return answer


def _dice_of(
    samples: Sequence[Sample],
    network: ScdNetwork,
    config: TrainConfig,
    fabric: Fabric,
    clicks: tuple[int, ...],
) -> Tensor:
    """Dice after each number of clicks: ``(samples, clicks)``."""
    answer = answering(network, fabric)
    talks = [Prompting(torch.zeros(sample.target.shape)) for sample in samples]
    found: list[Tensor | None] = [None] * len(samples)
    dice = torch.zeros((len(samples), len(clicks)), dtype=torch.float64)
    for click in range(1, max(clicks) + 1):
        for talk, sample, mask in zip(talks, samples, found, strict=True):
            correct_deepest(talk, sample, None if mask is None else mask.numpy())
        windows = [talk.window(one.image) for talk, one in zip(talks, samples, strict=True)]
        found = list(answer(torch.stack(windows), config.validate_keep[0]))
        for at, (talk, sample) in enumerate(zip(talks, samples, strict=True)):
            mask = found[at]
            assert mask is not None
            talk.previous = mask
            if click in clicks:
                dice[at, clicks.index(click)] = _dice(mask.numpy() > 0.5, sample)
    return dice


def _dice(found: NDArray[np.bool_], sample: Sample) -> float:
    found = found & sample.counted
    both, either = int((found & sample.target).sum()), int(found.sum()) + int(sample.target.sum())
    return 2 * both / max(either, 1)
