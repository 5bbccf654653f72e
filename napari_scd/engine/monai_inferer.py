"""The engine as a MONAI inferer: scan in, label map out, inside any MONAI workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.inferers import Inferer

from napari_scd.engine.request import Request
from napari_scd.engine.session import Session
from napari_scd.errors import InputError
from napari_scd.volume import LabelTable, Recipe, Volume, spl_from_ras

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_scd.model import ScdNetwork


class ScdInferer(Inferer):  # type: ignore[misc]
    """Segments whole scans as `napari-scd segment` does: turned, resampled, normalised, and back again.

    Parameters
    ----------
    recipe : mapping
        How the network wants its input (`Recipe.to_dict`).
    labels : sequence of mapping
        The structures (`LabelTable.to_list`).
    keep : float, sequence of float or None
        Share of the living tokens each stage keeps; None = the model's own.
    points_ras_mm : sequence of (R, A, S)
        Keep the structures under these points only; click models need at least one.
    stride, device, precision
        As in `Request`.
    """

    def __init__(
        self,
        recipe: Mapping[str, Any],
        labels: Sequence[Mapping[str, Any]],
        keep: float | Sequence[float] | None = None,
        points_ras_mm: Sequence[Sequence[float]] = (),
        stride: int | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        super().__init__()
        self.recipe = Recipe.from_dict(dict(recipe))
        self.labels = LabelTable.from_list(labels)
        self.points = tuple(tuple(float(mm) for mm in point) for point in points_ras_mm)
        ratios = keep if keep is None or isinstance(keep, int | float) else tuple(keep)
        self.request = Request(keep=ratios, stride=stride, device=device, precision=precision)

    def __call__(self, inputs: torch.Tensor, network: ScdNetwork, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Segment a batch of scans.

        Parameters
        ----------
        inputs : MetaTensor ``(b, c, x, y, z)``
            As MONAI loads scans, neither turned nor resampled nor normalised; with its affine to (R, A, S)
            mm.
        network : ScdNetwork

        Returns
        -------
        MetaTensor ``(b, 1, x, y, z)`` uint8
            Label maps on the scans' own grids.

        Raises
        ------
        InputError
            If the scans have no affine or do not suit the model.
        """
        if not isinstance(inputs, MetaTensor):
            raise InputError("The inferer needs scans with an affine: load them with MONAI's LoadImage.")
        session = Session(network, self.recipe, self.labels)
        affines = inputs.affine.cpu().numpy().astype(np.float64).reshape(-1, 4, 4)
        found = []
        for index, scan in enumerate(inputs):
            array = scan.detach().cpu().numpy()
            place = spl_from_ras(affines[index if len(affines) > 1 else 0])
            session.set_volume(Volume(array if len(array) > 1 else array[0], place))
            found.append(self._labels_of(session))
        answer: torch.Tensor = inputs[:, :1].clone().to(torch.uint8)
        answer.copy_(torch.from_numpy(np.stack(found)[:, None]))
        return answer

    def _labels_of(self, session: Session) -> np.ndarray:
        if not self.points:
            return session.segment(self.request).labels.array.astype(np.uint8)
        volume = session.volume
        assert volume is not None  # it was just set
        labels = np.zeros(volume.spatial_shape, np.uint8)
        for point in self.points:
            clicked = session.click(volume.index_of(point).tolist(), self.request).segmentation
            np.copyto(labels, clicked.labels.array.astype(np.uint8), where=labels == 0)
        return labels
