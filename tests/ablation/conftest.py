"""A grid of small networks on small phantoms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("lightning_fabric")

from napari_scd.training import RunOptions, TrainConfig, config_from_dict
from napari_scd.volume import make_phantom, write_labels, write_volume

if TYPE_CHECKING:
    from pathlib import Path

VALUES: dict[str, Any] = {
    "name": "tiny",
    "data": {"images": "images", "labels": "labels", "holdout": 1},
    "recipe": {"modality": "CT", "spacing_mm": [16, 16, 16], "clip": [-150, 350], "normalisation": "range"},
    "labels": ["liver", "spleen"],
    "model": {
        "preset": "house-4",
        "roi": [16, 16, 16],
        "stem": "patch",
        "embed_dim": 24,
        "depth": 3,
        "heads": 2,
        "prune_after": [0, 1],
        "prune_ratio": [0.5, 0.5],
        "completion_dim": 12,
        "completion_heads": 2,
        "features": 2,
        "min_tokens": 4,
    },
    "steps": 2,
    "warmup": 1,
}


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`images`, `labels` and a training file."""
    import yaml  # type: ignore[import-untyped]

    folder = tmp_path_factory.mktemp("grid-data")
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for seed in range(3):
        image, labels, table = make_phantom((20, 22, 24), (8, 8, 8), seed=seed, modality="CT", n_structures=2)
        write_volume(folder / "images" / f"case{seed}.nii.gz", image)
        write_labels(folder / "labels" / f"case{seed}.nii.gz", labels, table=table)
    (folder / "train.yaml").write_text(yaml.safe_dump(VALUES), encoding="utf-8")
    return folder


@pytest.fixture
def values() -> dict[str, Any]:
    """Of a training file."""
    return VALUES


@pytest.fixture
def config(data_folder: Path) -> TrainConfig:
    return config_from_dict(VALUES, data_folder)


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    return RunOptions(tmp_path, device="cpu", precision="float32")
