"""Intensities of windows: normalised as in use, then changed at random; all on the window's own device.

MONAI's random intensity transforms go through numpy on the host, which makes an accelerator wait for every
window; these are the same ideas as tensor operations that stay on the device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn.functional import conv3d, pad

from napari_scd.volume import normalise

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.training.config import LookRange
    from napari_scd.volume import Recipe

_TINY = 1e-6
_DEGREE = 3
_LABELS = 256
_SOFT_EDGE_VOX = 0.8


def normalised(window: Tensor, recipe: Recipe) -> Tensor:
    """Normalise a window ``(c, z, y, x)`` as `napari_scd.volume.normalise` does.

    On the CPU by that function itself; on an accelerator by the same steps as tensor operations.
    """
    if window.device.type == "cpu":
        return torch.from_numpy(normalise(window.numpy(), recipe))
    return torch.stack([normalised_channel(channel, recipe) for channel in window])


def normalised_channel(channel: Tensor, recipe: Recipe) -> Tensor:
    """Take a channel ``(z, y, x)`` through the steps of `normalise` without leaving its device."""
    everywhere = torch.ones_like(channel, dtype=torch.bool)
    counted = channel != 0 if recipe.normalisation == "zscore-nonzero" else everywhere
    rated = channel > channel.min() if recipe.normalisation == "zscore-foreground" else counted
    low, high = channel.min(), channel.max()
    if recipe.clip is not None:
        channel = torch.where(counted, channel.clamp(*recipe.clip), channel)
        low, high = (torch.full_like(low, limit) for limit in recipe.clip)
    n = rated.sum()
    if recipe.clip_percentiles is not None:
        ordered = torch.where(rated, channel, torch.inf).flatten().sort().values
        low, high = (_percentile(ordered, n, share) for share in recipe.clip_percentiles)
        clipped = torch.minimum(torch.maximum(channel, low), high)
        channel = torch.where(counted & (n > 0), clipped, channel)
    if recipe.normalisation == "none":
        return channel
    if recipe.normalisation == "range":
        flat = (high - low) <= _TINY * torch.maximum(low.abs(), high.abs())
        return torch.where(flat, torch.zeros_like(channel), (channel - low) * (2 / (high - low)) - 1)
    wide = torch.float32 if channel.device.type == "mps" else torch.float64
    mean = torch.where(rated, channel, 0).sum(dtype=wide) / n
    variance = (torch.where(rated, channel - mean, 0) ** 2).sum(dtype=wide) / n
    std = torch.where(variance.sqrt() <= _TINY * mean.abs(), torch.inf, variance.sqrt())
    return torch.where(counted & (n > 0), ((channel - mean) / std).to(channel.dtype), channel)


def _percentile(ordered: Tensor, n: Tensor, percent: float) -> Tensor:
    """Linearly interpolated percentile of the first `n` entries of an ascending vector."""
    place = percent / 100 * (n - 1).clamp_min(0).float()
    below = place.floor().long()
    low, high = ordered[below], ordered[torch.minimum(below + 1, (n - 1).clamp_min(0))]
    return torch.lerp(low, high, (place - below).to(low.dtype))


def changed_look(
    window: Tensor, limits: LookRange, strength: float, generator: torch.Generator, noise: torch.Generator
) -> Tensor:
    """Bias field, contrast, scale, shift, blur and noise on a normalised window ``(c, z, y, x)``.

    Parameters
    ----------
    strength : float
        Factor on bias, scale, shift and noise; 0 leaves the window alone.
    generator : torch.Generator
        On the CPU: decides what changes.
    noise : torch.Generator
        On the window's device: draws the noise.
    """
    if not strength:
        return window
    share = torch.rand(6, generator=generator).tolist()
    size = torch.rand(8, generator=generator).tolist()
    if share[0] < limits.bias_share:
        window = window * bias_field(window, limits.bias * strength, generator).exp()
    if share[1] < limits.contrast_share:
        window = _with_contrast(window, between(limits.contrast, size[0]))
    if share[2] < limits.scale_share:
        window = window * (1 + (2 * size[1] - 1) * limits.scale * strength)
    if share[3] < limits.shift_share:
        window = window + (2 * size[2] - 1) * limits.shift * strength
    if share[4] < limits.blur_share:
        window = blurred(window, [between(limits.blur_vox, value) for value in size[3:6]])
    if share[5] < limits.noise_share:
        spread = torch.randn(window.shape, generator=noise, device=window.device)
        window = window + spread * (size[6] * limits.noise * strength)
    return window


def bias_field(window: Tensor, largest: float, generator: torch.Generator) -> Tensor:
    """Logarithm of a smooth field ``(z, y, x)``: Legendre polynomials up to degree 3 in all axes together."""
    n = _DEGREE + 1
    coefficients = (2 * torch.rand((n, n, n), generator=generator) - 1) * largest
    total = sum(torch.meshgrid(*[torch.arange(n)] * 3, indexing="ij"))
    coefficients = (coefficients * (total <= _DEGREE)).to(window.device, non_blocking=True)
    z, y, x = (_legendre(edge, window.device) for edge in window.shape[1:])
    return torch.einsum("ijk,iz,jy,kx->zyx", coefficients, z, y, x)


def changed_structures(
    window: Tensor, label: Tensor, limits: LookRange, generator: torch.Generator
) -> Tensor:
    """Give each structure a gamma curve of its own over the window's range, as contrast agents do.

    The exponent changes smoothly across borders, so that no edge appears where the image has none.

    Parameters
    ----------
    window : Tensor ``(c, z, y, x)``
    label : Tensor ``(1, z, y, x)`` uint8
        Label ids; background keeps its intensities.
    generator : torch.Generator
        On the CPU.
    """
    drawn = torch.rand(_LABELS + 1, generator=generator)
    if drawn[0] >= limits.structure_gamma_share:
        return window
    low, high = limits.structure_gamma
    exponents = low * (high / low) ** drawn[1:]  # log-uniform: darker as often as brighter
    exponents[0] = 1
    field = blurred(exponents.to(window.device)[label.long()], [_SOFT_EDGE_VOX] * 3)
    low_end, high_end = window.amin((1, 2, 3), keepdim=True), window.amax((1, 2, 3), keepdim=True)
    extent = high_end - low_end + _TINY
    return ((window - low_end) / extent) ** field * extent + low_end


def _legendre(edge: int, device: torch.device) -> Tensor:
    """Legendre polynomials 0 to 3 over one axis: ``(4, edge)``."""
    t = torch.linspace(-1, 1, edge, device=device)
    return torch.stack([torch.ones_like(t), t, (3 * t**2 - 1) / 2, (5 * t**3 - 3 * t) / 2])


def _with_contrast(window: Tensor, gamma: float) -> Tensor:
    """Gamma curve over each channel's range, keeping its mean and standard deviation."""
    low, high = window.amin((1, 2, 3), keepdim=True), window.amax((1, 2, 3), keepdim=True)
    curved = ((window - low) / (high - low + _TINY)) ** gamma
    std, mean = torch.std_mean(window, dim=(1, 2, 3), keepdim=True)
    new_std, new_mean = torch.std_mean(curved, dim=(1, 2, 3), keepdim=True)
    return (curved - new_mean) / (new_std + _TINY) * std + mean


def blurred(window: Tensor, sigmas_vox: list[float]) -> Tensor:
    """Blur ``(c, z, y, x)`` with a Gaussian, one standard deviation per axis."""
    result = window[:, None]
    for axis, sigma in enumerate(sigmas_vox):
        radius = max(1, round(3 * sigma))
        t = torch.arange(-radius, radius + 1, device=window.device, dtype=window.dtype)
        kernel = torch.exp(-0.5 * (t / sigma) ** 2)
        shape = [1, 1, 1, 1, 1]
        shape[2 + axis] = len(kernel)
        around = [0, 0, 0, 0, 0, 0]
        around[4 - 2 * axis] = around[5 - 2 * axis] = radius
        result = conv3d(pad(result, around, mode="replicate"), (kernel / kernel.sum()).view(shape))
    return result[:, 0]


def between(limits: tuple[float, float], drawn: float) -> float:
    """Turn a number drawn from [0, 1] into one between the limits."""
    return limits[0] + (limits[1] - limits[0]) * drawn
