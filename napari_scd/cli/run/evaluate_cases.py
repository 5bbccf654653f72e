"""Which cases an evaluation measures, and what the values in their label files mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.cli.console import warn
from napari_scd.cli.extras import training_extra
from napari_scd.errors import InputError
from napari_scd.evaluation import CaseFiles, find_cases
from napari_scd.volume import sentence_on

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.volume import LabelTable

_FOLDERS = (("images", "labels"), ("imagesTr", "labelsTr"), ("imagesTs", "labelsTs"))


@dataclass(frozen=True)
class EvaluateOrder:
    """What one call of `evaluate` asks for.

    `data` is an images folder (with `labels`), a folder that holds both, a dataset.json or a training file,
    of which `split` chooses cases; `tolerance_mm` None takes the modality's own. With `clicks`, structures
    are clicked, also by the `baselines`; `chooser` says who chooses tokens. `card` is where the model is
    written again with these figures, measured on `about_cases`.
    """

    model: str
    data: Path
    labels: Path | None = None
    split: str | None = None
    keeps: tuple[float, ...] = ()
    cases: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    out: Path | None = None
    surface: bool = True
    tolerance_mm: float | None = None
    ignored: tuple[int, ...] = ()
    zero_tokens: bool = False
    clean_up: bool = True
    air: bool = False
    card: Path | None = None
    about_cases: str = ""
    clicks: int | None = None
    baselines: tuple[str, ...] = ()
    chooser: str = "learned"
    device: str = "auto"
    precision: str = "auto"
    sharpen: str = "borders"
    threads: int | None = None


class Truth(NamedTuple):
    """Cases, the values each label has in their files, values that are background, and values left out."""

    cases: list[CaseFiles]
    values: tuple[tuple[int, ...], ...]
    background: tuple[int, ...]
    ignored: tuple[int, ...] = ()


def truth_of(order: EvaluateOrder, table: LabelTable, activation: str) -> Truth:
    """Find the cases to measure.

    Raises
    ------
    InputError
        Unknown names, nothing there, or a training file for other structures.
    """
    if order.data.suffix in (".yaml", ".yml"):
        truth = _from_training_file(order, table)
    elif order.split is not None:
        raise InputError(f"--split is for training files, and {order.data} is not one: leave it out.")
    elif activation == "sigmoid":
        raise InputError(
            "This model's regions overlap, so label values alone do not identify them: give its training "
            "file as DATA, which says which values make up each region."
        )
    else:
        truth = Truth(list(found_cases(order).values()), (), ())
    return truth._replace(cases=chosen_cases(order, truth.cases))


def chosen_cases(order: EvaluateOrder, cases: list[CaseFiles]) -> list[CaseFiles]:
    """Pick the cases that the order names, all when it names none.

    Raises
    ------
    InputError
        Unknown names, or nothing left.
    """
    by_name = {case.name: case for case in cases}
    missing = [name for name in order.cases if name not in by_name]
    if missing:
        raise InputError(f"The case '{missing[0]}' is not among the {len(by_name)} cases found.")
    chosen = [by_name[name] for name in order.cases] if order.cases else cases
    if not chosen:
        raise InputError(f"{order.data} names no case to measure: choose another --split.")
    return chosen


def _from_training_file(order: EvaluateOrder, table: LabelTable) -> Truth:
    with training_extra("A training file"):
        from napari_scd.training import list_cases, list_test_cases, read_config
    config = read_config(order.data)
    if config.table.names != table.names:
        raise InputError(
            f"The model finds other structures than {order.data} lists: give its own training file."
        )
    split = order.split or "validation"
    training, validation = list_cases(config.data)
    by_split = {"training": training, "validation": validation}
    if split in by_split:
        cases = by_split[split]
    else:
        tests = list_test_cases(config.data)
        cases = tests if split == "test" else [*training, *validation, *tests]
    return Truth(cases, config.file_values, config.data.background, config.data.ignore)


def found_cases(order: EvaluateOrder) -> dict[str, CaseFiles]:
    """List all cases of two folders or a dataset.json, by name.

    Raises
    ------
    InputError
        A missing file or folder, or neither two folders nor a data list.
    """
    if order.data.suffix == ".json":
        return find_cases(dataset=order.data).cases
    if order.labels is not None:
        return _in_folders(order.data, order.labels)
    for images, labels in _FOLDERS:
        if (order.data / images).is_dir() and (order.data / labels).is_dir():
            return _in_folders(order.data / images, order.data / labels)
    raise InputError(
        f"{order.data} has no folders 'images' and 'labels': name the folder of label maps after that of "
        "images, or give a dataset.json or a training file."
    )


def _in_folders(images: Path, labels: Path) -> dict[str, CaseFiles]:
    found = find_cases(images=images, labels=labels)
    if found.unused:
        warn(sentence_on(found.unused))
    return found.cases
