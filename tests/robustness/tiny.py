"""A model and scans so small that thousands of rounds cost little: shared by tests and campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from napari_scd.checkpoints import Provenance, save
from napari_scd.model import build_network
from napari_scd.volume import LabelTable, Recipe, Volume, make_phantom, write_labels, write_volume

from ..tiny_network import TINY

if TYPE_CHECKING:
    from pathlib import Path

TABLE = LabelTable.from_names(["front", "back"], {"front": "whole", "back": "whole"})

TRAINING: dict[str, Any] = {
    "name": "tiny",
    "data": {"images": "images", "labels": "labels", "holdout": 1},
    "recipe": {"modality": "CT", "spacing_mm": [8, 8, 8], "clip": [-150, 350], "normalisation": "range"},
    "labels": ["liver", "spleen"],
    "model": {
        "preset": "house-8", "roi": [16, 16, 16], "patch": 4, "stem": "patch", "embed_dim": 24, "depth": 3,
        "heads": 2, "prune_after": [0, 1], "prune_ratio": [0.5, 0.5], "completion_dim": 12,
        "completion_heads": 2, "features": 2, "min_tokens": 4,
    },
    "warp": {"rotate_deg": 10.0},
    "keep": {"low": 0.25},
    "loss": {"balance": 0.5},
    "steps": 6,
    "batch": 2,
    "warmup": 2,
    "validate_every": 3,
    "validate_keep": [1.0, 0.5],
}  # fmt: skip

SIZES: dict[str, Any] = {
    "roi": [16, 16, 16], "patch_size": 8, "in_channels": 1, "num_classes": 3, "embed_dim": 24, "depth": 2,
    "num_heads": 3, "prune_after_block": [0, 1], "prune_ratio": 0.5, "completion": "FusionNet",
    "completion_dim": 12, "completion_depth": 1, "completion_heads": 2, "decoder": "UNETRx8_decoder",
    "feature_size": 2,
}  # fmt: skip


def save_tiny(
    path: Path, *, field: str = "whole", spacing_mm: float | None = None, answer: int | None = None
) -> Path:
    """Write a model of random weights; with `answer`, one that says this label everywhere."""
    torch.manual_seed(0)
    network = build_network(TINY)
    if answer is not None:
        with torch.no_grad():
            (bias,) = (
                value for name, value in network.decoder.named_parameters() if name == "out.conv.conv.bias"
            )
            bias.zero_()
            bias[answer] = 100.0
    recipe = Recipe("MR", spacing_mm=None if spacing_mm is None else (spacing_mm,) * 3, field=field)
    made = Provenance(name=path.stem, title="Tiny test model", metrics={"dice": {"0.5": 0.25}})
    save(path, network, recipe, TABLE, made)
    return path


def scan(shape: tuple[int, ...] = (18, 20, 22), seed: int = 0) -> Volume:
    """Noise of 2 mm around the middle of the world."""
    values = np.random.default_rng(seed).normal(100, 20, shape).astype(np.int16)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = [-n for n in shape[-3:]]
    return Volume(values, affine)


def write_cases(folder: Path, n_cases: int = 3) -> Path:
    """Write a few phantoms as `images` and `labels`."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for seed in range(n_cases):
        image, labels, table = make_phantom(
            (20, 22, 24), (8.0, 8.0, 8.0), seed=seed, modality="CT", n_structures=2
        )
        write_volume(folder / "images" / f"case{seed}.nii.gz", image)
        write_labels(folder / "labels" / f"case{seed}.nii.gz", labels, table=table)
    return folder
