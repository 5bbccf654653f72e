"""One random deformation per window: crop, flip, rotate, scale and bend in a single interpolation.

A window is sampled straight from the whole case, so nothing is interpolated twice and rotated corners show
real anatomy where there is some. Random numbers are drawn on the CPU; the sampling runs on any device, and
only the part of the case that a window can reach is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

if TYPE_CHECKING:
    from napari_scd.training.config import WarpRange

Size3 = tuple[int, int, int]


@dataclass(frozen=True)
class Warp:
    """Where each voxel of a window is read from.

    Attributes
    ----------
    box : three slices
        The part of the case the window can reach.
    points : Tensor ``(1, z, y, x, 3)``
        Places in the box as `grid_sample` takes them: (x, y, z), each from -1 to 1 across the box.
    reflect : bool
        Mirror at the case's border instead of filling with zeros.
    flipped : tuple of int
        Array axes that are mirrored.
    """

    box: tuple[slice, slice, slice]
    points: Tensor
    reflect: bool
    flipped: tuple[int, ...]

    def sample(self, volume: Tensor, *, nearest: bool = False) -> Tensor:
        """Read a case ``(c, z, y, x)`` at the points -> window ``(c, z, y, x)`` float32 on their device."""
        part = volume[(slice(None), *self.box)].to(self.points.device, non_blocking=True)
        sampled: Tensor = grid_sample(
            part[None].float(),
            self.points,
            mode="nearest" if nearest else "bilinear",
            padding_mode="reflection" if self.reflect else "zeros",
            align_corners=False,
        )
        return sampled[0]

    def inside(self) -> Tensor:
        """Return which voxels of the window lie in the case: ``(z, y, x)`` bool."""
        return (self.points[0].abs() <= 1).all(dim=-1)


def random_warp(
    centre: Tensor,
    size: Size3,
    roi: Size3,
    limits: WarpRange,
    generator: torch.Generator,
    device: torch.device | str = "cpu",
    *,
    step_vox: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Warp:
    """Draw a warp of a window of `roi` voxels.

    Parameters
    ----------
    centre : Tensor ``(3,)``
        Window centre in voxel coordinates (z, y, x) of the case, on the CPU.
    size, roi : (z, y, x) int
        Voxels of the case and of the window.
    limits : WarpRange
    generator : torch.Generator
        On the CPU.
    device
        Where windows are made.
    step_vox : (z, y, x) float
        Voxels of the case for each voxel of the window, where their spacings differ.
    """
    step = torch.tensor(step_vox, dtype=torch.float32)
    shift = _symmetric(3, limits.shift_vox, generator) * step
    matrix, flipped = _random_matrix(limits, generator)
    matrix = step[:, None] * matrix
    control = _random_control(roi, limits, generator) * step.view(1, 3, 1, 1, 1) if limits.bend_vox else None
    reflect = bool(torch.rand((), generator=generator) < limits.reflect_share)
    at = centre + shift
    box = _whole(size) if reflect else _reach(at, matrix, control, size, roi)
    low = torch.tensor([float(part.start) for part in box])
    per_voxel = 2 / torch.tensor([float(part.stop - part.start) for part in box])
    scaled = (matrix * per_voxel[:, None]).flip(0).to(device, non_blocking=True)
    origin = ((at - low + 0.5) * per_voxel - 1).flip(0).to(device, non_blocking=True)
    axes = [torch.arange(edge, dtype=torch.float32, device=device) - (edge - 1) / 2 for edge in roi]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1) @ scaled.T
    points += origin
    if control is not None:
        bend = (control * per_voxel.view(1, 3, 1, 1, 1)).flip(1).to(device, non_blocking=True)
        points += interpolate(bend, size=roi, mode="trilinear", align_corners=True)[0].permute(1, 2, 3, 0)
    return Warp(box, points[None], reflect, flipped)


def _random_matrix(limits: WarpRange, generator: torch.Generator) -> tuple[Tensor, tuple[int, ...]]:
    """Window offset -> case offset, both (z, y, x) in voxels; and which axes it mirrors."""
    matrix = torch.eye(3) + _symmetric((3, 3), limits.shear, generator).fill_diagonal_(0)
    angles = _symmetric(3, math.radians(limits.rotate_deg), generator).tolist()
    for plane, angle in zip(((0, 1), (0, 2), (1, 2)), angles, strict=True):
        matrix = matrix @ _turn(plane, angle)
    scale = 1 + _symmetric(3, limits.scale, generator)
    flipped = tuple(
        axis for axis in limits.flip_axes if torch.rand((), generator=generator) < limits.flip_share
    )
    for axis in flipped:
        scale[axis] *= -1
    matrix = torch.diag(scale) @ matrix
    if limits.turn_share and torch.rand((), generator=generator) < limits.turn_share:
        quarters = int(torch.randint(1, 4, (), generator=generator))
        matrix = (_turn(limits.turn_axes, quarters * math.pi / 2) @ matrix).contiguous()
    return matrix, flipped


def _turn(plane: tuple[int, ...], angle: float) -> Tensor:
    first, second = plane
    turn = torch.eye(3)
    turn[first, first] = turn[second, second] = math.cos(angle)
    turn[first, second], turn[second, first] = -math.sin(angle), math.sin(angle)
    return turn


def _random_control(roi: Size3, limits: WarpRange, generator: torch.Generator) -> Tensor:
    """Displacements of the control points, (z, y, x) in voxels: ``(1, 3, ...)``."""
    coarse = [max(2, round(edge / limits.bend_every_vox) + 1) for edge in roi]
    strength = limits.bend_vox * torch.rand((), generator=generator)
    return torch.randn(1, 3, *coarse, generator=generator) * strength


def _reach(
    at: Tensor, matrix: Tensor, control: Tensor | None, size: Size3, roi: Size3
) -> tuple[slice, slice, slice]:
    """Box of the case that holds every point of a window and its neighbours, or one voxel."""
    half = matrix.abs() @ ((torch.tensor(roi, dtype=torch.float32) - 1) / 2)
    if control is not None:
        half = half + control.abs().amax(dim=(0, 2, 3, 4))
    slices = []
    for middle, extent, edge in zip(at.tolist(), half.tolist(), size, strict=True):
        low = min(max(math.floor(middle - extent) - 2, 0), edge - 1)
        slices.append(slice(low, max(min(math.ceil(middle + extent) + 3, edge), low + 1)))
    z, y, x = slices
    return z, y, x


def _whole(size: Size3) -> tuple[slice, slice, slice]:
    z, y, x = (slice(0, edge) for edge in size)
    return z, y, x


def _symmetric(shape: int | tuple[int, ...], half_range: float, generator: torch.Generator) -> Tensor:
    size = (shape,) if isinstance(shape, int) else shape
    return (torch.rand(size, generator=generator) * 2 - 1) * half_range
