"""Several data sets, each with its own labels -> cases that can be read at any resolution."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError
from napari_scd.evaluation import read_pair
from napari_scd.training.config import IGNORED, DataConfig
from napari_scd.training.data.cases import budget_bytes, mapped_tensor
from napari_scd.training.data.levels import greys_of, levels_of
from napari_scd.training.data.listing import list_cases
from napari_scd.training.data.places import targets_of
from napari_scd.training.notices import ReadingCase
from napari_scd.volume import read_labels, reorient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_scd.evaluation import CaseFiles
    from napari_scd.training.config import SetConfig, TrainConfig
    from napari_scd.training.data.levels import Level
    from napari_scd.training.data.places import Places
    from napari_scd.training.notices import Notice
    from napari_scd.volume import Volume

    Listed = list[tuple[SetConfig, CaseFiles]]

WITHHELD = 254  # label of voxels of a structure that is kept back
_MOST_CODES = 200


@dataclass(frozen=True)
class PromptCase:
    """One case of one set.

    Attributes
    ----------
    set : SetConfig
    name : str
        With its set's name before it.
    levels : tuple of Level
        Finest first, each of half the resolution of the one before it along its finer axes.
    targets : dict of int to Places
        For each code that may be a target.
    values : dict of int to int
        Code -> value in the file.
    """

    set: SetConfig
    name: str
    levels: tuple[Level, ...]
    targets: dict[int, Places]
    values: dict[int, int]

    @property
    def drawn(self) -> bool:
        """Whether its images are drawn from the label map, as there is no image."""
        return self.levels[0].image is None

    def level_for(self, spacing_mm: float) -> Level:
        """Return the coarsest level that is not coarser than a spacing along its finest axis."""
        fitting = [level for level in self.levels if min(level.spacing_mm) <= spacing_mm]
        return fitting[-1] if fitting else self.levels[0]

    def edge_mm(self) -> float:
        """Longest edge."""
        finest = self.levels[0]
        return max(n * mm for n, mm in zip(finest.label.shape[1:], finest.spacing_mm, strict=True))


def list_sets(config: TrainConfig) -> tuple[Listed, Listed]:
    """Training and validation cases of every set.

    Raises
    ------
    InputError
        A missing file or folder, an image without label, a case that is not there; the set is named.
    """
    training, validation = [], []
    for one in config.data.sets:
        with _named(one):
            data = DataConfig(
                images=one.images,
                labels=one.labels,
                training=one.training,
                validation=one.validation,
                test=one.test,
                holdout=one.holdout,
            )
            learned, held = list_cases(data, maps_only=one.images is None)
        training += [(one, files) for files in learned]
        validation += [(one, files) for files in held]
    return training, validation


def load_prompt_cases(
    listed: Sequence[tuple[SetConfig, CaseFiles]],
    config: TrainConfig,
    folder: Path,
    *,
    spent: int = 0,
    tell: Callable[[Notice], None] | None = None,
) -> list[PromptCase]:
    """Read and check cases; the first bad one stops the run before its first step.

    Parameters
    ----------
    folder : Path
        Where cases go that do not fit the memory budget (``data: memory_gb``).
    spent : int
        Bytes of the budget already in use.
    tell : callable, optional
        Hears which case is being read.

    Raises
    ------
    InputError
        Image and label differ in shape or place, voxels are not finite, a case has no possible target; set
        and file are named.
    """
    budget = budget_bytes(config.data.memory_gb)
    cases = []
    for number, (one, files) in enumerate(listed, start=1):
        if tell is not None:
            tell(ReadingCase(number, len(listed), f"{one.name}/{files.name}"))
        with _named(one):
            case = load_prompt_case(one, files, config.recipe.axes)
        spent += _bytes_of(case)
        cases.append(_mapped(case, folder) if spent > budget else case)
    return cases


def load_prompt_case(one: SetConfig, files: CaseFiles, axes: str) -> PromptCase:
    """Read one case of a set, in the array order of `axes`; errors as for `load_prompt_cases`."""
    image = None
    if one.images is None:
        label = read_labels(files.label)
    else:
        image, label = read_pair(files)
    codes, values = _codes(label, one, files)
    label = reorient(label.with_array(codes), axes)[0]
    spacing = label.spacing_mm
    greys = None if image is None else greys_of(reorient(image, axes)[0].array)
    levels = levels_of(greys, np.ascontiguousarray(label.array), spacing)
    targets = targets_of(levels, values)
    if not targets:
        raise InputError(f"{files.label} has no structure that could be a target: leave the case out.")
    return PromptCase(one, f"{one.name}/{files.name}", levels, targets, values)


@contextmanager
def _named(one: SetConfig) -> Iterator[None]:
    """Say in every error which set it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"Data set '{one.name}': {error}") from error


def _codes(label: Volume, one: SetConfig, files: CaseFiles) -> tuple[NDArray[np.uint8], dict[int, int]]:
    """Give the labels of a file the codes 1, 2, ...; ignored and withheld ones have codes of their own."""
    array = label.array
    highest = int(array.max(initial=0))
    if int(array.min(initial=0)) < 0 or highest > 2**20:
        raise InputError(f"{files.label} has label values outside 0 to {2**20}: renumber them.")
    there = np.flatnonzero(np.bincount(array.ravel(), minlength=2)[1:]) + 1
    plain = [int(value) for value in there if value not in one.ignore and value not in one.withheld]
    if len(plain) > _MOST_CODES:
        raise InputError(f"{files.label} has {len(plain)} labels, more than {_MOST_CODES}: merge some.")
    table = np.zeros(highest + 1, np.uint8)
    for code, value in enumerate(plain, start=1):
        table[value] = code
    for held, code in ((one.ignore, IGNORED), (one.withheld, WITHHELD)):
        table[[value for value in held if value <= highest]] = code
    return table[array], dict(enumerate(plain, start=1))


def _bytes_of(case: PromptCase) -> int:
    return sum(t.nbytes for level in case.levels for t in (level.image, level.label) if t is not None)


def _mapped(case: PromptCase, folder: Path) -> PromptCase:
    """Write a case's arrays to files and map them back into memory."""
    levels = []
    for number, level in enumerate(case.levels):
        stem = f"{case.name.replace('/', '-')}.{number}"
        label = mapped_tensor(level.label, folder / f"{stem}.label.npy")
        image = None if level.image is None else mapped_tensor(level.image, folder / f"{stem}.image.npy")
        levels.append(level._replace(image=image, label=label))
    return replace(case, levels=tuple(levels))
