"""The thing in a window that a user might mean: a label, several, a part of one, or a shape painted in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_scd.training.config import IGNORED
from napari_scd.training.data.intensity import between
from napari_scd.training.data.sets import WITHHELD

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.training.config import PromptConfig


def target_kind(drawn: float, prompts: PromptConfig, *, has_image: bool) -> str:
    """Kind of target that a number from 0 to 1 stands for, by the shares of the training file."""
    shares = {
        "union": prompts.union_share,
        "piece": prompts.piece_share,
        "shape": prompts.shape_share,
        "supervoxel": prompts.supervoxel_share if has_image else 0.0,
    }
    for kind, share in shares.items():
        if drawn < share:
            return kind
        drawn -= share
    return "label"


def labelled_target(
    kind: str, codes: NDArray[np.uint8], wanted: int, generator: torch.Generator
) -> NDArray[np.bool_]:
    """Mask of a label, of it and some of its neighbours, or of what a random plane leaves of it."""
    target = np.asarray(codes == wanted)
    if kind == "union" and target.any():
        beside = _grown(target) & ~target
        found = np.bincount(codes[beside], minlength=256)
        found[[0, WITHHELD, IGNORED]] = 0
        neighbours = np.flatnonzero(found)
        if len(neighbours):
            order = torch.randperm(len(neighbours), generator=generator)[
                : 1 + int(torch.randint(2, (), generator=generator))
            ]
            target = target | np.isin(codes, neighbours[order.numpy()])
    if kind == "piece" and target.any():
        places = np.argwhere(target)
        through = places[int(torch.randint(len(places), (), generator=generator))]
        normal = torch.randn(3, generator=generator).numpy()
        side = (places - through) @ normal >= 0
        target = np.zeros_like(target)
        target[tuple(places[side].T)] = True
    return target


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask and its neighbours along the axes."""
    grown = mask.copy()
    for axis in range(3):
        ahead = [slice(None)] * 3
        behind = [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        grown[tuple(ahead)] |= mask[tuple(behind)]
        grown[tuple(behind)] |= mask[tuple(ahead)]
    return grown


def painted(image: Tensor, shape: NDArray[np.bool_], generator: torch.Generator) -> Tensor:
    """Mix a shape of another brightness into an image of 0-1, keeping some of the image's texture."""
    drawn = torch.rand(2, generator=generator).tolist()
    level = float(image.max()) * drawn[0]
    strength = between((0.4, 0.95), drawn[1])
    mask = torch.from_numpy(shape)[None]
    return torch.where(mask, (1 - strength) * image + strength * level, image)
