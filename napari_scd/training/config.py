"""A training run in one YAML file: what to learn from, what to build, how long to train."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from napari_scd.errors import InputError
from napari_scd.model import PRESETS, ModelConfig
from napari_scd.training.warp import WarpRange
from napari_scd.volume import LabelTable, Recipe


@dataclass(frozen=True)
class DataConfig:
    """Where the cases are: a Decathlon ``dataset.json``, or two folders with equal file names.

    Parameters
    ----------
    dataset : str or None
        Path of a Decathlon-style ``dataset.json``.
    images, labels : str or None
        Two folders instead.
    training, validation : tuple of str
        Case names (file names without ending); empty `training` = every case not named elsewhere.
    holdout : int
        When `validation` is empty: every k-th case is held back until this many are.
    """

    dataset: str | None = None
    images: str | None = None
    labels: str | None = None
    training: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    holdout: int = 0


@dataclass(frozen=True)
class KeepConfig:
    """How the keep ratio is drawn at each step (elastic training).

    Parameters
    ----------
    dense_share : float
        Share of steps that keep every token.
    low, high : float
        Otherwise the ratio is log-uniform in this range.
    per_stage_share : float
        Share of steps that draw each stage by itself.
    """

    dense_share: float = 0.2
    low: float = 0.1
    high: float = 1.0
    per_stage_share: float = 0.15


@dataclass(frozen=True)
class LossConfig:
    """What the network is punished for.

    Parameters
    ----------
    dice, cross_entropy : float
        Weights of MONAI's DiceCE parts.
    class_weights : tuple of float
        Cross-entropy weight of each output channel; empty = all 1.
    token : float
        Weight of a cross-entropy on the completed tokens against the share of each label in their patch;
        its linear head is used in training only. It makes tokens carry meaning early.
    kept_share : float
        Weight of DynamicViT's ratio loss (pruning "gumbel" only).
    """

    dice: float = 1.0
    cross_entropy: float = 1.0
    class_weights: tuple[float, ...] = ()
    token: float = 0.3
    kept_share: float = 2.0


@dataclass(frozen=True)
class TrainConfig:
    """Everything a run depends on besides the data themselves; see the fields' own classes."""

    name: str
    data: DataConfig
    recipe: Recipe
    table: LabelTable
    model: ModelConfig
    title: str = ""
    description: str = ""
    licence: str = ""
    data_note: str = ""
    preview: bool = True
    steps: int = 2000
    batch: int = 2
    lr: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.05
    clip_grad: float = 1.0
    ema: float = 0.998
    seed: int = 0
    foreground_share: float = 0.67
    warp: WarpRange = field(default_factory=WarpRange)
    intensity: float = 1.0
    keep: KeepConfig = field(default_factory=KeepConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    validate_every: int = 500
    validate_keep: tuple[float, ...] = (1.0, 0.5, 0.25)
    checkpoint_seconds: float = 45.0

    def fingerprint(self) -> dict[str, Any]:
        """What must agree for a run to be resumed: everything but its length and reporting."""
        values = asdict(self)
        for key in ("steps", "validate_every", "validate_keep", "checkpoint_seconds", "data"):
            del values[key]
        return values


def read_config(path: str | Path) -> TrainConfig:
    """Read a YAML training file.

    Relative data paths are taken from the file's own folder.

    Raises
    ------
    InputError
        The file is missing, no YAML, or has an unknown or ill-typed entry (which is named).
    """
    file = Path(path)
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"The training file {file} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"The training file {file} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(values, dict):
        raise InputError(f"The training file {file} must hold 'name:', 'data:', 'recipe:', 'labels:' and 'model:'.")
    return config_from_dict(values, folder=file.parent)


def config_from_dict(values: dict[str, Any], folder: Path) -> TrainConfig:
    """Turn plain YAML values into a checked `TrainConfig`; raises `InputError` naming the bad entry."""
    values = dict(values)
    missing = [key for key in ("name", "data", "recipe", "labels", "model") if key not in values]
    if missing:
        raise InputError(f"The training file lacks the entry '{missing[0]}:'.")
    data = _absolute(_section(DataConfig, values.pop("data"), "data"), folder)
    recipe = Recipe.from_dict(values.pop("recipe"))
    table = _table(values.pop("labels"))
    model = _model(values.pop("model"), recipe, table)
    sections = {"warp": WarpRange, "keep": KeepConfig, "loss": LossConfig}
    parts = {key: _section(kind, values.pop(key), key) for key, kind in sections.items() if key in values}
    config: TrainConfig = _section(
        TrainConfig, {**values, **parts, "data": data, "recipe": recipe, "table": table, "model": model}, "file"
    )
    for key in ("steps", "batch", "validate_every"):
        if not isinstance(getattr(config, key), int) or getattr(config, key) < 1:
            raise InputError(f"The training file's '{key}' must be a whole number from 1, not {getattr(config, key)!r}.")
    return config


def _section(kind: type[Any], values: Any, name: str) -> Any:
    if not isinstance(values, dict):
        raise InputError(f"The training file's '{name}' must be a list of 'key: value' lines.")
    known = {item.name for item in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise InputError(
            f"The training file's '{name}' has the unknown entry '{unknown[0]}'; known: {', '.join(sorted(known))}."
        )
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def _absolute(data: DataConfig, folder: Path) -> DataConfig:
    paths = {key: getattr(data, key) for key in ("dataset", "images", "labels")}
    return replace(data, **{key: str((folder / path).resolve()) for key, path in paths.items() if path})


def _table(values: Any) -> LabelTable:
    if isinstance(values, dict):
        values = [{"name": name, "group": group} if group else {"name": name} for name, group in values.items()]
    if not isinstance(values, list) or not values:
        raise InputError("The training file's 'labels' must list the structures in the order of their ids 1, 2, ...")
    if all(isinstance(value, str) for value in values):
        return LabelTable.from_names(values)
    if all(isinstance(value, dict) and "index" in value for value in values):
        return LabelTable.from_list(values)
    groups = {value["name"]: value["group"] for value in values if value.get("group")}
    return LabelTable.from_names([value["name"] for value in values], groups)


def _model(values: Any, recipe: Recipe, table: LabelTable) -> ModelConfig:
    if not isinstance(values, dict):
        raise InputError("The training file's 'model' must be a list of 'key: value' lines, for example 'preset: house-8'.")
    values = dict(values)
    preset = values.pop("preset", "house-8")
    if preset not in PRESETS:
        raise InputError(f"There is no preset '{preset}'; choose one of {', '.join(PRESETS)}.")
    outputs = len(table.labels) + (recipe.activation == "softmax")
    sizes = {**PRESETS[preset].to_dict(), "in_channels": len(recipe.channels), "out_channels": outputs, **values}
    return ModelConfig.from_dict(sizes)
