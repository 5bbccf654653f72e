"""The fixed windows on which a promptable model is checked while it trains."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_scd.training.config import IGNORED, STILL
from napari_scd.training.data.intensity import normalised
from napari_scd.training.data.synthesis import draw_image
from napari_scd.training.data.targets import FEWEST_VOXELS, Sample, SampleMaker, WindowAim

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.training.config import TrainConfig
    from napari_scd.training.data.sets import PromptCase

_FILL = 0.5


def check_samples(cases: Sequence[PromptCase], config: TrainConfig) -> list[Sample]:
    """Return fixed windows on targets of the validation cases; each takes up half of the window's edge."""
    assert config.prompts is not None
    maker = SampleMaker(cases, config)
    samples = []
    for number, case in enumerate(cases):
        generator = torch.Generator().manual_seed(number)
        for code in _spread(list(case.targets), config.prompts.validate_targets):
            places = case.targets[code]
            z, y, x = ((places.inside.min(axis=0) + places.inside.max(axis=0)) / 2).tolist()
            edge = min(config.model.roi)
            aim = WindowAim((z, y, x), places.extent_mm / _FILL / edge, False)
            view = maker.view(case, aim, STILL, generator)
            target = view.codes == code
            if np.count_nonzero(target) < FEWEST_VOXELS:
                continue
            if view.image is None:
                drawn = torch.from_numpy(view.codes)[None]
                image = draw_image(drawn, maker.looks_of(case), (), generator, generator)
            else:
                image = view.image
            counted = (view.codes != IGNORED) | target
            samples.append(Sample(normalised(image, config.recipe), target, counted, False, case.set.name))
    return samples


def _spread(codes: list[int], most: int) -> list[int]:
    """Take at most this many entries, evenly spread over a list."""
    if len(codes) <= most:
        return codes
    return [codes[math.floor(k * len(codes) / most)] for k in range(most)]
