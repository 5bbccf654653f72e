"""Prompts as channels of a window, and what the network derives from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.model.decoder_sizes import Size3

IMAGE, PREVIOUS, INCLUDE, EXCLUDE = range(4)
PROMPT_CHANNELS = 4
RADIUS_VOX = 3.0
BOX_VALUE = 0.5
_CLICKED = 0.9
_NEAR_TOKENS = 2.0


def draw_points(
    points_vox: Sequence[Sequence[float]] | Tensor, shape: Size3, radius_vox: float = RADIUS_VOX
) -> Tensor:
    """Draw points as soft balls: 1 at the centre, falling linearly to 0 at the radius.

    Where balls overlap, the larger value counts. Points outside the window still show the part of their ball
    that reaches into it.

    Parameters
    ----------
    points_vox : ``(n, 3)``
        (z, y, x) in voxels of the window; rounded, so that every centre is a voxel of value 1.
    shape : (z, y, x) int
    radius_vox : float

    Returns
    -------
    Tensor ``(z, y, x)`` float32 in [0, 1]
    """
    canvas = torch.zeros(shape)
    reach = int(radius_vox)
    for point in torch.as_tensor(points_vox, dtype=torch.float64).reshape(-1, 3).round().long().tolist():
        low = [max(at - reach, 0) for at in point]
        high = [min(at + reach + 1, edge) for at, edge in zip(point, shape, strict=True)]
        if any(start >= stop for start, stop in zip(low, high, strict=True)):
            continue
        axes = [torch.arange(start, stop) - at for at, start, stop in zip(point, low, high, strict=True)]
        z, y, x = torch.meshgrid(*axes, indexing="ij")
        ball = (1 - (z**2 + y**2 + x**2).float().sqrt() / radius_vox).clamp_min(0)
        part = canvas[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
        torch.maximum(part, ball, out=part)
    return canvas


def with_likeness(window: Tensor) -> Tensor:
    """Append how far each voxel's value is from the mean value under the include and the exclude balls.

    Parameters
    ----------
    window : Tensor ``(b, 4, z, y, x)``

    Returns
    -------
    Tensor ``(b, 6, z, y, x)``
        The channels of `window`, then ``exp(-2 |image - mean|)`` for include and exclude; 0 without such a
        prompt.
    """
    image = window[:, IMAGE : IMAGE + 1]
    balls = window[:, INCLUDE : EXCLUDE + 1]
    weight = balls.sum(dim=(2, 3, 4), keepdim=True)
    mean = (balls * image).sum(dim=(2, 3, 4), keepdim=True) / weight.clamp_min(1e-6)
    likeness = torch.exp(-2 * (image - mean).abs()) * (weight > 0)
    return torch.cat([window, likeness.to(window.dtype)], dim=1)


def token_evidence(window: Tensor, patch: int) -> tuple[Tensor, Tensor]:
    """Say what the prompts tell about each token.

    Parameters
    ----------
    window : Tensor ``(b, >= 4, z, y, x)``
    patch : int

    Returns
    -------
    evidence : Tensor ``(b, n, 4)`` float32 in [0, 1]
        Nearness to include clicks, nearness to exclude clicks, whether the border of the previous mask runs
        through the token, the largest value of the previous mask.
    clicked : Tensor ``(b, n)`` bool
        Tokens that hold the centre of a click.
    """
    highest, lowest = token_extremes(window, patch)
    highest, lowest = highest[:, PREVIOUS:], lowest[:, PREVIOUS]
    previous, balls = highest[:, 0].flatten(1), highest[:, INCLUDE - PREVIOUS :]
    border = (highest[:, 0] - lowest).flatten(1)
    clicks = balls.flatten(2) >= _CLICKED
    near = torch.exp(-token_distances(balls) / _NEAR_TOKENS)
    return torch.stack([near[:, 0], near[:, 1], border, previous], dim=-1), clicks.any(dim=1)


def token_extremes(window: Tensor, patch: int) -> tuple[Tensor, Tensor]:
    """Largest and smallest value of each prompt channel in each token: ``(b, 4, gz, gy, gx)`` float32 each.

    Whole rows are compared, one axis after the other: several times as fast as pooling where the channels of
    a voxel lie side by side.
    """
    b, _, z, y, x = window.shape
    rows = window.permute(0, 2, 3, 4, 1).reshape(
        b, z // patch, patch, y // patch, patch, x // patch, patch, -1
    )
    highest = rows.amax(dim=2).amax(dim=3).amax(dim=4)[..., :PROMPT_CHANNELS]
    lowest = rows.amin(dim=2).amin(dim=3).amin(dim=4)[..., :PROMPT_CHANNELS]
    return highest.permute(0, 4, 1, 2, 3).float(), lowest.permute(0, 4, 1, 2, 3).float()


def token_distances(pooled: Tensor) -> Tensor:
    """Distance of each token to the nearest one that holds a click, in tokens; infinite where there is none.

    `pooled` is ``(b, k, gz, gy, gx)``, the largest value of each map in each token; returns ``(b, k, n)``.
    """
    squared = torch.where(pooled >= _CLICKED, 0.0, torch.inf)
    for axis in (2, 3, 4):  # exact, one axis after the other, as distance transforms go
        places = torch.arange(squared.shape[axis], device=pooled.device)
        gap = (places[:, None] - places).square()
        squared = (squared.movedim(axis, -1)[..., None, :] + gap).amin(dim=-1).movedim(-1, axis)
    return squared.sqrt().flatten(2)
