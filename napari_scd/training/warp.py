"""One random deformation per window: crop, flip, rotate, scale and bend in a single interpolation.

Runs on whatever device holds the volumes. A window is sampled straight from the whole case, so nothing is
interpolated twice and rotated corners show real anatomy where there is some.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

Size3 = tuple[int, int, int]


@dataclass(frozen=True)
class WarpRange:
    """How far a window may be bent; every value is a half-range around none.

    Parameters
    ----------
    rotate_deg : float
        Rotation about each axis.
    scale : float
        Relative scaling of each axis (0.15 = 0.85 to 1.15).
    shear : float
        Off-diagonal entries of the affine matrix.
    bend_vox : float
        Standard deviation of the smooth displacement field, in voxels.
    bend_every_vox : float
        Spacing of that field's control points, in voxels.
    flip_axes : tuple of int
        Array axes that are mirrored half of the time.
    shift_vox : float
        Random shift of the window's centre.
    reflect_share : float
        Share of windows that see mirrored anatomy instead of zeros outside the case.
    """

    rotate_deg: float = 15.0
    scale: float = 0.15
    shear: float = 0.05
    bend_vox: float = 1.5
    bend_every_vox: float = 12.0
    flip_axes: tuple[int, ...] = ()
    shift_vox: float = 0.0
    reflect_share: float = 0.0


@dataclass(frozen=True)
class Warp:
    """Where each voxel of a window is read from.

    Attributes
    ----------
    points : Tensor ``(1, z, y, x, 3)``
        Places in the case as `grid_sample` takes them: (x, y, z), each from -1 to 1 across the case.
    reflect : bool
        Mirror at the case's border instead of filling with zeros.
    """

    points: Tensor
    reflect: bool

    def sample(self, volume: Tensor, *, nearest: bool = False) -> Tensor:
        """Read a case ``(c, z, y, x)`` at the points -> window ``(c, z, y, x)`` float32."""
        sampled: Tensor = grid_sample(
            volume[None].float(),
            self.points,
            mode="nearest" if nearest else "bilinear",
            padding_mode="reflection" if self.reflect else "zeros",
            align_corners=False,
        )
        return sampled[0]


def random_warp(
    centre: Tensor, size: Size3, roi: Size3, limits: WarpRange, generator: torch.Generator
) -> Warp:
    """Draw a warp of a window of `roi` voxels.

    Parameters
    ----------
    centre : Tensor ``(3,)``
        Window centre in voxel coordinates (z, y, x) of the case.
    size, roi : (z, y, x) int
        Voxels of the case and of the window.
    """
    device = centre.device
    shift = _symmetric(3, limits.shift_vox, generator).to(device)
    per_voxel = 2 / torch.tensor(size, device=device, dtype=torch.float32)
    matrix = (_random_matrix(limits, generator).to(device) * per_voxel[:, None]).flip(0)
    origin = ((centre + shift + 0.5) * per_voxel - 1).flip(0)
    axes = [torch.arange(edge, dtype=torch.float32, device=device) - (edge - 1) / 2 for edge in roi]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1) @ matrix.T
    points += origin
    if limits.bend_vox:
        points += _random_bend(roi, limits, per_voxel, generator)
    reflect = bool(torch.rand((), generator=generator) < limits.reflect_share)
    return Warp(points[None], reflect)


def _random_matrix(limits: WarpRange, generator: torch.Generator) -> Tensor:
    matrix = torch.eye(3) + _symmetric((3, 3), limits.shear, generator).fill_diagonal_(0)
    angles = _symmetric(3, math.radians(limits.rotate_deg), generator).tolist()
    for (first, second), angle in zip(((0, 1), (0, 2), (1, 2)), angles, strict=True):
        turn = torch.eye(3)
        turn[first, first] = turn[second, second] = math.cos(angle)
        turn[first, second], turn[second, first] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    scale = 1 + _symmetric(3, limits.scale, generator)
    for axis in limits.flip_axes:
        if torch.rand((), generator=generator) < 0.5:
            scale[axis] *= -1
    return torch.diag(scale) @ matrix


def _random_bend(roi: Size3, limits: WarpRange, per_voxel: Tensor, generator: torch.Generator) -> Tensor:
    """Smooth displacement in units of `Warp.points`: ``(z, y, x, 3)``."""
    coarse = [max(2, round(edge / limits.bend_every_vox) + 1) for edge in roi]
    strength = limits.bend_vox * torch.rand((), generator=generator)
    control = (torch.randn(1, 3, *coarse, generator=generator) * strength).to(per_voxel.device)
    control = (control * per_voxel.view(1, 3, 1, 1, 1)).flip(1)
    return interpolate(control, size=roi, mode="trilinear", align_corners=True)[0].permute(1, 2, 3, 0)


def _symmetric(shape: int | tuple[int, ...], half_range: float, generator: torch.Generator) -> Tensor:
    size = (shape,) if isinstance(shape, int) else shape
    return (torch.rand(size, generator=generator) * 2 - 1) * half_range
