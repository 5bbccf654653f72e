"""Cases on disk -> checked tensors on the model's grid, in memory or, beyond a budget, in mapped files."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from napari_scd.errors import InputError
from napari_scd.evaluation import CaseFiles, read_pair
from napari_scd.training.config import IGNORED
from napari_scd.training.data.synthesis import draw_image, paired_codes, targets_of
from napari_scd.training.notices import ReadingCase
from napari_scd.volume import atomic_path, normalise, read_labels, reorient, resample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_scd.training.config import DataConfig, TrainConfig
    from napari_scd.training.notices import Notice
    from napari_scd.volume import Volume

_ASSUMED_FREE_BYTES = 2**34


@dataclass(frozen=True)
class Case:
    """One case on the model's grid.

    Attributes
    ----------
    image : Tensor ``(c, z, y, x)`` float32
        Normalised where the recipe normalises over the volume, and lowered to minimum 0, so that zeros
        outside the case become what inference pads with once `floor` is added back.
    floor : Tensor ``(c, 1, 1, 1)`` float32
    label : Tensor ``(1, z, y, x)`` uint8
        Label ids, and `IGNORED`; for overlapping regions and maps to draw from, the values of the label file.
    foreground : Tensor ``(k, 4)`` int16
        Label and voxel index of up to a few thousand labelled voxels of each structure.
    present : tuple of int
        Labels that occur, ascending.
    """

    name: str
    image: Tensor
    floor: Tensor
    label: Tensor
    foreground: Tensor
    present: tuple[int, ...]

    @property
    def n_bytes(self) -> int:
        """Memory of image and label."""
        return self.image.nbytes + self.label.nbytes

    def to(self, device: torch.device) -> Case:
        """Return the case with image and label on a device."""
        image, floor, label = (tensor.to(device) for tensor in (self.image, self.floor, self.label))
        return replace(self, image=image, floor=floor, label=label)


def load_case(files: CaseFiles, config: TrainConfig) -> Case:
    """Read, check and prepare one case exactly as the engine prepares a volume.

    Raises
    ------
    InputError
        Image and label differ in shape or place, voxels are not finite, or a label value is unknown; the
        message names the file.
    """
    recipe = config.recipe
    image, label = read_pair(files, len(recipe.channels))
    _check_values(label, files, config, config.file_values)
    values = _label_ids(label, config)
    image, label = reorient(image, recipe.axes)[0], reorient(label.with_array(values), recipe.axes)[0]
    if recipe.spacing_mm is not None:
        image, _ = resample(image, recipe.spacing_mm)
    array = image.array if image.array.ndim == 4 else image.array[None]
    array = normalise(array, recipe) if recipe.normalise_over == "volume" else np.array(array, np.float32)
    floor = array.min(axis=(1, 2, 3), keepdims=True)
    array -= floor
    labels = np.ascontiguousarray(_on_grid(label, image))
    present = _present(labels, config.data)
    return Case(
        files.name,
        torch.from_numpy(np.ascontiguousarray(array, np.float32)),
        torch.from_numpy(floor),
        torch.from_numpy(labels)[None],
        torch.from_numpy(_foreground(labels, present)),
        present,
    )


def load_map(files: CaseFiles, config: TrainConfig) -> Case:
    """Read, check and prepare a label map from which images are drawn: its label keeps the file's values.

    Raises
    ------
    InputError
        A label value is unknown or above 255; the message names the file.
    """
    label = read_labels(files.label)
    _check_values(label, files, config, config.drawn_values)
    if int(label.array.max(initial=0)) > 255:
        raise InputError(f"{files.label} holds label values above 255, which 'synthesis' cannot draw.")
    label = reorient(label.with_array(label.array.astype(np.uint8)), config.recipe.axes)[0]
    codes = np.ascontiguousarray(_at_spacing(label, config.recipe.spacing_mm))
    labels = targets_of(config).numpy()[codes]
    present = _present(labels, config.data)
    return Case(
        files.name,
        torch.zeros((0, *codes.shape)),
        torch.zeros((0, 1, 1, 1)),
        torch.from_numpy(codes)[None],
        torch.from_numpy(_foreground(labels, present)),
        present,
    )


def drawn_case(case: Case, config: TrainConfig, seed: int) -> Case:
    """Draw one image of a whole label map, as a fixed case to validate on."""
    assert config.synthesis is not None
    generator = torch.Generator().manual_seed(seed)
    image = draw_image(case.label, config.synthesis, paired_codes(config), generator, generator)
    array = torch.from_numpy(normalise(image.numpy(), config.recipe))
    floor = array.amin((1, 2, 3), keepdim=True)
    label = targets_of(config)[case.label.long()]
    return replace(case, image=array - floor, floor=floor, label=label)


def load_cases(
    files: Iterable[CaseFiles],
    config: TrainConfig,
    folder: Path,
    *,
    maps: bool = False,
    spent: int = 0,
    tell: Callable[[Notice], None] | None = None,
) -> list[Case]:
    """`load_case` for each; the first bad one stops the run before its first step.

    Parameters
    ----------
    maps : bool
        Read label maps to draw from, by `load_map`.
    folder : Path
        Where cases go that do not fit the memory budget (``data: memory_gb``).
    spent : int
        Bytes of the budget already in use.
    tell : callable, optional
        Called with a notice of which case is being read.
    """
    budget = budget_bytes(config.data.memory_gb)
    cases = []
    listed = list(files)
    for number, case_files in enumerate(listed, start=1):
        if tell is not None:
            tell(ReadingCase(number, len(listed), case_files.name))
        case = load_map(case_files, config) if maps else load_case(case_files, config)
        spent += case.n_bytes
        cases.append(_mapped(case, folder) if spent > budget else case)
    return cases


def absent_labels(cases: Iterable[Case], config: TrainConfig) -> list[str]:
    """Names of structures that no case holds."""
    present = {value for case in cases for value in case.present}
    overlapping = config.recipe.activation == "sigmoid"
    held = config.file_values if overlapping else [(index,) for index in config.table.indices]
    return [name for name, values in zip(config.table.names, held, strict=True) if not present & set(values)]


def on_device(cases: list[Case], device: torch.device) -> list[Case]:
    """Move all cases to an accelerator where they take no more than half of its free memory."""
    if device.type == "cuda":
        room = torch.cuda.mem_get_info(device)[0] // 2
    else:
        room = 0 if device.type == "cpu" else budget_bytes(None)
    fits = sum(case.n_bytes for case in cases) <= room
    return [case.to(device) for case in cases] if fits else cases


def _check_values(
    label: Volume, files: CaseFiles, config: TrainConfig, values: tuple[tuple[int, ...], ...]
) -> None:
    """Raise `InputError` for a label value that the training file does not list."""
    data = config.data
    listed = {0, *data.background, *data.ignore, *(value for held in values for value in held)}
    unknown = sorted(set(np.unique(label.array).tolist()) - listed)
    if unknown:
        raise InputError(
            f"{files.label} holds the label value {unknown[0]}, which the training file does not list: "
            "add it to 'labels:', or to 'background:' or 'ignore:' under 'data:'."
        )


def _label_ids(label: Volume, config: TrainConfig) -> NDArray[np.uint8]:
    """Label ids of a label file (regions: its values)."""
    turned = np.zeros(max(int(label.array.max(initial=0)), 255) + 1, np.uint8)
    turned[list(config.data.ignore)] = IGNORED
    for index, held in zip(config.table.indices, config.file_values, strict=True):
        for value in held:
            turned[value] = value if config.recipe.activation == "sigmoid" else index
    return np.asarray(turned[label.array])


def _at_spacing(label: Volume, spacing_mm: tuple[float, float, float] | None) -> NDArray[np.uint8]:
    """Nearest label at voxel centres of another spacing."""
    if spacing_mm is None:
        return np.asarray(label.array)
    grid, _ = resample(label.with_array(np.zeros(label.spatial_shape, np.float32)), spacing_mm)
    return _on_grid(label, grid)


def _on_grid(label: Volume, grid: Volume) -> NDArray[np.uint8]:
    """Nearest label at each voxel centre of `grid` (same orientation, other spacing)."""
    if label.spatial_shape == grid.spatial_shape:
        return np.asarray(label.array)
    to_label = np.linalg.inv(label.affine) @ grid.affine
    picks = []
    for axis in range(3):
        centres = np.arange(grid.spatial_shape[axis]) * to_label[axis, axis] + to_label[axis, 3]
        picks.append(np.clip(np.rint(centres), 0, label.spatial_shape[axis] - 1).astype(int))
    return np.asarray(label.array[np.ix_(*picks)])


def _present(labels: NDArray[np.uint8], data: DataConfig) -> tuple[int, ...]:
    """Structures that occur, ascending."""
    others = {0, IGNORED} if data.ignore else {0}
    return tuple(value for value in np.unique(labels).tolist() if value not in others)


def _foreground(
    labels: NDArray[np.uint8], present: tuple[int, ...], per_label: int = 2000
) -> NDArray[np.int16]:
    rows = []
    rng = np.random.default_rng(0)
    for value in present:
        places = np.flatnonzero(labels == value)
        if len(places) > per_label:
            places = places[rng.choice(len(places), per_label, replace=False)]
        rows.append(np.stack([np.full(len(places), value), *np.unravel_index(places, labels.shape)], axis=1))
    return np.concatenate(rows).astype(np.int16) if rows else np.zeros((0, 4), np.int16)


def budget_bytes(memory_gb: float | None) -> int:
    """Bytes that cases may take in memory: as the training file says, else half of what is free."""
    if memory_gb is not None:
        return int(memory_gb * 2**30)
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return _ASSUMED_FREE_BYTES // 2


def _mapped(case: Case, folder: Path) -> Case:
    """Write a case's arrays to files and map them back into memory."""
    return replace(
        case,
        image=mapped_tensor(case.image, folder / f"{case.name}.image.npy"),
        label=mapped_tensor(case.label, folder / f"{case.name}.label.npy"),
    )


def mapped_tensor(tensor: Tensor, path: Path) -> Tensor:
    """Write a tensor to a file and map it back into memory.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {path.parent} cannot be made: {error.strerror}.") from error
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, tensor.numpy())
    return torch.from_numpy(np.load(path, mmap_mode="c"))
