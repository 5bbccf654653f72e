"""How a window's time is spent: image branch, encoder, token assembly, decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

from napari_scd.benchmarks.call_watch import CallWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_scd.benchmarks.timer import Timer
    from napari_scd.model import ScdNetwork

PARTS = ("image", "prefix", "blocks", "assembly", "decoder")


class PartTimes(NamedTuple):
    """Seconds of one window.

    Attributes
    ----------
    image_s : float
        The decoder's branch that sees the raw image.
    prefix_s : float
        Stem and encoder blocks before the first stage: no keep ratio changes them.
    blocks_s : float
        Encoder after it, with pruning.
    assembly_s : float
        Token assembly.
    decoder_s : float
        From the completed tokens to logits.
    other_s : float
        Time between the parts.
    """

    image_s: float
    prefix_s: float
    blocks_s: float
    assembly_s: float
    decoder_s: float
    other_s: float

    @property
    def total_s(self) -> float:
        """All parts."""
        return sum(self)

    @property
    def whole_encoder_s(self) -> float:
        """Encoder before and after the first stage."""
        return self.prefix_s + self.blocks_s

    @property
    def whole_decoder_s(self) -> float:
        """Image branch and decoder."""
        return self.image_s + self.decoder_s


def time_parts(network: ScdNetwork, image: Tensor, keep: float | None, timer: Timer) -> PartTimes:
    """Run windows ``(b, c, z, y, x)`` once; seconds are per window of the batch."""
    watch = CallWatch(_functions(network), timer.now)
    with torch.inference_mode(), timer.hardware.autocast(), watch:
        start = timer.now()
        network(image, keep)
        total = timer.now() - start
    parts = [watch.seconds[name] for name in PARTS]
    share = 1 / len(image)
    return PartTimes._make(part * share for part in (*parts, total - sum(parts)))


def _functions(network: ScdNetwork) -> dict[str, list[Callable[..., object]]]:
    """Functions of the network that make up each part."""
    decoder, encoder = type(network.decoder), type(network.encoder)
    return {
        "image": [decoder.encode_image],
        "prefix": [encoder.prefix],
        "blocks": [encoder.rest],
        "assembly": [] if network.completion is None else [type(network.completion).forward],
        "decoder": [decoder.forward],
    }
