"""Random training windows: a case, a place in it, a warp, noise. Every step is seeded by its own number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from monai.transforms import (
    Compose,
    RandAdjustContrast,
    RandBiasField,
    RandGaussianNoise,
    RandGaussianSmooth,
    RandScaleIntensity,
    RandShiftIntensity,
)
from monai.utils import convert_to_tensor
from torch import Tensor

from napari_scd.training.warp import random_warp
from napari_scd.volume import normalise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.training.config import KeepConfig, TrainConfig
    from napari_scd.training.data import Case


class Batch(NamedTuple):
    """What one step learns from: ``(b, c, z, y, x)`` float32 and ``(b, 1, z, y, x)`` uint8."""

    image: Tensor
    label: Tensor
    keep: float | tuple[float, ...]


class BatchMaker:
    """Draws batches; the same step of the same seed and process gives the same batch, whatever ran before.

    Parameters
    ----------
    cases : sequence of Case
        On the device where windows are made.
    config : TrainConfig
    rank, world : int
        This process and how many there are: each draws its own share of the batch.
    """

    def __init__(self, cases: Sequence[Case], config: TrainConfig, rank: int = 0, world: int = 1) -> None:
        self.cases = cases
        self.config = config
        self.rank, self.world = rank, world
        self.generator = torch.Generator()
        self.intensity = _intensity_transforms(config.intensity)

    def batch(self, step: int) -> Batch:
        """Windows and keep ratio of a step."""
        config = self.config
        self.generator.manual_seed(_seed_of(config.seed, step))
        keep = draw_keep(config.keep, config.model.n_stages, self.generator)
        share = range(self.rank, config.batch, self.world)
        windows = [self._window(_seed_of(config.seed, step, item)) for item in share]
        return Batch(torch.stack([w[0] for w in windows]), torch.stack([w[1] for w in windows]), keep)

    def _window(self, seed: int) -> tuple[Tensor, Tensor]:
        self.generator.manual_seed(seed)
        config = self.config
        case = self.cases[int(torch.randint(len(self.cases), (), generator=self.generator))]
        centre = self._centre(case)
        warp = random_warp(centre, tuple(case.label.shape[1:]), config.model.roi, config.warp, self.generator)
        image = warp.sample(case.image)
        label = warp.sample(case.label, nearest=True).to(torch.uint8)
        if config.recipe.normalise_over == "window":
            image = torch.from_numpy(normalise(image.cpu().numpy(), config.recipe)).to(image.device)
        self.intensity.set_random_state(seed % 2**32)
        noisy = convert_to_tensor(self.intensity(image), track_meta=False)
        return noisy.float(), label

    def _centre(self, case: Case) -> Tensor:
        """A labelled voxel of a random structure, or any place; windows stay inside unless users click."""
        size = torch.tensor(case.label.shape[1:])
        roi = torch.tensor(self.config.model.roi)
        drawn = torch.rand(4, generator=self.generator)
        on_structure = bool(drawn[3] < self.config.foreground_share) and len(case.foreground) > 0
        if on_structure:
            ids = case.foreground[:, 0]
            present = ids.unique()
            chosen = present[int(torch.randint(len(present), (), generator=self.generator))]
            rows = case.foreground[ids == chosen]
            centre = rows[int(torch.randint(len(rows), (), generator=self.generator)), 1:].float()
        else:
            centre = drawn[:3] * size
        if not (on_structure and self.config.recipe.field == "click"):
            centre = torch.where(size > roi, torch.minimum(torch.maximum(centre, roi / 2), size - roi / 2), size / 2)
        return centre.to(case.image.device)


def draw_keep(limits: KeepConfig, n_stages: int, generator: torch.Generator) -> float | tuple[float, ...]:
    """Keep ratio of one step: dense, log-uniform for all stages, or log-uniform for each."""
    drawn = torch.rand(2 + n_stages, generator=generator).tolist()
    if drawn[0] < limits.dense_share or not n_stages:
        return 1.0
    ratios = [limits.low * (limits.high / limits.low) ** value for value in drawn[2:]]
    return tuple(ratios) if drawn[1] < limits.per_stage_share else ratios[0]


def _intensity_transforms(strength: float) -> Compose:
    """Noise, blur, contrast, bias, scale and shift on normalised windows; `strength` 0 switches them off."""
    if not strength:
        return Compose([])
    s = strength
    return Compose(
        [
            RandBiasField(degree=3, coeff_range=(0.0, 0.15 * s), prob=0.2),
            RandAdjustContrast(prob=0.3, gamma=(0.7, 1.5), retain_stats=True),
            RandScaleIntensity(factors=0.15 * s, prob=0.3),
            RandShiftIntensity(offsets=0.1 * s, prob=0.3),
            RandGaussianSmooth(sigma_x=(0.3, 0.8), sigma_y=(0.3, 0.8), sigma_z=(0.3, 0.8), prob=0.15),
            RandGaussianNoise(prob=0.2, std=0.1 * s),
        ]
    )


def _seed_of(seed: int, step: int, item: int = -1) -> int:
    """Mix three small numbers into one seed (splitmix64's constants)."""
    value = (seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9 + (item + 1) * 0x94D049BB133111EB) % 2**64
    value ^= value >> 31
    return value % 2**63
