"""One run of the grid: trained, measured, recorded; read again when the grid is resumed."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.errors import InputError
from napari_scd.training import StartsFrom, train
from napari_scd.volume import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from napari_scd.ablation.grid import Variant
    from napari_scd.training import Notice, RunOptions, Step, TrainConfig

_OUTCOME = "outcome.json"


class VariantResult(NamedTuple):
    """The result of one run.

    Attributes
    ----------
    variant : str
    seed, steps : int
    dice : dict of float to float
        Mean Dice over the structures of the held-back cases, by keep ratio.
    structures : dict of float to dict of str to float
        The same for each structure by name.
    seconds : float
        Of training.
    """

    variant: str
    seed: int
    steps: int
    dice: dict[float, float]
    structures: dict[float, dict[str, float]]
    seconds: float


class StoppedRun(NamedTuple):
    """A run that a signal ended before its last step; the next start resumes it."""

    signal: int
    step: int


def run_variant(
    variant: Variant,
    config: TrainConfig,
    options: RunOptions,
    report: Callable[[Step], None] | None = None,
    tell: Callable[[Notice], None] | None = None,
) -> VariantResult | StoppedRun:
    """Train a variant to its last step and measure it, or read what an earlier start found.

    Parameters
    ----------
    variant : Variant
    config : TrainConfig
        As `configured` returns it.
    options : RunOptions
        Their `out` is the folder of the whole grid; each run has one of its own in it. Their `init` is what
        `common_start` returns.

    Raises
    ------
    InputError
        The folder holds a run of another configuration.
    """
    folder = options.out / config.name
    earlier = _read(folder / _OUTCOME, config)
    if earlier is not None:
        return earlier
    finished = train(
        config, replace(options, out=folder, tensorboard=False), report, _all_but_the_start(tell)
    )
    if not finished.done:
        return StoppedRun(finished.signal, finished.step)
    structures = _by_structure(folder / "validation.csv")
    dice = {_ratio(key): value for key, value in finished.validation.items()}
    result = VariantResult(variant.name, config.seed, config.steps, dice, structures, finished.seconds)
    _write(folder / _OUTCOME, result, config)
    return result


def _all_but_the_start(tell: Callable[[Notice], None] | None) -> Callable[[Notice], None] | None:
    """Pass on the trainer's notices, except that it starts from the weights that all variants share."""
    if tell is None:
        return None
    return lambda notice: None if isinstance(notice, StartsFrom) else tell(notice)


def _read(path: Path, config: TrainConfig) -> VariantResult | None:
    if not path.is_file():
        return None
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        same = values.pop("of") == _identity(config)
        values["dice"] = _by_ratio(values["dice"])
        values["structures"] = _by_ratio(values["structures"])
        result = VariantResult(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is damaged: delete it, and its run is measured again.") from error
    if not same:
        raise InputError(
            f"{path.parent} holds a run of another configuration or length: use another output folder, or "
            "restore the settings."
        )
    return result


def _write(path: Path, result: VariantResult, config: TrainConfig) -> None:
    values = {**result._asdict(), "of": _identity(config)}
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2), encoding="utf-8")


def _identity(config: TrainConfig) -> Any:
    """Return what must match for a result to belong to a configuration, as JSON returns it."""
    about = {**config.fingerprint(), "steps": config.steps, "keeps": config.validate_keep}
    return json.loads(json.dumps(about, default=str))


def _by_structure(path: Path) -> dict[float, dict[str, float]]:
    """Dice of each structure at each keep ratio, from the last validation of a run."""
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    last = [row for row in rows if row["step"] == rows[-1]["step"] and row["structure"] != "mean"]
    keys = [key for key in rows[0] if key.startswith("dice@")]
    return {_ratio(key): {row["structure"]: float(row[key]) for row in last if row[key]} for key in keys}


def _ratio(key: str) -> float:
    return float(key.removeprefix("dice@"))


def _by_ratio(values: Mapping[str, Any]) -> dict[float, Any]:
    return {float(key): value for key, value in values.items()}
