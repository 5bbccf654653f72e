"""Random training windows: a case, a place in it, a warp, noise. Every window is seeded by its own number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from napari_scd.errors import InputError
from napari_scd.training.data.intensity import changed_look, changed_structures, normalised
from napari_scd.training.data.synthesis import draw_image, paired_codes, targets_of
from napari_scd.training.data.warp import random_warp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.training.config import KeepConfig, SynthesisConfig, TrainConfig
    from napari_scd.training.data.cases import Case


class Batch(NamedTuple):
    """What one step learns from: ``(b, c, z, y, x)`` float32 and ``(b, 1, z, y, x)`` uint8."""

    image: Tensor
    label: Tensor
    keep: float | tuple[float, ...]


class BatchMaker:
    """Draws batches; the same step of the same seed gives the same batch, whatever ran before.

    Parameters
    ----------
    cases : sequence of Case
        Images with labels.
    config : TrainConfig
    rank, world : int
        This process and how many there are: each makes every `world`-th window of the batch.
    device : torch.device
        Where windows are made.
    maps : sequence of Case
        Label maps that images are drawn from, for ``synthesis.share`` of the windows where there are `cases`
        too.

    Raises
    ------
    InputError
        The batch cannot be divided evenly.
    """

    def __init__(
        self,
        cases: Sequence[Case],
        config: TrainConfig,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
        maps: Sequence[Case] = (),
    ) -> None:
        check_shares(config.batch, world)
        self.cases, self.maps = cases, maps
        self.config = config
        self.rank, self.world = rank, world
        self.device = torch.device(device)
        self.generator = torch.Generator()
        self.noise = torch.Generator(self.device)
        self.other_side = _other_side(config).to(self.device)
        self.targets = targets_of(config).to(self.device)
        self.pairs = paired_codes(config)
        self.left_right = config.recipe.axes.translate(str.maketrans("R", "L")).index("L")

    def batch(self, step: int) -> Batch:
        """Windows and keep ratio of a step."""
        config = self.config
        self.generator.manual_seed(seed_of(config.seed, step))
        keep = draw_keep(config.keep, config.model.n_stages, self.generator)
        share = range(self.rank, config.batch, self.world)
        windows = [self._window(seed_of(config.seed, step, item)) for item in share]
        return Batch(torch.stack([w[0] for w in windows]), torch.stack([w[1] for w in windows]), keep)

    def centre(self, case: Case) -> Tensor:
        """Draw the middle of a window: in a structure, or anywhere; it stays inside unless users click."""
        size = torch.tensor(case.label.shape[1:])
        roi = torch.tensor(self.config.model.roi)
        drawn = torch.rand(4, generator=self.generator)
        on_structure = bool(drawn[3] < self.config.foreground_share) and len(case.present) > 0
        if on_structure:
            chosen = case.present[int(torch.randint(len(case.present), (), generator=self.generator))]
            rows = case.foreground[case.foreground[:, 0] == chosen]
            centre = rows[int(torch.randint(len(rows), (), generator=self.generator)), 1:].float()
        else:
            centre = drawn[:3] * size
        if on_structure and self.config.recipe.field == "click":
            return centre
        inside = torch.minimum(torch.maximum(centre, roi / 2), size - roi / 2)
        return torch.where(size > roi, inside, size / 2)

    def _window(self, seed: int) -> tuple[Tensor, Tensor]:
        self.generator.manual_seed(seed)
        self.noise.manual_seed(seed)
        config = self.config
        synthesis = self._synthesis()
        cases = self.cases if synthesis is None else self.maps
        case = cases[int(torch.randint(len(cases), (), generator=self.generator))]
        z, y, x = case.label.shape[1:]
        centre = self.centre(case)
        warp = random_warp(centre, (z, y, x), config.model.roi, config.warp, self.generator, self.device)
        label = warp.sample(case.label, nearest=True).to(torch.uint8)
        if synthesis is not None:
            image = draw_image(label, synthesis, self.pairs, self.generator, self.noise)
            label = self.targets[label.long()]
        else:
            image = warp.sample(case.image) + case.floor.to(self.device, non_blocking=True)
        if config.warp.swap_sides and self.left_right in warp.flipped:
            label = self.other_side[label.long()]
        if synthesis is not None or config.recipe.normalise_over == "window":
            image = normalised(image, config.recipe)
        if config.looks.structure_gamma_share:
            image = changed_structures(image, label, config.looks, self.generator)
        return changed_look(image, config.looks, config.intensity, self.generator, self.noise), label

    def _synthesis(self) -> SynthesisConfig | None:
        """How the next window's image is drawn; None if it is a real one."""
        synthesis = self.config.synthesis
        if synthesis is None or not self.cases:
            return synthesis
        drawn = bool(torch.rand((), generator=self.generator) < synthesis.share)
        return synthesis if drawn else None


def check_shares(batch: int, world: int) -> None:
    """Raise `InputError` if a batch cannot be divided evenly among this many processes."""
    if batch % world:
        raise InputError(
            f"A batch of {batch} windows cannot be divided among {world} processes: "
            f"make 'batch' a multiple of {world}."
        )


def draw_keep(limits: KeepConfig, n_stages: int, generator: torch.Generator) -> float | tuple[float, ...]:
    """Keep ratio of one step: dense, log-uniform for all stages, or log-uniform for each."""
    drawn = torch.rand(2 + n_stages, generator=generator).tolist()
    if drawn[0] < limits.dense_share or not n_stages:
        return 1.0
    ratios = [limits.low * (limits.high / limits.low) ** value for value in drawn[2:]]
    return tuple(ratios) if drawn[1] < limits.per_stage_share else ratios[0]


def _other_side(config: TrainConfig) -> Tensor:
    """Label value -> the value of the same structure on the other side of the body: ``(256,)`` uint8."""
    swapped = torch.arange(256, dtype=torch.uint8)
    if config.recipe.activation == "sigmoid":
        return swapped
    for left, right in config.table.mirror_pairs:
        swapped[left], swapped[right] = right, left
    return swapped


def seed_of(seed: int, step: int, item: int = -1) -> int:
    """Mix three small numbers into one seed (splitmix64's constants)."""
    value = (seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9 + (item + 1) * 0x94D049BB133111EB) % 2**64
    value ^= value >> 31
    return value % 2**63
