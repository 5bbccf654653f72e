"""Objects that a promptable model segments: what was pointed at, and the voxels it answered with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_scd.engine import PreviousMask, Prompts
from napari_scd.volume import Volume, colour_of_rank

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.boxes import Box

LARGEST_LABEL = 255


class Looked(NamedTuple):
    """Where the network looked for an object: the engine's tokens and scores, and its report."""

    tokens: Volume
    scores: Volume
    stage_scores: np.ndarray
    report: dict[str, Any]


class ScanObject(NamedTuple):
    """One object of a scan.

    Parameters
    ----------
    label
        The number of its voxels.
    name
        What the user calls it.
    prompts
        What was pointed at, in its order.
    box, inside
        Its voxels: a box of the source grid, and (z, y, x) bool in it.
    looked
        Where the network looked for the latest prompt.
    keep
        Share of the tokens that each stage kept.
    times
        When each prompt was given.
    guess
        The name of what a model with names found there; empty = nothing.
    replaces
        The label of the segmentation that it corrects; 0 = it is new there.
    """

    label: int
    name: str
    prompts: Prompts
    box: Box
    inside: np.ndarray
    looked: Looked
    keep: tuple[float, ...] = ()
    times: tuple[str, ...] = ()
    guess: str = ""
    replaces: int = 0

    @property
    def n_voxels(self) -> int:
        """Voxels inside, those that another object covers as well."""
        return int(np.count_nonzero(self.inside))

    def looks_like(self, other: ScanObject) -> bool:
        """Whether another object has the same voxels."""
        return self.box == other.box and bool(np.array_equal(self.inside, other.inside))

    @property
    def n_prompts(self) -> int:
        """Clicks, strokes and boxes."""
        return len(self.prompts.steps)

    @property
    def colour(self) -> tuple[int, int, int]:
        """Red, green and blue, 0-255."""
        return colour_of_rank(self.label - 1)


def from_voxels(one: ScanObject, labels: np.ndarray, affine: np.ndarray) -> ScanObject:
    """Return an object as a label map holds it, which further clicks correct; unchanged if it holds nothing.

    Parameters
    ----------
    labels : (z, y, x)
        Whole numbers on the image's grid.
    affine
        Voxel index -> (S, P, L) mm.
    """
    if not (labels == one.label).any():
        return one
    mask = PreviousMask.of(Volume(labels, affine), one.label)
    z, y, x = (slice(low, low + n) for low, n in zip(mask.low, mask.inside.shape, strict=True))
    return one._replace(prompts=Prompts(previous=mask), box=(z, y, x), inside=mask.inside, times=())


def was_changed(one: ScanObject, labels: np.ndarray) -> bool:
    """Whether a label map holds more of an object than itself, or less than others cover of it."""
    held = labels == one.label
    part = labels[one.box]
    n_kept = np.count_nonzero(held[one.box] & one.inside)
    return bool(np.count_nonzero(held) > n_kept or (one.inside & (part == 0)).any())


def object_of(objects: Iterable[ScanObject], label: int) -> ScanObject | None:
    """Return the object with a label, None when there is none."""
    return next((one for one in objects if one.label == label), None)


def free_label(used: Container[int]) -> int:
    """Return the lowest label that is not used; 0 when all 255 are.

    >>> free_label({1, 2, 4})
    3
    """
    return next((label for label in range(1, LARGEST_LABEL + 1) if label not in used), 0)


def unused_name(wanted: str, names: Iterable[str]) -> str:
    """Return a name that no other structure has, with a number behind it where it must be.

    >>> unused_name("liver", ["Liver", "spleen"])
    'liver 2'
    """
    taken = {name.casefold() for name in names}
    number, name = 2, wanted
    while name.casefold() in taken:
        name, number = f"{wanted} {number}", number + 1
    return name


def not_looked(view: SourceView, n_stages: int, model: str, device: str) -> Looked:
    """Return what stands for tokens before the network has looked anywhere."""
    stage_scores = np.full((n_stages, 1, 1, 1), np.nan, np.float32)
    report = {
        "model": model,
        "n_stages": n_stages,
        "n_windows": 0,
        "device": device,
        "seconds": {"prefix": 0.0, "rest": 0.0, "other": 0.0, "total": 0.0},
        "layer": view.name,
        "orientation_known": bool(view.orientation_known),
    }
    tokens = Volume(np.zeros((1, 1, 1), np.uint8), view.affine)
    scores = tokens.with_array(np.full((1, 1, 1), np.nan, np.float32))
    return Looked(tokens, scores, stage_scores, report)
