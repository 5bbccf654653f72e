"""The table of decoders: a new one is a class and one entry here. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_scd.model.decoder_cost import (
    crisp_macs,
    fine_macs,
    half_crisp_macs,
    half_macs,
    pyramid_macs,
    sharp_macs,
    unetr_macs,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.model.decoder_sizes import DecoderSizes


@dataclass(frozen=True)
class DecoderSpec:
    """What is known about a decoder without building it.

    Attributes
    ----------
    home : str
        File of this room and class in it, such as "pyramid_decoder.HalfDecoder"; it is built from
        `DecoderSizes`.
    patches : tuple of int
        Edges of tokens it works with, in voxels.
    macs : callable
        `DecoderSizes` and the number of surviving tokens -> multiply-accumulates of one window.
    dense_skips : tuple of int
        Blocks whose outputs a network without pruning hands to its branches.
    pools : bool
        Whether it halves the token map, which then needs an even number of at least 4 tokens along each axis.
    stem_stride : callable or None
        Patch -> voxels along an edge of the image features that a shared stem sees; None = it shares none.
    finest : int
        Voxels along an edge of the level that has `features` channels.
    sharpens : bool
        Whether it has a level that can run only where labels meet.
    """

    home: str
    patches: tuple[int, ...]
    macs: Callable[[DecoderSizes, int], int]
    dense_skips: tuple[int, ...] = ()
    pools: bool = False
    stem_stride: Callable[[int], int] | None = None
    finest: int = 2
    sharpens: bool = False

    def build(self, sizes: DecoderSizes) -> Any:
        """Build the decoder with random weights; this imports torch."""
        file, name = self.home.split(".")
        return getattr(import_module(f"napari_scd.model.{file}"), name)(sizes)


def _coarsest_level(patch: int) -> int:
    return patch // 2


_SHARP = DecoderSpec(
    "pyramid_decoder.SharpDecoder",
    (8, 16, 32),
    sharp_macs,
    stem_stride=_coarsest_level,
    finest=4,
    sharpens=True,
)

_HALF = DecoderSpec("pyramid_decoder.HalfDecoder", (4, 8, 16), half_macs, stem_stride=lambda patch: 2)

DECODERS: dict[str, DecoderSpec] = {
    "deep8": DecoderSpec("unetr_decoder.DeepDecoder8", (8,), unetr_macs(4), (3, 6, 9), pools=True),
    "shallow8": DecoderSpec("unetr_decoder.ShallowDecoder8", (8,), unetr_macs(3), (4, 8)),
    "unetr16": DecoderSpec("unetr_decoder.UnetrDecoder16", (16,), unetr_macs(4), (3, 6, 9)),
    "unetr4": DecoderSpec("unetr_decoder.UnetrDecoder4", (4,), unetr_macs(3), (4, 8), pools=True),
    "half": _HALF,
    "half-crisp": replace(_HALF, home="crisp_decoder.CrispHalfDecoder", macs=half_crisp_macs, sharpens=True),
    "pyramid": DecoderSpec(
        "pyramid_decoder.PyramidDecoder", (4, 8, 16), pyramid_macs, stem_stride=_coarsest_level
    ),
    "sharp": _SHARP,
    "crisp": replace(_SHARP, home="crisp_decoder.CrispDecoder", macs=crisp_macs),
    "fine": DecoderSpec("fine_decoder.FineDecoder", (8, 16), fine_macs, stem_stride=_coarsest_level),
}
