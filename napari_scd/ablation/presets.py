"""The ablations that ship, by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_scd.errors import InputError
from napari_scd.training import read_config, write_example

if TYPE_CHECKING:
    from napari_scd.training import TrainConfig

PRESETS_FOLDER = Path(__file__).parent / "presets"
QUICK = "quick"
PHANTOMS = 16


def preset_names() -> tuple[str, ...]:
    """Names of the ablations that ship."""
    return tuple(sorted(path.stem for path in PRESETS_FOLDER.glob("*.yaml")))


def preset_config(name: str, data: dict[str, str], folder: Path) -> TrainConfig:
    """Read a preset.

    Parameters
    ----------
    name : str
        One of `preset_names`. "quick" is "abdomen" with fewer steps, or, without data, runs on phantoms.
    data : dict
        "dataset", or "images" and "labels".
    folder : Path
        Of the ablation; phantoms are written into it.

    Raises
    ------
    InputError
        For an unknown name or a preset without its data.
    """
    if name not in preset_names():
        raise InputError(f"There is no preset '{name}': choose one of {', '.join(preset_names())}.")
    if name == QUICK and data:
        short = read_config(PRESETS_FOLDER / f"{QUICK}.yaml", data=data)
        return replace(read_config(PRESETS_FOLDER / "abdomen.yaml", data=data), steps=short.steps)
    if name == QUICK:
        phantoms = folder / "phantoms"
        if not (phantoms / "train.yaml").is_file():
            write_example(phantoms, cases=PHANTOMS)
        data = {kind: str(phantoms / kind) for kind in ("images", "labels")}
    if not data:
        raise InputError(
            f"The preset '{name}' needs its data: folders of images and labels, or a dataset file; only the "
            f"preset '{QUICK}' runs without."
        )
    return read_config(PRESETS_FOLDER / f"{name}.yaml", data=data)
