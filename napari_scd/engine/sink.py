"""Finished planes of logits in, labels on the source grid out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_scd.engine.parts import stray_parts
from napari_scd.engine.postprocess import mean_certainty
from napari_scd.engine.wayback import WayBack
from napari_scd.model import roomy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from napari_scd.engine.blend import Planes
    from napari_scd.engine.parts import StrayPart
    from napari_scd.engine.preprocess import Prepared
    from napari_scd.engine.sharp_canvas import SharpPlanes
    from napari_scd.engine.windows import Size3
    from napari_scd.volume import Volume

FULL_PRECISION_BYTES = 2**28
MAX_LOGIT_BYTES = 2**30


class LabelSink:
    """Takes finished planes of logits and turns them into labels on the source grid.

    Parameters
    ----------
    prepared : Prepared
    n_classes : int
    box : (low, high)
        Image voxels of the model grid that will be written; the others stay 0.
    probability, masks, confidence : bool
        Whether to make probabilities, a mask of each label, and how certain each label is.

    Notes
    -----
    Without resampling, planes are turned into labels at once and their logits are freed. With resampling the
    logits are kept (float32 up to 256 MiB, else float16) and interpolated linearly to the source voxels; when
    they would take more than 1 GiB, and nothing else needs them, labels go back by nearest neighbour.
    """

    def __init__(
        self,
        prepared: Prepared,
        n_classes: int,
        box: tuple[Size3, Size3],
        *,
        probability: bool = False,
        masks: bool = False,
        confidence: bool = False,
    ) -> None:
        self._way = WayBack(prepared, *box)
        self._recipe = prepared.recipe
        self._low = box[0]
        z, y, x = (b - a for a, b in zip(*box, strict=True))
        self._labels = np.zeros((z, y, x), np.uint8)
        self._seen = np.zeros((z, y, x), bool) if probability else None
        self._percent = np.zeros((z, y, x), np.uint8) if confidence else None
        self._masks = masks
        self._spacing_mm = prepared.spacing_mm
        self._stray: tuple[StrayPart, ...] = ()
        n_values = n_classes * z * y * x
        keep_logits = probability or masks or (prepared.resampled and 2 * n_values <= MAX_LOGIT_BYTES)
        dtype = torch.float32 if 4 * n_values <= FULL_PRECISION_BYTES else torch.float16
        self._logits = roomy((z, y, x, n_classes), dtype, zeroed=True) if keep_logits else None

    @property
    def needs_means(self) -> bool:
        """Whether planes must come with mean logits; labels alone are those of sums."""
        return self._logits is not None or self._percent is not None

    @property
    def shape(self) -> Size3:
        """Voxels of the box."""
        z, y, x = self._labels.shape
        return z, y, x

    def write(self, planes: Iterable[Planes | SharpPlanes], labels: NDArray[np.uint8] | None = None) -> None:
        """Take finished planes, and labels ``(z, y, x)`` of the box if they are known already."""
        for part in planes:
            first = part.first - self._low[0]
            here = slice(first, first + part.n_planes)
            self._labels[here] = part.labels(self._recipe) if labels is None else labels[here]
            if self._logits is not None:
                self._logits[here] = part.logits.permute(1, 2, 3, 0).to(self._logits.dtype)
            if self._percent is not None:
                self._percent[here] = part.certainty(self._recipe)
            if self._seen is not None:
                self._seen[here] = part.seen.numpy()

    def clean_up(self) -> None:
        """Remove stray parts of structures that are in one piece; call it when a whole scan is written.

        They become background, in labels and masks but not in probabilities.
        """
        self._stray = tuple(stray_parts(self._labels, self._spacing_mm, self._recipe))

    def removed_ml(self) -> dict[int, float]:
        """Volume that `clean_up` removed, by label id; empty when it removed nothing."""
        voxel_ml = math.prod(self._spacing_mm) / 1000
        removed: dict[int, float] = {}
        for part in self._stray:
            removed[part.label] = removed.get(part.label, 0.0) + int(part.mask.sum()) * voxel_ml
        return removed

    def labels(
        self, structures: Sequence[int] = (), only: NDArray[np.bool_] | None = None
    ) -> tuple[Volume, tuple[slice, slice, slice]]:
        """Labels on the source grid and the slices of it that were computed.

        Parameters
        ----------
        structures : sequence of int
            Label ids to keep; empty = all.
        only : bool, shape of the box, optional
            Keep labels where this is true (on the model grid).
        """
        found = self._found(only)
        if structures:
            keep = np.zeros(256, np.uint8)
            keep[list(structures)] = list(structures)
            found = keep[found]
        return self._way.on_source(found), self._way.region

    def confidence(self) -> Volume | None:
        """Probability of each voxel's label in per cent, uint8 on the source grid; 0 where not computed."""
        if self._percent is None:
            return None
        return self._way.on_source(self._way.nearest(self._percent))

    def certainties(self, indices: Iterable[int]) -> dict[int, float]:
        """Mean probability of each structure's voxels on the model grid, 0-1; empty unless asked for."""
        return {} if self._percent is None else mean_certainty(self._labels, self._percent, indices)

    def probability(self) -> Volume | None:
        """Class probabilities on the source grid, ``(classes, z, y, x)`` float16; 0 where not computed."""
        if self._seen is None or self._logits is None:
            return None
        return self._way.on_source(self._way.probabilities(self._logits, self._seen, self._recipe))

    def masks(self, structures: Sequence[int] = (), only: NDArray[np.bool_] | None = None) -> Volume | None:
        """Masks of the labels 1, 2, ... on the source grid, ``(labels, z, y, x)`` bool, when asked for.

        For a sigmoid model, a mask is where the label's probability is above one half, regardless of
        precedence. Parameters as for `labels`.
        """
        if not self._masks or self._logits is None:
            return None
        if self._recipe.activation == "sigmoid":
            masks = self._way.above_zero(self._logits)
        else:
            found = self._found()
            masks = np.stack([found == index for index in range(1, self._logits.shape[-1])])
        if only is not None:
            masks &= self._way.touched(only)
        if structures:
            masks &= np.isin(np.arange(1, 1 + len(masks)), structures)[:, None, None, None]
        return self._way.on_source(masks)

    def _found(self, only: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
        found = self._way.labels(self._labels, self._logits, self._recipe, only)
        if self._stray:
            found = found.copy() if found is self._labels else found
            self._way.remove(self._stray, found)
        return found
