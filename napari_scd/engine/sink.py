"""Finished planes of logits in, labels on the source grid out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_scd.engine.postprocess import label_map
from napari_scd.engine.wayback import WayBack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_scd.engine.preprocess import Prepared
    from napari_scd.engine.windows import Size3
    from napari_scd.volume import Volume

MAX_LOGIT_BYTES = 2**30


class LabelSink:
    """Takes finished planes of logits and ends as labels on the source grid.

    Parameters
    ----------
    prepared : Prepared
    n_classes : int
    box : (low, high)
        Image voxels of the model grid that will be written; the others stay 0.
    probability : bool
        Also make probabilities.

    Notes
    -----
    Without resampling, planes are turned into labels at once and their logits are freed. With resampling the
    logits are kept in float16 and interpolated linearly to the source voxels; when they would take more than
    1 GiB (and no probability is asked for) the labels go back by nearest neighbour instead.
    """

    def __init__(
        self, prepared: Prepared, n_classes: int, box: tuple[Size3, Size3], *, probability: bool = False
    ) -> None:
        self._prepared = prepared
        self._low, self._high = box
        shape = tuple(b - a for a, b in zip(*box, strict=True))
        self._labels = np.zeros(shape, np.uint8)
        self._seen = np.zeros(shape, bool) if probability else None
        n_bytes = 2 * n_classes * int(np.prod(shape))
        keep_logits = probability or (prepared.resampled and n_bytes <= MAX_LOGIT_BYTES)
        self._logits = torch.zeros((n_classes, *shape), dtype=torch.float16) if keep_logits else None

    def write(self, first: int, logits: Tensor) -> None:
        """Take mean logits ``(classes, planes, y, x)`` from image plane `first` on."""
        here = slice(first - self._low[0], first - self._low[0] + logits.shape[1])
        self._labels[here] = label_map(logits, self._prepared.recipe)
        if self._logits is not None:
            self._logits[:, here] = logits.to(torch.float16)
        if self._seen is not None:
            self._seen[here] = (logits != 0).any(dim=0).numpy()

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
        way = WayBack(self._prepared, self._low, self._high)
        found = way.labels(self._labels, self._logits, self._prepared.recipe)
        if only is not None:
            found = np.where(way.touched(only), found, np.uint8(0))
        if structures:
            keep = np.zeros(256, bool)
            keep[list(structures)] = True
            found = np.where(keep[found], found, np.uint8(0))
        return way.on_source(found), way.region

    def probability(self) -> Volume | None:
        """Class probabilities on the source grid, ``(classes, z, y, x)`` float16; 0 where not computed."""
        if self._seen is None or self._logits is None:
            return None
        way = WayBack(self._prepared, self._low, self._high)
        return way.on_source(way.probabilities(self._logits, self._seen, self._prepared.recipe))
