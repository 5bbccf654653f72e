"""Dice on fixed windows of the held-back cases, at several keep ratios."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, cast

import torch

from napari_scd.training.config import IGNORED, STILL
from napari_scd.training.data import normalised, random_warp
from napari_scd.training.run.loss import masks_of, region_table
from napari_scd.training.run.processes import agreed
from napari_scd.training.run.validate_clicks import click_dice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lightning_fabric import Fabric
    from torch import Tensor

    from napari_scd.model import ScdNetwork
    from napari_scd.training.config import TrainConfig
    from napari_scd.training.data import Case, Sample


class Validation(NamedTuple):
    """Dice of the held-back cases.

    Attributes
    ----------
    mean : dict of str to float
        Mean over structures at each keep ratio; keys are ``"dice@0.5"``. Of promptable models the mean over
        data sets after each number of clicks; keys are ``"clicks@3"``.
    structures : dict of str to dict of str to float
        The same for each structure by name; NaN where no case holds it.
    """

    mean: dict[str, float]
    structures: dict[str, dict[str, float]]


def validate(
    network: ScdNetwork,
    cases: Sequence[Case] | Sequence[Sample],
    config: TrainConfig,
    fabric: Fabric,
    stop: Callable[[], bool] | None = None,
) -> Validation | None:
    """Dice of each structure and case, averaged over cases and then over structures.

    Each case contributes windows that tile it with as little overlap as possible; overlaps of all its windows
    are summed before the ratio is taken. A progress figure for the run: what is published comes from
    ``napari-scd evaluate``, which goes through the engine. Windows are shared out to the processes.

    Parameters
    ----------
    network : ScdNetwork
        With the weights to measure; left in training mode.
    stop : callable, optional
        Checked between windows.

    Returns
    -------
    Validation, or None when stopped
    """
    if config.prompts is not None:
        by_set = click_dice(network, cast("Sequence[Sample]", cases), config, fabric, stop)
        if by_set is None:
            return None
        return Validation({key: sum(row.values()) / len(row) for key, row in by_set.items()}, by_set)
    cases = cast("Sequence[Case]", cases)
    network.eval()
    overlaps = torch.zeros(
        (len(cases), len(config.validate_keep), len(config.table), 3), dtype=torch.int64, device=fabric.device
    )
    stopped = False
    for number, (at, window) in enumerate(_windows(cases, config, fabric.device)):
        if number % fabric.world_size != fabric.global_rank:
            continue
        stopped = stop is not None and stop()
        if stopped:
            break
        overlaps[at] += _window_overlaps(network, *window(), config, fabric)
    network.train()
    if agreed(fabric, float(stopped))[0]:
        return None
    total: Tensor = fabric.all_reduce(overlaps, reduce_op="sum")
    return _validation(total.cpu().double(), config)


def _window_overlaps(
    network: ScdNetwork, image: Tensor, label: Tensor, config: TrainConfig, fabric: Fabric
) -> Tensor:
    """Voxels in both, in the prediction, in the truth: ``(keeps, structures, 3)``."""
    counts = []
    overlapping = config.recipe.activation == "sigmoid"
    truth, ignored = label[0], (label[0] == IGNORED if config.data.ignore else None)
    if overlapping:
        truth = masks_of(label[None], region_table(config.file_values).to(fabric.device))[0]
    with torch.inference_mode(), fabric.autocast():
        prefix = network.prefix(image[None])
        for keep in config.validate_keep:
            logits = network.rest(prefix, keep)
            found = logits[0] > 0 if overlapping else logits[0].argmax(0)
            if ignored is not None:
                found = found.masked_fill(ignored, 0)
            if overlapping:
                counts.append(_region_counts(found, truth))
            else:
                counts.append(_label_counts(found, truth, config.table.indices))
    return torch.stack(counts)


def _region_counts(found: Tensor, truth: Tensor) -> Tensor:
    """Masks ``(structures, z, y, x)`` -> voxels in both, found and true: ``(structures, 3)``."""
    found, truth = found.flatten(1), truth.flatten(1)
    return torch.stack([(found & truth).sum(1), found.sum(1), truth.sum(1)], dim=1)


def _label_counts(found: Tensor, truth: Tensor, indices: Sequence[int]) -> Tensor:
    """Label maps ``(z, y, x)`` -> voxels in both, found, true: ``(structures, 3)``."""
    pairs = torch.bincount((truth.flatten().long() << 8) + found.flatten(), minlength=1 << 16).view(256, 256)
    counts = torch.stack([pairs.diagonal(), pairs.sum(0), pairs.sum(1)], dim=1)
    return counts[list(indices)]


def _validation(overlaps: Tensor, config: TrainConfig) -> Validation:
    """``(cases, keeps, structures, 3)`` counts -> Dice."""
    both, found, there = overlaps.unbind(-1)
    dice = torch.where(there > 0, 2 * both / (found + there).clamp_min(1), torch.nan).nanmean(dim=0)
    keys = config.validation_keys
    mean = {key: float(row.nanmean()) for key, row in zip(keys, dice, strict=True)}
    names = config.table.names
    structures = {
        key: dict(zip(names, row.tolist(), strict=True)) for key, row in zip(keys, dice, strict=True)
    }
    return Validation(mean, structures)


def score_of(validation: Validation) -> float:
    """One number to compare validations by: the mean over keep ratios; -inf when nothing was measured."""
    values = list(validation.mean.values())
    score = sum(values) / len(values)
    return -math.inf if math.isnan(score) else score


def _windows(
    cases: Sequence[Case], config: TrainConfig, device: torch.device
) -> Iterator[tuple[int, Callable[[], tuple[Tensor, Tensor]]]]:
    """Case number and a function that cuts image and label, for every window."""
    for number, case in enumerate(cases):
        edges = zip(case.label.shape[1:], config.model.roi, strict=True)
        z_at, y_at, x_at = (_centres(size, roi) for size, roi in edges)
        for centre in ((z, y, x) for z in z_at for y in y_at for x in x_at):
            yield number, lambda case=case, centre=centre: _cut(case, centre, config, device)  # type: ignore[misc]


def _cut(
    case: Case, centre: tuple[float, float, float], config: TrainConfig, device: torch.device
) -> tuple[Tensor, Tensor]:
    z, y, x = case.label.shape[1:]
    warp = random_warp(torch.tensor(centre), (z, y, x), config.model.roi, STILL, torch.Generator(), device)
    image = warp.sample(case.image) + case.floor.to(device, non_blocking=True)
    if config.recipe.normalise_over == "window":
        image = normalised(image, config.recipe)
    return image, warp.sample(case.label, nearest=True).to(torch.uint8)


def _centres(size: int, roi: int) -> list[float]:
    """Window centres along one axis, on whole voxels, as many as are needed to reach everything."""
    count = max(1, -(-size // roi))
    if count == 1:
        return [(roi - 1) / 2 - (roi - size) // 2]
    return [float(round(k * (size - roi) / (count - 1)) + (roi - 1) / 2) for k in range(count)]
