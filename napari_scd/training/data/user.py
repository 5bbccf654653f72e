"""A simulated user: where they click first, and how they correct the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from scipy import ndimage
from torch.nn.functional import avg_pool3d, interpolate

from napari_scd.model import BOX_VALUE, draw_points

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.training.config import PromptConfig
    from napari_scd.training.data.targets import Sample

    Place = tuple[int, int, int]

_THRESHOLD = 0.5
_HALVED_VOXELS = 24**3
_SMALL_ERROR = 4
_CLICKED_BEFORE = 0.4
_ZOOMED_OUT = 0.4
_CORRECTION_SHARPNESS = 2.0


@dataclass
class Prompting:
    """What one user has said about one window so far.

    Attributes
    ----------
    include, exclude : list of (z, y, x)
        Voxels of the window.
    previous : Tensor ``(z, y, x)`` float32
        The previous mask, as probabilities.
    """

    previous: Tensor
    include: list[Place] = field(default_factory=list)
    exclude: list[Place] = field(default_factory=list)

    def window(self, image: Tensor) -> Tensor:
        """Return the network's input ``(4, z, y, x)`` for an image ``(1, z, y, x)``."""
        z, y, x = image.shape[1:]
        balls = [draw_points(points, (z, y, x)) for points in (self.include, self.exclude)]
        return torch.cat([image, torch.stack([self.previous, *balls])])


def first_prompts(sample: Sample, limits: PromptConfig, rng: np.random.Generator) -> Prompting:
    """Start on a sample: with a click, a stroke, a box, or a mask that is nearly right and a correction."""
    prompting = Prompting(torch.zeros(sample.target.shape))
    drawn = rng.random(3)
    share = limits.previous_share if not sample.leaves else 0.7
    if drawn[0] < share:
        prompting.previous = damaged(sample.target, rng)
        if drawn[1] < _CLICKED_BEFORE:
            click = deep_place(sample.target, _sharpness(limits, rng), rng)
            prompting.include.append(click)
            if drawn[2] < _ZOOMED_OUT:
                prompting.previous = seen_closer(prompting.previous, click, float(rng.uniform(0.4, 0.75)))
        elif drawn[1] < (0.6 if sample.leaves else 0.9):
            correct(prompting, sample, prompting.previous.numpy(), rng)
        return prompting
    if drawn[0] < share + limits.box_share:
        prompting.previous = _box(sample.target, rng)
        if drawn[1] < 0.5:
            return prompting
    click = deep_place(sample.target, _sharpness(limits, rng), rng)
    if drawn[2] < limits.scribble_share:
        prompting.include += _stroke(sample.target, click, rng)
    elif drawn[2] < limits.scribble_share + limits.stray_share:
        prompting.include.append(_near(click, sample.target.shape, rng))
    else:
        prompting.include.append(click)
    return prompting


def correct(
    prompting: Prompting, sample: Sample, probability: NDArray[np.float32], rng: np.random.Generator
) -> None:
    """Add a click at a random deep place of a large error; in the target where there is no error."""
    found = probability > _THRESHOLD
    parts, n_parts = ndimage.label((found != sample.target) & sample.counted)
    sizes = np.bincount(parts.ravel(), minlength=n_parts + 1)[1:].astype(np.float64)
    if not n_parts or sizes.max() < _SMALL_ERROR:
        prompting.include.append(deep_place(sample.target, 1.0, rng))
        return
    part = 1 + int(rng.choice(n_parts, p=sizes / sizes.sum()))
    place = deep_place(parts == part, _CORRECTION_SHARPNESS, rng)
    (prompting.include if sample.target[place] else prompting.exclude).append(place)


def correct_deepest(prompting: Prompting, sample: Sample, probability: NDArray[np.float32] | None) -> None:
    """Add a click at the deepest voxel of the largest error; of the target where nothing was found yet."""
    found = np.zeros_like(sample.target) if probability is None else probability > _THRESHOLD
    parts, n_parts = ndimage.label((found != sample.target) & sample.counted)
    if not n_parts:
        return
    part = 1 + int(np.bincount(parts.ravel())[1:].argmax())
    place = deepest(parts == part)
    (prompting.include if sample.target[place] else prompting.exclude).append(place)


def deep_place(mask: NDArray[np.bool_], sharpness: float, rng: np.random.Generator) -> Place:
    """Draw a voxel of a mask with a probability of its distance from the border to a power.

    Distances of large masks are taken at half resolution, which is eight times as fast.
    """
    low, part, step = _cropped(mask)
    weights = _depth(part) ** sharpness
    total = np.cumsum(weights.ravel())
    at = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
    return _at(min(at, part.size - 1), part.shape, low, step)


def deepest(mask: NDArray[np.bool_]) -> Place:
    """Return the voxel of a mask that is farthest from its border."""
    low, part, step = _cropped(mask)
    return _at(int(_depth(part).argmax()), part.shape, low, step)


def damaged(target: NDArray[np.bool_], rng: np.random.Generator) -> Tensor:
    """Return a mask as a coarse window or another model might leave it: too small, shifted, rough."""
    mask = torch.from_numpy(target)[None, None].float()
    factor = int(rng.choice([2, 4, 8]))
    coarse = avg_pool3d(mask, factor)
    n = int(rng.choice([4, 8]))
    noise = torch.from_numpy(rng.standard_normal((1, 1, n, n, n), np.float32))
    amplitude, bias = 0.5 * rng.random() ** 2, rng.uniform(-0.3, 0.3) * rng.random()
    coarse = coarse + amplitude * interpolate(
        noise, size=coarse.shape[2:], mode="trilinear", align_corners=True
    )
    fine = interpolate(coarse + bias, size=target.shape, mode="trilinear", align_corners=False)[0, 0]
    if rng.random() < 0.3:
        fine = torch.roll(fine, tuple(rng.integers(-3, 4, 3).tolist()), (0, 1, 2))
    if rng.random() < 0.4:
        return (fine > _THRESHOLD).float()
    return torch.sigmoid((fine - _THRESHOLD) * float(rng.uniform(4, 16)))


def seen_closer(mask: Tensor, centre: Place, share: float) -> Tensor:
    """Keep what a closer window saw of a mask ``(z, y, x)``: a box around a place, `share` of the edges."""
    part = tuple(
        slice(max(at - round(share * edge / 2), 0), at + round(share * edge / 2))
        for at, edge in zip(centre, mask.shape, strict=True)
    )
    kept = torch.zeros_like(mask)
    kept[part] = mask[part]
    return kept


def _cropped(mask: NDArray[np.bool_]) -> tuple[list[int], NDArray[np.bool_], int]:
    """Box around a mask with a margin of one voxel, at half resolution where it is large."""
    slices = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(mask.any(axis=others))
        slices.append(slice(max(int(used[0]) - 1, 0), min(int(used[-1]) + 2, mask.shape[axis])))
    low = [part.start for part in slices]
    part = mask[tuple(slices)]
    if part.size > _HALVED_VOXELS:
        half = part[::2, ::2, ::2]
        if half.any():
            return low, half, 2
    return low, part, 1


def _depth(part: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance to the border; the window's own edge does not count as one."""
    if part.all():
        return np.ones(part.shape)
    return np.asarray(ndimage.distance_transform_edt(part))


def _at(index: int, shape: tuple[int, ...], low: list[int], step: int) -> Place:
    z, y, x = (int(i) * step + start for i, start in zip(np.unravel_index(index, shape), low, strict=True))
    return z, y, x


def _sharpness(limits: PromptConfig, rng: np.random.Generator) -> float:
    low, high = limits.sharpness
    return float(rng.uniform(low, high))


def _near(place: Place, shape: tuple[int, ...], rng: np.random.Generator) -> Place:
    moved = np.asarray(place) + rng.integers(-3, 4, 3)
    z, y, x = np.clip(moved, 0, np.asarray(shape) - 1).tolist()
    return z, y, x


def _stroke(target: NDArray[np.bool_], start: Place, rng: np.random.Generator) -> list[Place]:
    """Places on a straight line between two voxels of the target, as far as it stays inside."""
    end = deep_place(target, 1.0, rng)
    steps = int(max(2, np.abs(np.subtract(start, end)).max()))
    line = np.rint(np.linspace(start, end, steps + 1)).astype(int)
    return [(int(z), int(y), int(x)) for z, y, x in line if target[z, y, x]]


def _box(target: NDArray[np.bool_], rng: np.random.Generator) -> Tensor:
    """Box around the target, off by a tenth of its edges at most."""
    box = torch.zeros(target.shape)
    slices = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        used = np.flatnonzero(target.any(axis=others))
        slack = 0.1 * (used[-1] + 1 - used[0])
        low, high = (int(round(rng.uniform(-0.3, 1) * slack)) for _ in range(2))
        slices.append(slice(max(int(used[0]) - low, 0), int(used[-1]) + 1 + high))
    box[tuple(slices)] = BOX_VALUE
    return box
