"""Shows the network one window: image, answer so far and prompts in, probabilities and tokens out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_scd.engine.cache import ByteCache
from napari_scd.engine.prompts.pyramid import Pyramid
from napari_scd.engine.prompts.window import Space
from napari_scd.engine.reading import ReadImage
from napari_scd.model import BOX_VALUE, RADIUS_VOX, draw_points
from napari_scd.volume import normalise

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.engine.compiled import CompiledNetwork
    from napari_scd.engine.hardware import Hardware
    from napari_scd.engine.preprocess import Prepared
    from napari_scd.engine.prompts.window import Floats, ScanWindow
    from napari_scd.engine.windows import Size3
    from napari_scd.model import Keep, ScdNetwork

IMAGE_CACHE_BYTES = 2**26
LOOK_CACHE_BYTES = 2**26


class Look(NamedTuple):
    """What the network said about a window.

    Attributes
    ----------
    probability : float16 of shape ``roi``
    exit_stage : ``(n,)`` uint8
    scores : ``(S, n)`` float32
    """

    probability: NDArray[np.float16]
    exit_stage: NDArray[np.uint8]
    scores: NDArray[np.float32]


class Pointed(NamedTuple):
    """Prompts on the oriented scan.

    Attributes
    ----------
    included, excluded : tuple of (z, y, x)
    box : (low, high) or None
        High is exclusive.
    """

    included: tuple[Size3, ...]
    excluded: tuple[Size3, ...]
    box: tuple[Size3, Size3] | None


class PromptScan:
    """A scan that windows are cut from, and what the network said about those it has seen.

    Parameters
    ----------
    prepared : Prepared
        Not resampled, read box by box.
    """

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared
        self.space = Space(prepared.oriented_shape, prepared.spacing_mm)
        assert isinstance(prepared.image, ReadImage), "`can_read` holds for every recipe that takes prompts"
        self.pyramid = Pyramid(prepared.image, self.space, float(prepared.fill[0]))
        self.looks: ByteCache[Look] = ByteCache(LOOK_CACHE_BYTES)
        self._images: ByteCache[Floats] = ByteCache(IMAGE_CACHE_BYTES)

    def image(self, window: ScanWindow) -> Floats:
        """Cut and normalise a window of the image."""
        image = self._images.get(window)
        if image is None:
            raw = self.pyramid.window(window)
            image = np.asarray(normalise(raw[None], self.prepared.recipe)[0], np.float32)
            self._images.put(window, image)
        return image


@dataclass
class Looker:
    """A network that looks at windows of one scan.

    Parameters
    ----------
    network : ScdNetwork or CompiledNetwork
    hardware : Hardware
    keep : Keep
    scan : PromptScan

    Attributes
    ----------
    prefix_s, rest_s : float
        Seconds before the first stage and after it.
    n_computed : int
        Windows that were not in memory.
    """

    network: ScdNetwork | CompiledNetwork
    hardware: Hardware
    keep: Keep
    scan: PromptScan
    prefix_s: float = field(default=0.0, init=False)
    rest_s: float = field(default=0.0, init=False)
    n_computed: int = field(default=0, init=False)

    def look(self, window: ScanWindow, seen: Floats, pointed: Pointed, known_as: Hashable) -> Look:
        """Ask the network about a window.

        Parameters
        ----------
        window : ScanWindow
        seen : float32 of shape ``roi``
            The answer so far, 0 to 1.
        pointed : Pointed
        known_as : hashable
            Everything else that the answer depends on: it is remembered under this name.
        """
        key = (known_as, window)
        known = self.scan.looks.get(key)
        if known is None:
            known = self._ask(input_of(self.scan.image(window), window, seen, pointed))
            self.scan.looks.put(key, known)
        return known

    def _ask(self, window: Tensor) -> Look:
        with torch.inference_mode(), self.hardware.autocast():
            began = time.perf_counter()
            prefix = self.network.prefix(window[None].to(self.hardware.device))
            self._synchronise()
            between = time.perf_counter()
            logits, trace = self.network.rest(prefix, self.keep, return_trace=True)
            probability = logits[0, 0].float().sigmoid().to(torch.float16).cpu().numpy()
            exit_stage = trace.exit_stage[0].to(torch.uint8).cpu().numpy()
            scores = trace.scores[0].float().cpu().numpy()
        self.prefix_s += between - began
        self.rest_s += time.perf_counter() - between
        self.n_computed += 1
        return Look(probability, exit_stage, scores)

    def _synchronise(self) -> None:
        if self.hardware.device.type == "cuda":
            torch.cuda.synchronize(self.hardware.device)


def input_of(image: Floats, window: ScanWindow, seen: Floats, pointed: Pointed) -> Tensor:
    """Stack the network's channels: image, answer so far, include balls, exclude balls; ``(4, *roi)``.

    While there is no answer, the inside of a box takes its place, at one half.
    """
    previous = torch.from_numpy(np.ascontiguousarray(seen, np.float32))
    if pointed.box is not None and not bool((previous > 0).any()):
        previous = _drawn_box(window, *pointed.box)
    include = draw_points(_near(window, pointed.included), window.roi)
    exclude = draw_points(_near(window, pointed.excluded), window.roi)
    return torch.stack([torch.from_numpy(image), previous, include, exclude])


def _near(window: ScanWindow, places: Sequence[Size3]) -> Tensor:
    """Return the indices into a window of places whose balls reach into it, each voxel once."""
    if not places:
        return torch.zeros(0, 3)
    indices = np.rint(window.index_of(np.asarray(places, float)))
    far = (indices <= -RADIUS_VOX) | (indices >= np.asarray(window.roi) - 1 + RADIUS_VOX)
    return torch.from_numpy(np.unique(indices[~far.any(axis=1)], axis=0))


def _drawn_box(window: ScanWindow, low: Size3, high: Size3) -> Tensor:
    axes = []
    for axis, (a, b) in enumerate(zip(low, high, strict=True)):
        places = window.axis_places(axis)
        axes.append(torch.from_numpy((places > a - 0.5) & (places < b - 0.5)))
    z, y, x = axes
    inside = z[:, None, None] & y[:, None] & x
    return inside.float().mul_(BOX_VALUE)
