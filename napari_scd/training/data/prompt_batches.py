"""Batches of a promptable model: samples, and what a simulated user has said about each so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_scd.training.config import IGNORED
from napari_scd.training.data.batches import Batch, check_shares, draw_keep, seed_of
from napari_scd.training.data.targets import SampleMaker
from napari_scd.training.data.user import correct, first_prompts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from napari_scd.training.config import TrainConfig
    from napari_scd.training.data.sets import PromptCase
    from napari_scd.training.data.targets import Sample

    Answer = Callable[[Tensor, float | tuple[float, ...]], Tensor]


class PromptBatchMaker:
    """Draws samples and lets the simulated user prompt the network in its state at that step.

    The same step of the same seed gives the same batch when the network has the same weights.

    Parameters
    ----------
    cases : sequence of PromptCase
    config : TrainConfig
        With prompts.
    answer : callable
        Windows ``(b, 4, z, y, x)`` and a keep ratio -> probabilities ``(b, z, y, x)`` on the CPU, without
        gradient.
    rank, world : int
        This process and how many there are.
    device : torch.device
        Where batches go.
    """

    def __init__(
        self,
        cases: Sequence[PromptCase],
        config: TrainConfig,
        answer: Answer,
        rank: int = 0,
        world: int = 1,
        device: torch.device | str = "cpu",
    ) -> None:
        assert config.prompts is not None
        check_shares(config.batch, world)
        self.config, self.prompts = config, config.prompts
        self.samples = SampleMaker(cases, config)
        self.answer = answer
        self.rank, self.world = rank, world
        self.device = torch.device(device)
        self.generator = torch.Generator()

    def batch(self, step: int) -> Batch:
        """Windows with prompts, labels (1 = target, 255 = does not count) and keep ratio of a step."""
        config = self.config
        self.generator.manual_seed(seed_of(config.seed, step))
        keep = draw_keep(config.keep, config.model.n_stages, self.generator)
        n_rounds = int(torch.multinomial(torch.tensor(self.prompts.rounds), 1, generator=self.generator))
        seeds = [seed_of(config.seed, step, item) for item in range(self.rank, config.batch, self.world)]
        samples = [self._sample(seed) for seed in seeds]
        users = [np.random.default_rng(seed) for seed in seeds]
        talks = [first_prompts(one, self.prompts, rng) for one, rng in zip(samples, users, strict=True)]
        for _ in range(n_rounds):
            windows = [talk.window(one.image) for talk, one in zip(talks, samples, strict=True)]
            for at, found in enumerate(self.answer(torch.stack(windows), keep)):
                talks[at].previous = found
                correct(talks[at], samples[at], found.numpy(), users[at])
        windows = [talk.window(one.image) for talk, one in zip(talks, samples, strict=True)]
        labels = torch.stack([label_of(one) for one in samples])
        return Batch(torch.stack(windows).to(self.device), labels.to(self.device), keep)

    def _sample(self, seed: int) -> Sample:
        self.generator.manual_seed(seed)
        return self.samples.draw(self.generator)


def label_of(sample: Sample) -> Tensor:
    """Return a sample's target as the loss takes it: ``(1, z, y, x)`` uint8."""
    return torch.from_numpy(np.where(sample.counted, sample.target, IGNORED).astype(np.uint8))[None]
