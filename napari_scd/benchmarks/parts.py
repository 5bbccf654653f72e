"""Where a window's time goes: image branch, encoder, token assembly, decoder."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

    from napari_scd.benchmarks.bench import Bench
    from napari_scd.model import ScdNetwork


class PartTimes(NamedTuple):
    """Seconds of one window.

    Attributes
    ----------
    image_s : float
        The decoder's branch that sees the raw image.
    prefix_s : float
        Stem and encoder blocks before the first stage: no keep ratio changes them.
    blocks_s : float
        Encoder behind it, with pruning.
    assembly_s : float
        Token assembly.
    decoder_s : float
        From the completed tokens to logits.
    other_s : float
        What lies between the parts.
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
        """Encoder before and behind the first stage."""
        return self.prefix_s + self.blocks_s

    @property
    def whole_decoder_s(self) -> float:
        """Image branch and decoder."""
        return self.image_s + self.decoder_s


def time_parts(network: ScdNetwork, image: Tensor, keep: float | None, bench: Bench) -> PartTimes:
    """Run windows ``(b, c, z, y, x)`` once; seconds are per window of the batch."""
    with _watched(network, bench) as seconds, torch.inference_mode(), bench.hardware.autocast():
        start = bench.now()
        network(image, keep)
        total = bench.now() - start
    parts = [seconds[name] for name in ("image", "prefix", "blocks", "assembly", "decoder")]
    share = 1 / len(image)
    return PartTimes._make(part * share for part in (*parts, total - sum(parts)))


@contextmanager
def _watched(network: ScdNetwork, bench: Bench) -> Iterator[dict[str, float]]:
    """While entered, the network's parts add their seconds to what is yielded."""
    places: list[tuple[str, nn.Module, str]] = [
        ("image", network.decoder, "encode_image"),
        ("prefix", network.encoder, "prefix"),
        ("blocks", network.encoder, "rest"),
        ("decoder", network.decoder, "forward"),
    ]
    if network.completion is not None:
        places.append(("assembly", network.completion, "forward"))
    seconds = {"assembly": 0.0, **{part: 0.0 for part, _, _ in places}}
    for part, module, method in places:
        setattr(module, method, _timed(getattr(module, method), part, seconds, bench))
    try:
        yield seconds
    finally:
        for _, module, method in places:
            delattr(module, method)  # the method of the class shows again


def _timed(
    call: Callable[..., Any], part: str, seconds: dict[str, float], bench: Bench
) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        start = bench.now()
        result = call(*arguments, **named)
        seconds[part] += bench.now() - start
        return result

    return timed
