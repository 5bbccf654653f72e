"""The training files that ship with the package, by name."""

from __future__ import annotations

import os
from pathlib import Path

from napari_scd.errors import InputError

PRESETS_FOLDER = Path(__file__).parent / "presets"


def preset_names() -> tuple[str, ...]:
    """Names of the training files that ship: those of the shipped models and of the paper's experiments."""
    return tuple(sorted(path.stem for path in PRESETS_FOLDER.glob("*.yaml")))


def find_config(name_or_path: str | Path) -> Path:
    """Path of a training file: a file, else a name of `preset_names`.

    Raises
    ------
    InputError
        There is no such file or name; the message lists the names.
    """
    path = Path(os.path.expanduser(name_or_path))
    if path.is_file():
        return path
    if str(name_or_path) in preset_names():
        return PRESETS_FOLDER / f"{name_or_path}.yaml"
    raise InputError(
        f"There is no training file '{name_or_path}': give a YAML file, or one of "
        f"{', '.join(preset_names())}."
    )


def is_shipped(path: Path) -> bool:
    """Whether a training file is one of those that ship, which have no data beside them."""
    return path.parent == PRESETS_FOLDER
