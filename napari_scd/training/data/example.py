"""A small data set to try training on: phantoms with organs, and the few lines that train on them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from napari_scd.errors import InputError
from napari_scd.volume import atomic_path, make_phantom, write_labels, write_volume

if TYPE_CHECKING:
    from pathlib import Path

_LINES = """\
name: my-organs
data: {{images: images, labels: labels, holdout: {holdout}}}
recipe: {{modality: CT, spacing_mm: [4, 4, 4], clip: [-150, 350], normalisation: range}}
labels: [{labels}]
model: {{preset: house-12, roi: [48, 48, 48]}}
"""
_SHORT = """\
# Two minutes instead of an evening:
steps: {steps}
lr: 2.0e-3
warmup: 20
validate_every: {every}
"""


def write_example(folder: Path, *, cases: int = 8, steps: int = 200) -> Path:
    """Write ``images``, ``labels`` and ``train.yaml`` into a folder, and return the path of the latter.

    Raises
    ------
    InputError
        The folder holds something already, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"The folder {folder} is not empty: name a new one for the example.")
    new = not folder.exists()
    try:
        return _write(folder, cases, steps)
    except BaseException as error:
        for name in ("images", "labels"):
            shutil.rmtree(folder / name, ignore_errors=True)
        if new:
            shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise InputError(
                f"The folder {folder} cannot be written ({error.strerror}): name another one."
            ) from error
        raise


def _write(folder: Path, cases: int, steps: int) -> Path:
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    names: tuple[str, ...] = ()
    for seed in range(cases):
        image, labels, table = make_phantom(
            (60, 64, 72), (4.0, 4.0, 4.0), seed=seed, modality="CT", n_structures=5
        )
        write_volume(folder / "images" / f"case_{seed:02d}.nii.gz", image)
        write_labels(folder / "labels" / f"case_{seed:02d}.nii.gz", labels, table=table)
        names = table.names
    holdout = max(1, cases // 4)
    text = _LINES.format(holdout=holdout, labels=", ".join(names))
    config = folder / "train.yaml"
    with atomic_path(config) as temporary:
        temporary.write_text(text + _SHORT.format(steps=steps, every=max(1, steps // 2)), encoding="utf-8")
    return config
