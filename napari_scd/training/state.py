"""The run's state on disk: written atomically, read without running any code."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.training.config import TrainConfig

STATE_NAME = "last.ckpt"


def write_state(folder: Path, config: TrainConfig, values: dict[str, Any]) -> None:
    """Write ``last.ckpt``: everything an exact resume needs, next to the old one until it is complete.

    Raises
    ------
    InputError
        The disk is full or the folder cannot be written; the previous checkpoint is untouched.
    """
    target = folder / STATE_NAME
    partial = target.with_suffix(".partial")
    record = {**values, "fingerprint": json.dumps(config.fingerprint(), sort_keys=True, default=str)}
    try:
        with partial.open("wb") as file:
            torch.save(record, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        raise InputError(
            f"The checkpoint {target} could not be written ({error}): free some space and start again; "
            "training goes on from the previous checkpoint."
        ) from error


def read_state(folder: Path, config: TrainConfig) -> dict[str, Any] | None:
    """The last state of this run, or None when there is none.

    Raises
    ------
    InputError
        The file is damaged or belongs to a run of another configuration (the first difference is named).
    """
    target = folder / STATE_NAME
    if not target.is_file():
        return None
    try:
        record: dict[str, Any] = torch.load(target, map_location="cpu", weights_only=True)
        saved = json.loads(record.pop("fingerprint"))
    except Exception as error:
        raise InputError(f"{target} is damaged or no checkpoint of a run: move it away to start anew.") from error
    now = json.loads(json.dumps(config.fingerprint(), sort_keys=True, default=str))
    for key in sorted(set(saved) | set(now)):
        if saved.get(key) != now.get(key):
            raise InputError(
                f"{target} belongs to a run with another '{key}': give another --out folder, or restore the entry."
            )
    return record
