"""Images drawn from label maps: every window gets its own contrast, resolution and scanner.

The generative model of SynthSeg (Billot et al., Med Image Anal 2023), as tensor operations on the window's
own device: a network that never sees the same contrast twice learns shapes instead of intensities.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import avg_pool3d, interpolate, pad

from napari_scd.training.config import IGNORED
from napari_scd.training.data.intensity import between, bias_field, blurred

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.training.config import SynthesisConfig, TrainConfig

_CODES = 256


def targets_of(config: TrainConfig) -> Tensor:
    """Value of a label map -> label id of the model, 0 for all others: ``(256,)`` uint8."""
    table = torch.zeros(_CODES, dtype=torch.uint8)
    table[list(config.data.ignore)] = IGNORED
    for index, held in zip(config.table.indices, config.drawn_values, strict=True):
        table[list(held)] = index
    return table


def paired_codes(config: TrainConfig) -> tuple[tuple[int, int], ...]:
    """Values of the label maps that mean the same on the left and on the right, by the labels' names."""
    held = dict(zip(config.table.indices, config.drawn_values, strict=True))
    return tuple(
        pair
        for left, right in config.table.mirror_pairs
        for pair in zip(held[left], held[right], strict=False)
    )


def draw_image(
    codes: Tensor,
    limits: SynthesisConfig,
    pairs: Sequence[tuple[int, int]],
    generator: torch.Generator,
    noise: torch.Generator,
) -> Tensor:
    """Draw an image of a label map.

    Parameters
    ----------
    codes : Tensor ``(1, z, y, x)`` uint8
        Of a window or a whole map.
    limits : SynthesisConfig
    pairs : sequence of (int, int)
        Left and right codes of one structure: they share an intensity.
    generator : torch.Generator
        On the CPU: decides how the image looks.
    noise : torch.Generator
        On the device of `codes`: fills in the voxels.

    Returns
    -------
    Tensor ``(1, z, y, x)`` float32
        From 0 to about 1, before the recipe's own normalisation.
    """
    mean, spread = draw_intensities(limits, pairs, generator)
    index = codes.long()
    image = mean.to(codes.device)[index]
    grain = torch.randn(image.shape, generator=noise, device=codes.device)
    image += grain * spread.to(codes.device)[index]
    share = torch.rand(4, generator=generator).tolist()
    size = torch.rand(6, generator=generator).tolist()
    if share[0] < limits.bias_share:
        image = image * bias_field(image, limits.bias * size[0], generator).exp()
    image = blurred(image, [between(limits.blur_vox, value) for value in size[1:4]])
    if share[1] < limits.thick_share:
        image = thick_slices(image, limits.thick_vox, generator)
    image = _with_gamma(image.clamp_min_(0), between(limits.gamma, size[4]))
    if share[2] < limits.noise_share:
        grain = torch.randn(image.shape, generator=noise, device=codes.device)
        image = image + grain * (size[5] * limits.noise)
    return image.clamp_min_(0)


def draw_intensities(
    limits: SynthesisConfig, pairs: Sequence[tuple[int, int]], generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of every code, both ``(256,)`` float32; means lie in [0, 1]."""
    low, high = limits.spread
    mean = torch.rand(_CODES, generator=generator)
    spread = low + (high - low) * torch.rand(_CODES, generator=generator)
    chance = torch.rand(5, generator=generator).tolist()
    if limits.tissues and chance[0] < limits.grouped_share:
        levels = torch.rand(len(limits.tissues), generator=generator)
        if chance[1] < limits.ordered_share:  # half-way to even steps, so that neighbours stay apart
            levels = (levels.sort().values + torch.linspace(0, 1, len(levels))) / 2
        jitter = limits.jitter * torch.randn(_CODES, generator=generator)
        for level, members in zip(levels, limits.tissues, strict=True):
            mean[list(members)] = (level + jitter[list(members)]).clamp(0, 1)
    for left, right in pairs:
        mean[right], spread[right] = mean[left], spread[left]
    emptied = [0] if chance[2] < limits.empty_share else []
    if chance[3] < limits.strip_share:
        emptied = [0, *limits.outside]
        if chance[4] < limits.tight_share:
            emptied += limits.rim
    mean[emptied] = spread[emptied] = 0
    return mean, spread


def thick_slices(image: Tensor, thick_vox: tuple[int, int], generator: torch.Generator) -> Tensor:
    """Average over slices along a random axis and interpolate back, as resampled thick slices look."""
    axis = int(torch.randint(3, (), generator=generator))
    thick = int(torch.randint(thick_vox[0], thick_vox[1] + 1, (), generator=generator))
    edge = image.shape[1 + axis]
    around = [0, 0, 0, 0, 0, 0]
    around[5 - 2 * axis] = -edge % thick
    padded = pad(image[None], around, mode="replicate")
    kernel = [1, 1, 1]
    kernel[axis] = thick
    coarse = avg_pool3d(padded, kernel, stride=kernel)
    fine = interpolate(coarse, size=padded.shape[2:], mode="trilinear", align_corners=False)
    return fine[0].narrow(1 + axis, 0, edge)


def _with_gamma(image: Tensor, gamma: float) -> Tensor:
    """Gamma curve over the image's own range, which it keeps."""
    high = image.max().clamp_min(1e-6)
    return (image / high) ** gamma * high
