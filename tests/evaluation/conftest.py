"""Cases with a truth, and a network that finds it by thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from napari_scd.engine import Session
from napari_scd.model import MacsByPart, ModelConfig, Prefix, Trace
from napari_scd.model.keep import keep_per_stage
from napari_scd.volume import LabelTable, Recipe, Volume, write_labels, write_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.model import Keep, ScdNetwork

TINY: dict[str, Any] = {
    "embed_dim": 24,
    "depth": 3,
    "heads": 2,
    "completion_dim": 12,
    "completion_heads": 2,
    "features": 2,
}
SPACING = np.diag([2.0, 1.0, 1.5, 1.0])


class Threshold(nn.Module):
    """Label 1 from brightness 1 on, label 2 from 2 on; below keep 0.5 it misses label 2."""

    def __init__(self) -> None:
        super().__init__()
        self.config = ModelConfig(
            roi=(16, 16, 16),
            patch=4,
            out_channels=3,
            prune_after=(0, 1),
            prune_ratio=(0.5, 0.5),
            min_tokens=4,
            **TINY,
        )

    def prefix(self, image: torch.Tensor) -> Prefix:
        return Prefix(image, image)

    def rest(
        self, prefix: Prefix, keep: Keep = None, return_trace: bool = False
    ) -> torch.Tensor | tuple[torch.Tensor, Trace]:
        image = prefix.tokens[:, 0]
        low = keep is not None and self.keep_per_stage(keep)[0] < 0.5
        second = torch.full_like(image, -9) if low else 3 * image - 4
        logits = torch.stack([torch.zeros_like(image), image - 0.5, second], dim=1)
        n = self.config.n_tokens
        trace = Trace(torch.ones(len(image), n).long(), torch.zeros(len(image), 2, n), torch.zeros(1))
        return (logits, trace) if return_trace else logits

    def keep_per_stage(self, keep: Keep = None) -> tuple[float, ...]:
        return keep_per_stage(keep, self.config.default_keep)

    def token_counts(self, keep: Keep = None) -> tuple[int, ...]:
        first, second = self.keep_per_stage(keep)
        return 64, int(64 * first), int(64 * first * second)

    def macs(self, keep: Keep = None) -> MacsByPart:
        share = 1.0 if keep is None else self.keep_per_stage(keep)[0]
        return MacsByPart(int(1e6 * share), 0, 1000)


@pytest.fixture
def session() -> Session:
    recipe = Recipe("MR", normalisation="none")
    return Session(
        cast("ScdNetwork", Threshold()), recipe, LabelTable.from_names(["shell", "core"]), cache_bytes=0
    )


def write_case(folder: Path, name: str, labels: np.ndarray) -> None:
    """Write an image whose brightness is its label, and the label map."""
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    write_volume(folder / "images" / f"{name}.nii.gz", Volume(labels.astype(np.int16), SPACING))
    write_labels(folder / "labels" / f"{name}.nii.gz", Volume(labels, SPACING))


def cube(value: int = 2) -> np.ndarray:
    """Return a shell with a core."""
    labels = np.zeros((12, 18, 20), np.uint8)
    labels[3:9, 4:14, 5:15] = 1
    labels[5:7, 7:11, 8:12] = value
    return labels


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """Two cases; the second has no core."""
    write_case(tmp_path / "data", "full", cube())
    write_case(tmp_path / "data", "hollow", cube(0))
    return tmp_path / "data"


@pytest.fixture
def shell_and_core() -> np.ndarray:
    """Labels of a case, free to change."""
    return cube()


@pytest.fixture
def write() -> Callable[[Path, str, np.ndarray], None]:
    """Write a case of a folder: image and label map."""
    return write_case
