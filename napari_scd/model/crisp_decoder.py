"""Decoders whose voxels are decided by what lies around them, too."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.functional import conv3d, leaky_relu, linear, pad

from napari_scd.model.decoder import CoarseFirst, Decoder
from napari_scd.model.kernels import QuickConvTranspose3d, QuickLinear, chooses, spread
from napari_scd.model.pyramid_decoder import HalfDecoder, SharpDecoder, doubled
from napari_scd.model.rows import as_row, from_row
from napari_scd.model.sharpening import corner_weights, halved, sharpened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from napari_scd.model.decoder import Voxels
    from napari_scd.model.decoder_sizes import DecoderSizes
    from napari_scd.model.sharpening import Box, Decide, Sharpened

_SEEN = 4  # voxels along an edge of what a block is decided by: itself and one more on each side
_WIDER = 4
_SLOPE = 0.01
_PAIR = {2: torch.int32, 4: torch.int64}


class Hidden(Decoder):
    """What crisp decoders add to a last step: a hidden layer between what a block knows and its voxels.

    The few features of a block must describe all its eight voxels at once. The hidden layer sees those
    features and the 4 x 4 x 4 voxels of the image in whose middle the block lies; each voxel's logits are the
    last step's and a sum over it. That sum starts at zero, so a crisp network can start from a trained one
    without it.
    """

    near: QuickLinear
    near_out: QuickConvTranspose3d
    image_shape: tuple[int, ...]

    def _add_hidden(self, sizes: DecoderSizes, n_known: int) -> None:
        """Add the layer, which sees `n_known` values of each block."""
        hidden = _WIDER * sizes.features
        self.near = QuickLinear(n_known + sizes.in_channels * _SEEN**3, hidden)
        self.near_out = QuickConvTranspose3d(hidden, sizes.out_channels, kernel_size=2, stride=2, bias=False)
        self.image_shape = (*sizes.roi, sizes.in_channels)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the layer's weights; its output starts at zero."""
        self.near.reset_parameters()
        nn.init.zeros_(self.near_out.weight)

    def _with_image(self, features: Tensor, image: Tensor) -> Tensor:
        """Put the normalised image behind the rows ``(b, m)`` of the image branches."""
        return torch.cat([features, as_row(_normed(image)).to(features.dtype)], dim=1)

    def _voxels(
        self, last: nn.ConvTranspose3d, known: Tensor, image: Tensor, voxels: Voxels | None
    ) -> Tensor:
        """Logits of all voxels from what blocks know ``(b, n_known, z/2, y/2, x/2)``."""
        rows = known.permute(0, 2, 3, 4, 1)
        if voxels is None and chooses(known):
            lines = _lines_around_all(image)

            def both(part: slice) -> Tensor:
                here, around = rows[:, part], lines[:, part].flatten(4).view(image.dtype)
                return torch.cat([here, self._hidden(here, around)], dim=-1)

            weight = torch.cat([last.weight, self.near_out.weight])
            return spread(both, rows.shape[:4], weight, last.bias, known.dtype)
        hidden = self._hidden(rows, _around_all(image).flatten(4)).permute(0, 4, 1, 2, 3)
        return doubled(last, known, voxels) + doubled(self.near_out, hidden, voxels)

    def _decider(self, last: nn.ConvTranspose3d, image: Tensor) -> Decide:
        """Return what decides the voxels of single blocks of an image ``(c, z, y, x)``."""
        weight, bias = corner_weights(last)
        weight = torch.cat([weight, corner_weights(self.near_out)[0]], dim=1)
        neighbourhoods, n_known = Neighbourhoods(image), last.in_channels

        def decide(known: Tensor, where: Tensor) -> Tensor:
            known = known[:, :n_known]
            return linear(
                torch.cat([known, self._hidden(known, neighbourhoods.around(where))], dim=1), weight, bias
            )

        return decide

    def _hidden(self, known: Tensor, around: Tensor) -> Tensor:
        """Run the layer: ``(..., n_known)`` and voxels around ``(..., c 4 4 4)`` -> ``(..., hidden)``."""
        return leaky_relu(self.near(torch.cat([known, around], dim=-1)), _SLOPE, inplace=True)

    def _image(self, image_features: Tensor) -> Tensor:
        """Return the normalised image, which needs no gradient, as ``(b, c, z, y, x)``."""
        return from_row(image_features[:, -math.prod(self.image_shape) :].detach(), self.image_shape)


class CrispDecoder(Hidden, SharpDecoder):
    """Ours, for thin structures: `SharpDecoder` with a hidden layer that also sees the block's answer.

    The layer runs only where labels meet, like the last step of the sharp level.
    """

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__(sizes)
        self._add_hidden(sizes, sizes.features + sizes.out_channels)

    def reset_parameters(self) -> None:
        """Draw the layer's weights: small ones for the answer, whose logits are large."""
        super().reset_parameters()
        n_known, n_answers = self.sharp_out.in_channels, self.sharp_out.out_channels
        with torch.no_grad():
            self.near.weight[:, n_known - n_answers : n_known] *= 0.1

    def encode_image(self, image: Tensor) -> Tensor:
        """Run the image branches; the image, normalised, comes last: ``(b, c, z, y, x) -> (b, m)``."""
        return self._with_image(super().encode_image(image), image)

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map."""
        answer, seen = self._answer(image_features, maps)
        known = torch.cat([self.sharp(self._beside(seen, answer)), answer], dim=1)
        known = known.contiguous(memory_format=torch.channels_last_3d)
        return self._voxels(self.sharp_out, known, self._image(image_features), voxels)

    def _deciders(self, image_features: Tensor) -> list[Decide]:
        return [self._decider(self.sharp_out, image) for image in self._image(image_features)]


class CrispHalfDecoder(Hidden, HalfDecoder, CoarseFirst):
    """Ours, for small organs in a large field: `HalfDecoder` with a hidden layer before its voxels.

    A block's answer is the mean of its eight voxels without that layer, which runs only where labels meet.
    """

    def __init__(self, sizes: DecoderSizes) -> None:
        super().__init__(sizes)
        self._add_hidden(sizes, sizes.features)
        z, y, x = (edge // 2 for edge in sizes.roi)
        self.half_shape = (z, y, x, sizes.features)

    def encode_image(self, image: Tensor) -> Tensor:
        """Run the image branch; the image, normalised, comes last: ``(b, c, z, y, x) -> (b, m)``."""
        return self._with_image(as_row(super().encode_image(image)), image)

    def for_stem(self, image_features: Tensor) -> Tensor:
        """Return the image branch ``(b, f, z/2, y/2, x/2)``."""
        return from_row(image_features[:, : math.prod(self.half_shape)], self.half_shape)

    def forward(self, image_features: Tensor, maps: Sequence[Tensor], voxels: Voxels | None = None) -> Tensor:
        """Decode one token map."""
        known = self.joined(self.for_stem(image_features), maps[0])
        return self._voxels(self.out, known, self._image(image_features), voxels)

    def sharpen(
        self, image_features: Tensor, token_map: Tensor, boxes: Sequence[Box | None]
    ) -> list[Sharpened]:
        """Decode one token map, voxel by voxel only where labels meet in each window's box of voxels."""
        known = self.joined(self.for_stem(image_features), token_map)
        weight = self.out.weight.mean(dim=(2, 3, 4)).T[..., None, None, None]
        answers = conv3d(known, weight, self.out.bias)
        found = []
        for here, answer, image, box in zip(known, answers, self._image(image_features), boxes, strict=True):

            def detail(box: Box, here: Tensor = here) -> Tensor:
                return here[(slice(None), *(slice(a, b) for a, b in zip(*box, strict=True)))]

            blocks = None if box is None else halved(box)
            found.append(sharpened(answer, detail, self._decider(self.out, image), blocks))
        return found


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
