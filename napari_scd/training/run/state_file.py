"""The run's state on disk: written atomically, read without running any code."""

from __future__ import annotations

import json
import os
import warnings
from dataclasses import MISSING, asdict, fields
from typing import TYPE_CHECKING, Any

import torch

from napari_scd.errors import InputError
from napari_scd.training.config import TrainConfig, section_types
from napari_scd.volume import atomic_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STATE_NAME = "last.ckpt"


def write_state(folder: Path, config: TrainConfig, cases: Sequence[str], values: dict[str, Any]) -> None:
    """Write ``last.ckpt``: everything an exact resume needs, next to the old one until it is complete.

    Parameters
    ----------
    cases : sequence of str
        Names of the training cases, in order.
    values : dict
        Weights, optimiser, average and counters.

    Raises
    ------
    InputError
        The disk is full or the folder cannot be written; the previous checkpoint is untouched.
    """
    target = folder / STATE_NAME
    about = {
        "fingerprint": json.dumps(config.fingerprint(), sort_keys=True, default=str),
        "cases": list(cases),
    }
    try:
        with atomic_path(target) as partial, partial.open("wb") as file:
            torch.save({**values, **about}, file)
            file.flush()
            os.fsync(file.fileno())
    except (InputError, OSError, RuntimeError) as error:  # torch reports a full disk as RuntimeError
        said = str(error).rstrip(".")
        raise InputError(
            f"The checkpoint {target} could not be written ({said}): free some space and start again; "
            "training resumes from the previous checkpoint."
        ) from error


def read_state(folder: Path, config: TrainConfig, cases: Sequence[str]) -> dict[str, Any] | None:
    """Read the last state of this run; None when there is none.

    Raises
    ------
    InputError
        The file is damaged or belongs to a run of another configuration (the first difference is named).
    """
    target = folder / STATE_NAME
    if not target.is_file():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the unpickler warns of damaged bytes before it fails
            record: dict[str, Any] = torch.load(target, map_location="cpu", weights_only=True)
        saved = json.loads(record.pop("fingerprint"))
    except Exception as error:
        raise InputError(
            f"{target} is damaged or not the checkpoint of a run: move it away to start a new run."
        ) from error
    now = json.loads(json.dumps(config.fingerprint(), sort_keys=True, default=str))
    difference = _first_difference(_completed(saved, now), now)
    if difference:
        raise InputError(
            f"{target} belongs to a run with another '{difference}': use another output folder, or restore "
            "the entry."
        )
    before = record.pop("cases", None)
    if before is not None and list(before) != list(cases):
        odd = sorted(set(before) ^ set(cases)) or ["another order"]
        raise InputError(
            f"{target} belongs to a run on other training cases (first difference: {odd[0]}): use another "
            "output folder, or restore the cases."
        )
    return record


def forget_state(folder: Path) -> None:
    """Put an earlier run's state aside as ``last.ckpt.old``, so that the next start is a new run."""
    target = folder / STATE_NAME
    if target.is_file():
        target.replace(target.with_suffix(".ckpt.old"))


def _completed(saved: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Fill in, with their defaults, entries that did not exist when a state was written."""
    whole = _defaults(TrainConfig)
    full: dict[str, Any] = {key: saved.get(key, whole.get(key)) for key in now}
    for key, kind in section_types().items():
        if now.get(key) is not None and full[key] is not None:
            blank = _defaults(kind)
            full[key] = {name: full[key].get(name, blank.get(name)) for name in now[key]}
    return full


def _defaults(kind: type[Any]) -> dict[str, Any]:
    """Default of every entry of a configuration class that has one, as JSON gives it back."""
    values: dict[str, Any] = {}
    for item in fields(kind):
        if item.default is not MISSING:
            values[item.name] = item.default
        elif item.default_factory is not MISSING:
            values[item.name] = asdict(item.default_factory())
    plain: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return plain


def _first_difference(saved: dict[str, Any], now: dict[str, Any]) -> str:
    sections = section_types()
    for key in sorted(now):
        if saved[key] == now[key]:
            continue
        if key in sections and isinstance(saved[key], dict) and isinstance(now[key], dict):
            return f"{key}: {next(name for name in now[key] if saved[key][name] != now[key][name])}"
        return key
    return ""
