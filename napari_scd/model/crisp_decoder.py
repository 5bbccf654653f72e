"""A sharp decoder whose voxels are decided by what lies around them, too."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import leaky_relu, linear, pad

from napari_scd.model.kernels import QuickConvTranspose3d, QuickLinear, chooses, spread
from napari_scd.model.pyramid_decoder import SharpDecoder, doubled
from napari_scd.model.rows import as_row, from_row
from napari_scd.model.sharpening import corner_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.model.decoder import Voxels
    from napari_scd.model.decoder_sizes import DecoderSizes
    from napari_scd.model.sharpening import Decide

_SEEN = 4  # voxels along an edge of what a block is decided by: itself and one more on each side
_WIDER = 4
_SLOPE = 0.01
_PAIR = {2: torch.int32, 4: torch.int64}


class CrispDecoder(SharpDecoder):
    """Ours, for thin structures: `SharpDecoder` with a hidden layer between what it knows and its voxels.

    The sharp level's few features must describe all eight voxels of a block at once. The hidden layer sees
    those features, the block's answer, and the 4 x 4 x 4 voxels in whose middle the block lies; each voxel's
    logits are the sharp level's and a sum over it. That sum starts at zero, so a crisp network can start from
    a trained sharp one. The layer runs only where labels meet, like the last step of the sharp level.
    """

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__(sizes)
        f, out, hidden = sizes.features, sizes.out_channels, _WIDER * sizes.features
        self.near = QuickLinear(f + out + sizes.in_channels * _SEEN**3, hidden)
        self.near_out = QuickConvTranspose3d(hidden, out, kernel_size=2, stride=2, bias=False)
        self.image_shape = (*sizes.roi, sizes.in_channels)
        nn.init.zeros_(self.near_out.weight)
        with torch.no_grad():  # logits are large, differences of voxels are small: so that they count alike
            self.near.weight[:, f : f + out] *= 0.1
            self.near.weight[:, f + out :] *= 4

    def encode_image(self, image: Tensor) -> Tensor:
        """Run the image branches; the image, normalised, comes last: ``(b, c, z, y, x) -> (b, m)``."""
        features = super().encode_image(image)
        return torch.cat([features, as_row(_normed(image)).to(features.dtype)], dim=1)

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map."""
        answer, seen = self._answer(image_features, maps)
        known = torch.cat([self.sharp(self._beside(seen, answer)), answer], dim=1)
        known = known.contiguous(memory_format=torch.channels_last_3d)
        rows, image = known.permute(0, 2, 3, 4, 1), self._image(image_features)
        if voxels is None and chooses(known):
            lines = _lines_around_all(image)

            def both(part: slice) -> Tensor:
                here, around = rows[:, part], lines[:, part].flatten(4).view(image.dtype)
                return torch.cat([here, self._hidden(here, around)], dim=-1)

            weight = torch.cat([self.sharp_out.weight, self.near_out.weight])
            return spread(both, rows.shape[:4], weight, self.sharp_out.bias, known.dtype)
        hidden = self._hidden(rows, _around_all(image).flatten(4)).permute(0, 4, 1, 2, 3)
        return doubled(self.sharp_out, known, voxels) + doubled(self.near_out, hidden, voxels)

    def _deciders(self, image_features: Tensor) -> list[Decide]:
        sharp, bias = corner_weights(self.sharp_out)
        weight = torch.cat([sharp, corner_weights(self.near_out)[0]], dim=1)

        def decide(image: Neighbourhoods, known: Tensor, where: Tensor) -> Tensor:
            return linear(torch.cat([known, self._hidden(known, image.around(where))], dim=1), weight, bias)

        return [partial(decide, Neighbourhoods(image)) for image in self._image(image_features)]

    def _hidden(self, known: Tensor, around: Tensor) -> Tensor:
        """Features and answer ``(..., f + out)``, voxels around ``(..., c 4 4 4)`` -> ``(..., hidden)``."""
        return leaky_relu(self.near(torch.cat([known, around], dim=-1)), _SLOPE, inplace=True)

    def _image(self, image_features: Tensor) -> Tensor:
        """Return the normalised image, which needs no gradient, as ``(b, c, z, y, x)``."""
        return from_row(image_features[:, -math.prod(self.image_shape) :].detach(), self.image_shape)


class Neighbourhoods:
    """The 4 x 4 x 4 voxels around blocks of an image; zero outside it.

    Voxels are taken in pairs along x, in half the time. With a rim of one voxel, every block begins at a
    pair::

        rim, then x = 0, 1, ...    (- 0) (1 2) (3 4) (5 6) ...
        around block 0, x = 0, 1   (- 0) (1 2)
        around block 1, x = 2, 3         (1 2) (3 4)
    """

    def __init__(self, image: Tensor) -> None:
        """Take ``(c, z, y, x)`` with even edges."""
        pairs = pad(image, (1,) * 6).contiguous().view(_PAIR[image.element_size()])
        channel, plane, row, _ = pairs.stride()
        self.dtype, self.pairs = image.dtype, pairs.flatten()
        self.steps = (2 * plane, 2 * row, 1)
        edge, halves = range(_SEEN), range(_SEEN // 2)
        offsets = itertools.product(range(len(image)), edge, edge, halves)
        places = [c * channel + z * plane + y * row + x for c, z, y, x in offsets]
        self.places = torch.tensor(places, device=image.device)

    def around(self, blocks: Tensor) -> Tensor:
        """Take what lies around blocks at z, y, x: ``(3, n) -> (n, c 4 4 4)``."""
        first = sum(at * step for at, step in zip(blocks, self.steps, strict=True))
        return self.pairs.take(first[:, None] + self.places).view(self.dtype)


def _normed(image: Tensor) -> Tensor:
    """Instance norm of the few channels of an image; for them, PyTorch's own is slow."""
    voxels = (2, 3, 4)
    centred = image - image.mean(dim=voxels, keepdim=True)
    length = torch.linalg.vector_norm(centred, dim=voxels, keepdim=True)
    return centred.mul_((length**2 / math.prod(image.shape[2:]) + 1e-5).rsqrt())


def _around_all(image: Tensor) -> Tensor:
    """View what lies around every block: ``(b, c, z, y, x) -> (b, z/2, y/2, x/2, c, 4, 4, 4)``."""
    found = pad(image, (1,) * 6)
    for axis in (2, 3, 4):
        found = found.unfold(axis, _SEEN, 2)
    return found.permute(0, 2, 3, 4, 1, 5, 6, 7)


def _lines_around_all(image: Tensor) -> Tensor:
    """As `_around_all`; four voxels of 16 bits come as one number, which is faster to move."""
    if image.element_size() != torch.bfloat16.itemsize:
        return _around_all(image)
    pairs = pad(image, (1,) * 6).clone(memory_format=torch.contiguous_format).view(torch.int32)
    lines = torch.stack([pairs[..., :-1], pairs[..., 1:]], dim=-1).view(torch.int64)[..., 0]
    return lines.unfold(2, _SEEN, 2).unfold(3, _SEEN, 2).permute(0, 2, 3, 4, 1, 5, 6)
