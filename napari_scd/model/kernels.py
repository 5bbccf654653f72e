"""Convolutions and instance norms with the fastest kernels PyTorch has; weights and names are unchanged.

Without gradients on a CPU three defaults cost more than the arithmetic: single volumes of medium size are
convolved by a kernel that unrolls every patch into memory, instance norm goes through batch norm, and every
convolution turns channels-first data into its own layout and back. So networks keep their data channels-last
from the image to the logits, and pick their kernels here. Everywhere else, PyTorch chooses.

Two channels a and b of three voxels in memory::

    channels first    a0 a1 a2 b0 b1 b2
    channels last     a0 b0 a1 b1 a2 b2    what a convolution reads at once lies side by side

A transposed convolution whose kernel is its stride writes blocks that do not overlap, so it is one matrix
product for each corner of a block::

    in    1 2           out, corner (0, 0) and the others    1 . 2 .
          3 4           (each product fills one of the       . . . .
                        four places of all blocks)           3 . 4 .
                                                             . . . .
"""

from __future__ import annotations

import copy
import itertools
import math
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from torch import nn
from torch.nn.functional import group_norm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    M = TypeVar("M", bound=nn.Module)

_PLAIN: ContextVar[bool] = ContextVar("plain", default=False)
_ROUNDED = (nn.Linear, nn.Conv3d, nn.ConvTranspose3d)
_PLAIN_BELOW = 1024  # from this many voxels per channel, PyTorch's norm handles channels-last well
_LANES = 16
_PAGED_FROM = 2**25
_CHUNK_VALUES = 2**20
_MANY_PRODUCTS = 2**24
_UNROLLED_BELOW = 20480  # up to this batch * channels * z * y, PyTorch does not use oneDNN


@contextmanager
def plain_kernels() -> Iterator[None]:
    """Let PyTorch choose kernels and layouts, as if this file did not exist: to measure what it gains."""
    token = _PLAIN.set(True)
    try:
        yield
    finally:
        _PLAIN.reset(token)


def narrowed(network: M, dtype: torch.dtype) -> M:
    """Copy a network for runs under autocast: weights rounded to `dtype` every time are rounded once.

    The answers are the same to the last bit. Weights that autocast leaves alone are shared with the original.
    """
    shared = {id(weight): weight for weight in (*network.parameters(), *network.buffers())}
    copied = copy.deepcopy(network, shared)
    for layer in copied.modules():
        if isinstance(layer, _ROUNDED):
            for name, weight in layer.named_parameters(recurse=False):
                setattr(layer, name, nn.Parameter(weight.detach().to(dtype), requires_grad=False))
    return copied


def laid_out(image: Tensor) -> Tensor:
    """Lay ``(b, c, z, y, x)`` out with the channels of a voxel side by side where kernels are chosen here."""
    if not chooses(image):
        return image
    image = image.contiguous(memory_format=torch.channels_last_3d)
    if image.shape[1] == 1:  # fits both layouts: the strides must say which is meant
        _, _, z, y, x = image.shape
        image = image.as_strided(image.shape, (z * y * x, 1, y * x, x, 1))
    return image


def roomy(shape: tuple[int, ...], dtype: torch.dtype, *, zeroed: bool = False) -> Tensor:
    """Tensor on the CPU, uninitialised unless `zeroed`, on huge pages if it is large.

    PyTorch's own allocator asks for pages one by one beyond 32 MiB, which can take longer than filling them.
    NumPy asks for large ones.
    """
    n_bytes = math.prod(shape) * dtype.itemsize
    if n_bytes <= _PAGED_FROM:
        return torch.zeros(shape, dtype=dtype) if zeroed else torch.empty(shape, dtype=dtype)
    room = np.zeros(n_bytes, np.uint8) if zeroed else np.empty(n_bytes, np.uint8)
    return torch.from_numpy(room).view(dtype).view(shape)


def chooses(values: Tensor) -> bool:
    """Whether kernels are chosen here: on a CPU with oneDNN, without gradients, not under a tracer."""
    if values.device.type != "cpu" or torch.is_grad_enabled() or not torch.backends.mkldnn.enabled:
        return False
    watched = torch.jit.is_tracing() or torch.compiler.is_compiling()  # type: ignore[attr-defined, no-untyped-call]
    if watched or _PLAIN.get():
        return False
    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


class QuickLinear(nn.Linear):
    """Linear layer that multiplies with oneDNN in single precision, which on some processors is faster."""

    def forward(self, tokens: Tensor) -> Tensor:
        """``(..., in) -> (..., out)``."""
        if tokens.dtype != torch.float32 or torch.is_autocast_enabled("cpu") or not chooses(tokens):
            return super().forward(tokens)
        if tokens.numel() * self.out_features < _MANY_PRODUCTS:  # the call itself then takes longer
            return super().forward(tokens)
        found: Tensor = torch.ops.mkldnn._linear_pointwise(tokens, self.weight, self.bias, "none", [], "")
        return found


class QuickConv3d(nn.Conv3d):
    """Convolution that uses oneDNN wherever it can, rather than unrolling patches into memory."""

    def forward(self, image: Tensor) -> Tensor:
        """``(b, c, z, y, x) -> (b, out, ...)``."""
        zeros = self.padding if self.padding_mode == "zeros" else ""
        if chooses(image) and self._is_left_aside(image) and not isinstance(zeros, str):
            found: Tensor = torch.mkldnn_convolution(
                image, self.weight, self.bias, zeros, self.stride, self.dilation, self.groups
            )
            return laid_out(found)
        return laid_out(super().forward(image))  # a single channel has no layout to pass on

    def _is_left_aside(self, image: Tensor) -> bool:
        """Whether PyTorch would not use oneDNN by itself."""
        if image.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
            return False
        pointwise = self.kernel_size == (1, 1, 1) and self.stride == (1, 1, 1)
        return pointwise or _is_small(image)


class QuickConvTranspose3d(nn.ConvTranspose3d):
    """Transposed convolution that is a few matrix products where its outputs do not overlap."""

    def forward(self, image: Tensor, output_size: list[int] | None = None) -> Tensor:
        """``(b, c, z, y, x) -> (b, out, s z, s y, s x)``."""
        if not (chooses(image) and self._tiles and output_size is None and self._is_quicker(image)):
            return laid_out(super().forward(image, output_size))
        voxels = image.permute(0, 2, 3, 4, 1)
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else image.dtype
        return spread(lambda part: voxels[:, part], voxels.shape[:4], self.weight, self.bias, dtype)

    def _is_quicker(self, image: Tensor) -> bool:
        """Whether products beat oneDNN: in half precision always, else for many outputs."""
        if image.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
            return True
        return self.stride[0] * self.out_channels >= _LANES

    @property
    def _tiles(self) -> bool:
        plain = self.padding == self.output_padding == (0, 0, 0) and self.dilation == (1, 1, 1)
        return plain and self.groups == 1 and self.kernel_size == self.stride == (self.stride[0],) * 3


def spread(
    voxels: Callable[[slice], Tensor],
    shape: Sequence[int],
    weight: Tensor,
    bias: Tensor | None,
    dtype: torch.dtype,
) -> Tensor:
    """Transposed convolution whose kernel is its stride, as matrix products of a few planes at a time.

    Parameters
    ----------
    voxels : callable
        Planes -> input ``(b, planes, y, x, c)``.
    shape : (b, z, y, x)
        Of the whole input.
    weight : Tensor ``(c, out, s, s, s)``
    bias : Tensor ``(out,)`` or None
    dtype : torch.dtype
        Of the output ``(b, out, s z, s y, s x)``.
    """
    (b, z, y, x), (c, n_out, s) = shape, weight.shape[:3]
    bias = None if bias is None else bias.repeat(s)
    found = roomy((b, z, s, y, s, s * x * n_out), dtype)
    corners = list(itertools.product(range(s), range(s)))  # so that what is moved is whole rows
    weights = [weight[:, :, i, j].permute(2, 1, 0).reshape(-1, c) for i, j in corners]
    step = max(1, _CHUNK_VALUES // (y * x * s * n_out))
    for low in range(0, z, step):  # so that products stay in the cache until they are moved
        part = slice(low, low + step)
        rows = voxels(part).reshape(-1, c)  # with more axes, a product of each line copies the weight
        for (i, j), at_corner in zip(corners, weights, strict=True):
            product = nn.functional.linear(rows, at_corner, bias)
            found[:, part, i, :, j] = product.view(b, -1, y, s * x * n_out)
    return found.view(b, s * z, s * y, s * x, -1).permute(0, 4, 1, 2, 3)


class QuickInstanceNorm3d(nn.InstanceNorm3d):
    """Instance norm as a group norm of single channels, which knows channels-last and half precision."""

    def forward(self, image: Tensor) -> Tensor:
        """``(b, c, z, y, x)`` of mean 0 and standard deviation 1 over the voxels of each channel."""
        if not chooses(image) or self.affine or self.track_running_stats:
            return super().forward(image)
        n_channels = image.shape[1]
        if image[0, 0].numel() < _PLAIN_BELOW:  # so few voxels are slow with their channels side by side
            return laid_out(group_norm(image.contiguous(), n_channels, eps=self.eps))
        if n_channels % _LANES:  # and so is half precision with channels that do not fill a register
            return group_norm(image.float(), n_channels, eps=self.eps).to(image.dtype)
        return group_norm(image, n_channels, eps=self.eps)


def _is_small(image: Tensor) -> bool:
    return image.shape[0] * image.shape[1] * image.shape[2] * image.shape[3] <= _UNROLLED_BELOW
