"""Resamples the cases to the network's grid once, so that not every run has to."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError
from napari_scd.evaluation import read_pair
from napari_scd.training import ReadingCase, list_cases, list_test_cases
from napari_scd.volume import ResampleUndo, atomic_path, reorient, resample, write_labels, write_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.evaluation import CaseFiles
    from napari_scd.training import Notice, TrainConfig

_LISTED = "cases.json"


def small_cases(
    config: TrainConfig, folder: Path, tell: Callable[[Notice], None] | None = None
) -> TrainConfig:
    """Write every case at the recipe's voxel size, and return the same configuration on those files.

    The test cases are held back for measuring where the configuration names some, else those of the
    validation; all others train. Files that an earlier start wrote are used as they are.

    Raises
    ------
    InputError
        The training file draws its images (`synthesis:`), so there are none to measure on; no case is held
        back, a case cannot be read, or the folder holds other cases.
    """
    if config.synthesis is not None:
        raise InputError(
            "A training file with 'synthesis:' draws its images, but an ablation is measured on real ones: "
            "give a file with 'images:'."
        )
    training, held_back = list_cases(config.data)
    tests = list_test_cases(config.data)
    if tests:
        training, held_back = [*training, *held_back], tests
    if not held_back:
        raise InputError(
            "No case is held back to measure on: name some under 'test:' or 'validation:' of 'data:', or "
            "give 'holdout:'."
        )
    _check_folder(folder, [*training, *held_back], config)
    for number, case in enumerate((*training, *held_back), start=1):
        if tell is not None:
            tell(ReadingCase(number, len(training) + len(held_back), case.name))
        _write_small(case, config, folder)
    data = replace(
        config.data,
        dataset=None,
        images=str(folder / "images"),
        labels=str(folder / "labels"),
        training=tuple(case.name for case in training),
        validation=tuple(case.name for case in held_back),
        test=(),
        holdout=0,
    )
    return replace(config, data=data)


def _check_folder(folder: Path, cases: list[CaseFiles], config: TrainConfig) -> None:
    """Reject a folder that holds the cases of another ablation."""
    about = {"spacing_mm": config.recipe.spacing_mm, "cases": [str(case.image.resolve()) for case in cases]}
    wanted = json.loads(json.dumps(about))
    listed = folder / _LISTED
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if listed.is_file():
            if json.loads(listed.read_text(encoding="utf-8")) != wanted:
                raise InputError(f"{folder} holds the cases of another ablation: use another output folder.")
            return
        with atomic_path(listed) as temporary:
            temporary.write_text(json.dumps(wanted, indent=2), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be written ({error.strerror}): use another output folder."
        ) from error


def _write_small(case: CaseFiles, config: TrainConfig, folder: Path) -> None:
    image_path, label_path = (folder / kind / f"{case.name}.nii.gz" for kind in ("images", "labels"))
    if image_path.is_file() and label_path.is_file():
        return
    recipe = config.recipe
    image, label = (reorient(part, recipe.axes)[0] for part in read_pair(case, len(recipe.channels)))
    if recipe.spacing_mm is not None:
        image, undo = resample(image, recipe.spacing_mm)
        forth = ResampleUndo(tuple(step.inverse() for step in undo.maps))  # type: ignore[arg-type]
        label = replace(label, array=np.ascontiguousarray(forth(label.array)), affine=image.affine)
    for path in (image_path, label_path):
        path.parent.mkdir(exist_ok=True)
    write_volume(image_path, image)
    write_labels(label_path, label)
