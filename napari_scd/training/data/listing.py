"""Which cases a run trains on, validates on and leaves for testing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.errors import InputError
from napari_scd.evaluation import CaseFiles, CaseList, find_cases

if TYPE_CHECKING:
    from napari_scd.training.config import DataConfig


def list_cases(data: DataConfig, *, maps_only: bool = False) -> tuple[list[CaseFiles], list[CaseFiles]]:
    """Training and validation cases of a `DataConfig`; with `maps_only` its images are not needed.

    With ``data.all_cases`` the validation cases train too, and none is left to validate on.

    Raises
    ------
    InputError
        A missing file or folder, an image without label, a name that is not there or has two roles.
    """
    found = _found_maps(data) if maps_only else _found(data)
    cases, held_out = found.cases, {*data.validation, *data.test}
    needed = (*data.training, *data.validation, *(() if data.training else data.test))
    for name in needed:
        if name not in cases:
            raise InputError(
                f"The case '{name}' named in the training file is not among the {len(cases)} cases found."
            )
    twice = (set(data.training) & held_out) | (set(data.validation) & set(data.test))
    if twice:
        raise InputError(f"The training file gives the case '{min(twice)}' two roles: name it once.")
    rest = [name for name in sorted(cases) if name not in held_out]
    validation = list(data.validation) or [name for name in found.validation if name in rest]
    if not validation and data.holdout:
        step = max(len(rest) // data.holdout, 1)
        validation = rest[step - 1 :: step][: data.holdout]
    training = list(data.training) or [name for name in rest if name not in set(validation)]
    if not training:
        raise InputError("No training cases are left after the held-back ones: name fewer for validation.")
    if data.all_cases:
        training, validation = [*training, *validation], []
    return [cases[name] for name in training], [cases[name] for name in validation]


def list_maps(data: DataConfig) -> list[CaseFiles]:
    """Label maps of ``data.maps``, by name; raises `InputError` as `list_cases`."""
    assert data.maps is not None
    return list(find_cases(images=data.maps, labels=data.maps).cases.values())


def list_test_cases(data: DataConfig) -> list[CaseFiles]:
    """Cases that the training file holds back for testing; raises `InputError` as `list_cases`."""
    cases = _found(data).cases
    missing = [name for name in data.test if name not in cases]
    if missing:
        raise InputError(f"The test case '{missing[0]}' is not among the {len(cases)} cases found.")
    return [cases[name] for name in data.test]


def _found_maps(data: DataConfig) -> CaseList:
    """Label maps of a folder, each standing in for its image."""
    if not data.labels:
        raise InputError("The training file's 'data' needs 'labels:', a folder of label maps to draw from.")
    return find_cases(images=data.labels, labels=data.labels)


def _found(data: DataConfig) -> CaseList:
    if not data.dataset and not (data.images and data.labels):
        raise InputError("The training file's 'data' needs 'dataset:' or both 'images:' and 'labels:'.")
    if data.dataset:
        return find_cases(dataset=data.dataset)
    return find_cases(images=data.images, labels=data.labels)
