"""Cases on disk -> checked tensors on the model's grid, kept on the training device."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from napari_scd.errors import InputError
from napari_scd.volume import Volume, normalise, read_labels, read_volume, reorient, resample

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_scd.training.config import DataConfig
    from napari_scd.volume import LabelTable, Recipe

_ENDINGS = (".nii.gz", ".nii", ".mgz", ".mgh")


class CaseFiles(NamedTuple):
    """One case by name."""

    name: str
    image: Path
    label: Path


@dataclass(frozen=True)
class Case:
    """One case on the model's grid.

    Attributes
    ----------
    image : Tensor ``(c, z, y, x)`` float32 or float16
        Normalised where the recipe normalises over the volume; shifted to minimum 0 otherwise, so that
        zeros outside the case are what inference pads with.
    label : Tensor ``(1, z, y, x)`` uint8
    foreground : Tensor ``(k, 4)`` int16
        Label id and voxel index of up to a few thousand labelled voxels of each structure.
    """

    name: str
    image: Tensor
    label: Tensor
    foreground: Tensor


def list_cases(data: DataConfig) -> tuple[list[CaseFiles], list[CaseFiles]]:
    """Training and validation cases of a `DataConfig`.

    Raises
    ------
    InputError
        A missing file or folder, an image without label, a name that is not there.
    """
    cases = {case.name: case for case in (_from_datalist(data) if data.dataset else _from_folders(data))}
    for name in (*data.training, *data.validation, *data.test):
        if name not in cases:
            raise InputError(f"The case '{name}' named in the training file is not among the {len(cases)} cases found.")
    rest = [name for name in sorted(cases) if name not in {*data.validation, *data.test}]
    validation = list(data.validation)
    if not validation and data.holdout:
        step = max(len(rest) // data.holdout, 1)
        validation = rest[step - 1 :: step][: data.holdout]
    training = list(data.training) or [name for name in rest if name not in set(validation)]
    if not training:
        raise InputError("No training cases are left after the held-back ones: name fewer for validation.")
    return [cases[name] for name in training], [cases[name] for name in validation]


def load_case(files: CaseFiles, recipe: Recipe, table: LabelTable) -> Case:
    """Read, check and prepare one case.

    Raises
    ------
    InputError
        Image and label differ in shape or place, voxels are not finite, or a label value is unknown; the
        message names the file.
    """
    image = read_volume(files.image, channels=len(recipe.channels) if len(recipe.channels) > 1 else None)
    label = read_labels(files.label)
    _check_pair(files, image, label, table)
    image, label = reorient(image, recipe.axes)[0], reorient(label, recipe.axes)[0]
    array = image.array.astype(np.float32)
    array = array[None] if array.ndim == 3 else array
    if recipe.normalise_over == "volume":
        array = normalise(array, recipe)
    if recipe.spacing_mm is not None:
        resampled, _ = resample(image.with_array(array), recipe.spacing_mm)
        array, labels = resampled.array, _resampled_labels(label, resampled)
    else:
        labels = label.array
    array = array - array.min() if recipe.normalise_over == "window" else array
    labels = np.ascontiguousarray(labels).astype(np.uint8)
    return Case(
        files.name,
        torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)),
        torch.from_numpy(labels)[None],
        torch.from_numpy(_foreground(labels)),
    )


def load_cases(files: Iterable[CaseFiles], recipe: Recipe, table: LabelTable) -> list[Case]:
    """`load_case` for each; the first bad one stops the run before its first step."""
    return [load_case(case, recipe, table) for case in files]


def _check_pair(files: CaseFiles, image: Volume, label: Volume, table: LabelTable) -> None:
    if image.spatial_shape != label.spatial_shape:
        raise InputError(
            f"{files.label} has {_by(label.spatial_shape)} voxels but its image {_by(image.spatial_shape)}: "
            "label and image must lie on one grid."
        )
    if not np.allclose(image.affine, label.affine, atol=0.01):
        raise InputError(f"{files.label} lies elsewhere than its image (their affines differ): align them first.")
    if not np.isfinite(image.array).all():
        raise InputError(f"{files.image} holds voxels that are not finite: replace them before training.")
    known = {0, *(item.index for item in table.labels)}
    unknown = sorted(set(np.unique(label.array).tolist()) - known)
    if unknown:
        raise InputError(f"{files.label} holds the label value {unknown[0]}, which the training file does not list.")


def _by(shape: Sequence[int]) -> str:
    return "x".join(str(edge) for edge in shape)


def _resampled_labels(label: Volume, grid: Volume) -> np.ndarray:
    """Nearest label at each voxel centre of `grid` (same orientation, other spacing)."""
    to_label = np.linalg.inv(label.affine) @ grid.affine
    picks = []
    for axis in range(3):
        centres = np.arange(grid.spatial_shape[axis]) * to_label[axis, axis] + to_label[axis, 3]
        picks.append(np.clip(np.rint(centres), 0, label.spatial_shape[axis] - 1).astype(int))
    return np.asarray(label.array[np.ix_(*picks)])


def _foreground(labels: np.ndarray, per_label: int = 2000) -> np.ndarray:
    rows = []
    rng = np.random.default_rng(0)
    for value in np.unique(labels):
        if value == 0:
            continue
        places = np.argwhere(labels == value)
        if len(places) > per_label:
            places = places[rng.choice(len(places), per_label, replace=False)]
        rows.append(np.concatenate([np.full((len(places), 1), value), places], axis=1))
    return np.concatenate(rows).astype(np.int16) if rows else np.zeros((0, 4), np.int16)


def _from_folders(data: DataConfig) -> list[CaseFiles]:
    if not (data.images and data.labels):
        raise InputError("The training file's 'data' needs 'dataset:' or both 'images:' and 'labels:'.")
    images, labels = Path(data.images), Path(data.labels)
    for folder in (images, labels):
        if not folder.is_dir():
            raise InputError(f"The folder {folder} named in the training file does not exist.")
    by_name = {_stem(path): path for path in sorted(labels.iterdir()) if _stem(path)}
    cases = []
    for image in sorted(images.iterdir()):
        name = _stem(image)
        if not name:
            continue
        if name not in by_name:
            raise InputError(f"{image} has no label of the same name in {labels}.")
        cases.append(CaseFiles(name, image, by_name[name]))
    if not cases:
        raise InputError(f"The folder {images} holds no NIfTI or MGH image.")
    return cases


def _from_datalist(data: DataConfig) -> list[CaseFiles]:
    file = Path(str(data.dataset))
    try:
        entries: Any = json.loads(file.read_text(encoding="utf-8"))["training"]
        pairs = [(file.parent / entry["image"], file.parent / entry["label"]) for entry in entries]
    except OSError as error:
        raise InputError(f"The data list {file} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file} is no Decathlon data list: it needs 'training' with 'image' and 'label' each.") from error
    for path in (path for pair in pairs for path in pair):
        if not path.is_file():
            raise InputError(f"The data list {file} names {path}, which does not exist.")
    return [CaseFiles(_stem(image) or image.name, image, label) for image, label in pairs]


def _stem(path: Path) -> str:
    ending = next((ending for ending in _ENDINGS if path.name.endswith(ending)), None)
    hidden = path.name.startswith(".")
    return "" if ending is None or hidden else path.name.removesuffix(ending)
