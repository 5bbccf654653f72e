"""A data set of small phantoms and a network that learns a step in a few milliseconds."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from napari_scd.training import RunOptions, TrainConfig, config_from_dict, train
from napari_scd.training.data.sets import list_sets, load_prompt_cases
from napari_scd.volume import make_phantom, write_labels, write_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.training import RunResult
    from napari_scd.training.data.sets import PromptCase

SHAPE = (20, 22, 24)
N_CASES = 4

VALUES: dict[str, Any] = {
    "name": "tiny",
    "data": {"images": "images", "labels": "labels", "holdout": 1},
    "recipe": {"modality": "CT", "spacing_mm": [8, 8, 8], "clip": [-150, 350], "normalisation": "range"},
    "labels": ["liver", "spleen"],
    "model": {
        "preset": "house-8",
        "roi": [16, 16, 16],
        "patch": 4,
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
    "steps": 6,
    "batch": 2,
    "warmup": 2,
    "validate_every": 3,
    "validate_keep": [1.0, 0.5],
}

SET_SPACING_MM = {"organs": (6.0, 3.0, 3.0), "maps": (4.0, 4.0, 4.0)}
SET_SHAPE = {"organs": (16, 40, 36), "maps": (30, 28, 26)}

PROMPT_VALUES: dict[str, Any] = {
    "name": "point",
    "data": {
        "sets": [
            {
                "name": "organs",
                "images": "organs/images",
                "labels": "organs/labels",
                "validation": ["case2"],
                "ignore": [4],
                "withheld": [2],
                "share": 2,
            },
            {"name": "maps", "labels": "maps/labels", "validation": ["case2"]},
        ]
    },
    "recipe": {
        "modality": "any",
        "normalisation": "zscore-foreground",
        "normalise_over": "window",
        "field": "prompt",
        "activation": "sigmoid",
    },
    "labels": ["object"],
    "prompts": {"validate_clicks": [1, 2], "validate_targets": 2},
    "model": {
        "preset": "any",
        "roi": [32, 32, 32],
        "embed_dim": 24,
        "depth": 2,
        "heads": 2,
        "completion_dim": 12,
        "completion_heads": 2,
        "features": 4,
        "min_tokens": 4,
    },
    "warp": {"bend_vox": 0.5, "flip_axes": [0, 1, 2]},
    "steps": 6,
    "batch": 2,
    "warmup": 2,
    "validate_every": 3,
    "validate_keep": [0.5],
}


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`images` and `labels` of a few phantoms."""
    folder = tmp_path_factory.mktemp("cases")
    for name in ("images", "labels"):
        (folder / name).mkdir()
    for seed in range(N_CASES):
        image, labels, table = make_phantom(SHAPE, (8.0, 8.0, 8.0), seed=seed, modality="CT", n_structures=2)
        write_volume(folder / "images" / f"case{seed}.nii.gz", image)
        write_labels(folder / "labels" / f"case{seed}.nii.gz", labels, table=table)
    return folder


@pytest.fixture
def values() -> dict[str, Any]:
    """Plain values of a training file, free to change."""
    return copy.deepcopy(VALUES)


@pytest.fixture
def config(values: dict[str, Any], data_folder: Path) -> TrainConfig:
    return config_from_dict(values, data_folder)


def _options(out: Path, **changes: Any) -> RunOptions:
    return RunOptions(out, device="cpu", precision="float32", tensorboard=False, **changes)


@pytest.fixture(scope="session")
def options() -> Callable[..., RunOptions]:
    """Make the options of a run in a folder."""
    return _options


@pytest.fixture(scope="session")
def finished_run(
    data_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainConfig, Path, RunResult]:
    """Config, folder and result of one whole run."""
    out = tmp_path_factory.mktemp("run")
    config = config_from_dict(copy.deepcopy(VALUES), data_folder)
    return config, out, train(config, _options(out))


@pytest.fixture(scope="session")
def prompt_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two small data sets for a promptable model."""
    return _write_sets(tmp_path_factory.mktemp("sets"))


@pytest.fixture
def prompt_values() -> dict[str, Any]:
    """Plain values of a promptable model's training file, free to change."""
    return copy.deepcopy(PROMPT_VALUES)


@pytest.fixture
def prompt_config(prompt_values: dict[str, Any], prompt_folder: Path) -> TrainConfig:
    return config_from_dict(prompt_values, prompt_folder)


@pytest.fixture(scope="session")
def prompt_cases(prompt_folder: Path) -> list[PromptCase]:
    """The training cases of both sets."""
    config = config_from_dict(copy.deepcopy(PROMPT_VALUES), prompt_folder)
    return load_prompt_cases(list_sets(config)[0], config, prompt_folder / "cases")


def _write_sets(folder: Path) -> Path:
    """Write both sets and return their folder."""
    for name, shape in SET_SHAPE.items():
        for part in ("images", "labels"):
            (folder / name / part).mkdir(parents=True)
        for seed in range(3):
            image, labels, table = make_phantom(
                shape, SET_SPACING_MM[name], seed=seed, modality="CT", n_structures=4
            )
            write_labels(folder / name / "labels" / f"case{seed}.nii.gz", labels, table=table)
            if name == "organs":
                write_volume(folder / name / "images" / f"case{seed}.nii.gz", image)
    return folder
