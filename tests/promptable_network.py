"""A promptable network whose answers are known: whatever is as bright as the place clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import nn

from napari_scd.engine import Session
from napari_scd.model import EXCLUDE, IMAGE, INCLUDE, PREVIOUS, MacsByPart, ModelConfig, Prefix, Trace
from napari_scd.model.keep import keep_per_stage
from napari_scd.volume import LabelTable, Recipe, Volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.model import Keep, ScdNetwork

RECIPE = Recipe("any", normalisation="none", normalise_over="window", activation="sigmoid", field="prompt")
REACH_VOX = 12.0


class Likeness(nn.Module):
    """Stands in for a network: inside is what has the brightness of the include prompts.

    Excluded is what has the brightness of the exclude prompts and lies within 12 voxels of the window of one.
    Without a click in the window, the previous mask stays.
    """

    chooser = "learned"

    def __init__(self, roi: tuple[int, int, int] = (32, 32, 32), patch: int = 8) -> None:
        super().__init__()
        tiny: dict[str, Any] = {
            "embed_dim": 24,
            "depth": 2,
            "heads": 2,
            "prune_after": (0,),
            "prune_ratio": (0.5,),
        }
        self.config = ModelConfig(roi=roi, patch=patch, in_channels=4, out_channels=1, **tiny)
        self.windows: list[torch.Tensor] = []

    @property
    def n_asked(self) -> int:
        return len(self.windows)

    def prefix(self, image: torch.Tensor) -> Prefix:
        assert tuple(image.shape[1:]) == (4, *self.config.roi)
        self.windows.append(image[0].clone())
        means = torch.nn.functional.avg_pool3d(image[:, :1], self.config.patch).flatten(2).transpose(1, 2)
        return Prefix(torch.cat([means[:, :1] * 0, means], dim=1), image)

    def rest(
        self, prefix: Prefix, keep: Keep = None, return_trace: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, Trace]:
        logits = self._logits(prefix.image_features[0])[None, None]
        means = prefix.tokens[:, 1:, 0]
        trace = Trace(1 + (means > means.mean()).long(), -means.abs()[:, None], prefix.tokens[:, 1:])
        return (logits, trace) if return_trace else logits

    def _logits(self, window: torch.Tensor) -> torch.Tensor:
        image, previous, include, exclude = (
            window[channel] for channel in (IMAGE, PREVIOUS, INCLUDE, EXCLUDE)
        )
        inside = previous > 0.5
        if (include == 1).any():
            inside = (image - image[include == 1].mean()).abs() < 0.5
        if (previous == 0.5).all(dim=None) or ((previous == 0.5).any() and not (include == 1).any()):
            inside = (previous == 0.5) & (image > 0.5)
        for z, y, x in torch.nonzero(exclude == 1).tolist():
            places = torch.stack(torch.meshgrid(*map(torch.arange, image.shape), indexing="ij"))
            away = (places - torch.tensor([z, y, x]).view(3, 1, 1, 1)).square().sum(0).sqrt()
            inside &= ~((away < REACH_VOX) & ((image - image[z, y, x]).abs() < 0.5))
        return 20.0 * (inside.float() - 0.5)

    def keep_per_stage(self, keep: Keep = None) -> tuple[float, ...]:
        return keep_per_stage(keep, self.config.default_keep)

    def token_counts(self, keep: Keep = None) -> tuple[int, ...]:
        return (self.config.n_tokens, self.config.n_tokens // 2)

    def macs(self, keep: Keep = None) -> MacsByPart:
        return MacsByPart(1000 if keep == 1.0 else 600, 100, 300)


def make_promptable(volume: Volume | None = None, **sizes: Any) -> Session:
    """Session around `Likeness`, with a volume in use."""
    session = Session(cast("ScdNetwork", Likeness(**sizes)), RECIPE, LabelTable.from_names(["object"]))
    if volume is not None:
        session.set_volume(volume)
    return session


def ball(
    shape: Sequence[int],
    centre_mm: Sequence[float],
    radius_mm: float,
    spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
) -> np.ndarray:
    """Mask of a ball; its centre in mm from the first voxel's centre."""
    axes = [np.arange(n) * mm - at for n, mm, at in zip(shape, spacing_mm, centre_mm, strict=True)]
    z, y, x = axes
    return np.asarray(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2 <= radius_mm**2)


def scan(*masks: np.ndarray, spacing_mm: Sequence[float] = (1.0, 1.0, 1.0), dtype: Any = np.int16) -> Volume:
    """Volume that is 0 but for the masks, the first of which are 1, 2, ..."""
    array = np.zeros(masks[0].shape, dtype)
    for value, mask in enumerate(masks, start=1):
        array[mask] = value
    return Volume(array, np.diag([*spacing_mm, 1.0]))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b)))
