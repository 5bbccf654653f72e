"""Which file goes where: one input and its output files, or many inputs and a folder for each output."""

from __future__ import annotations

import os  # its tests of paths never raise; Path's do for names that are too long
from pathlib import Path
from typing import TYPE_CHECKING

from napari_scd.batch.jobs import BatchPlan, PlannedCase
from napari_scd.errors import InputError
from napari_scd.volume import stem_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_scd.batch.jobs import Targets

IMAGE_SUFFIXES = (".nii.gz", ".nii", ".mgz", ".mgh")
LABEL_SUFFIXES = (*IMAGE_SUFFIXES, ".dcm")


def plan_batch(sources: list[Path], targets: Targets, *, also_read: Iterable[Path] = ()) -> BatchPlan:
    """Give every input its output files, before anything is read or computed.

    One input is written to the file named (or, under its own name, into the folder named); several inputs
    keep their names inside the folders named. The report of several inputs may also be one ``.json`` file.
    The slices of a DICOM series are one input.
    No file of `also_read` (further channels of an input) is overwritten.

    Raises
    ------
    InputError
        When a file is named where a folder is needed, two inputs would be written to one file, an output
        would overwrite an input, or a suffix is not one we write.
    """
    from napari_scd.volume import gather_slices  # only when there is something to read

    scans = gather_slices(sources)
    many = len(scans) > 1
    summary = targets.report if many and names_report_file(targets.report) else None
    cases = tuple(
        PlannedCase(
            source,
            source.name,
            _image(source, targets.labels, "labels", many, LABEL_SUFFIXES),
            targets.tokens and _image(source, targets.tokens, "tokens", many),
            targets.score and _image(source, targets.score, "scores", many),
            targets.probability and _image(source, targets.probability, "probabilities", many),
            None if summary else targets.report and _report(source, targets.report, many),
            targets.each and _folder(targets.each, "structures") / stem_of(source),
            targets.surfaces and _folder(targets.surfaces, "surfaces") / stem_of(source),
            slices=slices,
        )
        for source, slices in scans
    )
    shared = [path for path in (summary, check_statistics(targets.statistics)) if path is not None]
    written = [path for case in cases for path in case.outputs.values()] + shared
    prefixes = [prefix for case in cases for prefix in (case.each, case.surfaces) if prefix]
    _check_collisions([*written, *prefixes], [*sources, *also_read])
    for path in written:
        _check_folder(path)
    for path in prefixes:
        _check_parents(path)
    return BatchPlan(cases, summary)


def names_labels_file(path: Path) -> bool:
    """Whether a path names a file of labels rather than a folder for them."""
    return _is_file(path, LABEL_SUFFIXES)


def names_report_file(path: Path | None) -> bool:
    """Whether a path names one file for all reports rather than a folder for them."""
    return _is_file(path, (".json",))


def check_statistics(target: Path | None) -> Path | None:
    """Return the file for statistics, or raise InputError when it is not a CSV file."""
    if target is not None and not _is_file(target, (".csv",)):
        raise InputError(f"The output for statistics, '{target}', must be a .csv file.")
    return target


def _image(
    source: Path, target: Path, kind: str, many: bool, suffixes: tuple[str, ...] = IMAGE_SUFFIXES
) -> Path:
    if _is_file(target, suffixes):
        if many:
            raise InputError(
                f"The output for {kind} is the file '{target}', but there are several inputs: name a folder "
                "instead."
            )
        return target
    if target.suffix and not os.path.isdir(target):
        raise InputError(
            f"The output for {kind}, '{target}', ends in '{target.suffix}', which cannot be written: "
            f"use {', '.join(suffixes)}, or name a folder."
        )
    kept = source.name.lower().endswith(IMAGE_SUFFIXES)
    return target / (source.name if kept else f"{stem_of(source)}.nii.gz")


def _report(source: Path, target: Path, many: bool) -> Path:
    if not many and _is_file(target, (".json",)):
        return target
    if target.suffix and not os.path.isdir(target):
        raise InputError(
            f"The output for the report, '{target}', ends in '{target.suffix}': use .json, or name a folder."
        )
    return target / f"{stem_of(source)}.json"


def _folder(target: Path, kind: str) -> Path:
    if _is_file(target, (*IMAGE_SUFFIXES, ".json", ".stl", ".obj", ".ply")):
        raise InputError(
            f"The output for {kind} is the file '{target}', but each structure gets its own file: name a "
            "folder."
        )
    return target


def _is_file(path: Path | None, suffixes: tuple[str, ...]) -> bool:
    return path is not None and path.name.lower().endswith(suffixes) and not os.path.isdir(path)


def _check_collisions(written: list[Path], sources: list[Path]) -> None:
    from napari_scd.volume import is_dicom  # only when there is something to read

    read = {os.path.realpath(source) for source in sources}
    folders = [place if os.path.isdir(place) else os.path.dirname(place) for place in read if is_dicom(place)]
    seen: set[str] = set()
    for path in written:
        place = os.path.realpath(path)
        inside = any(Path(place).is_relative_to(folder) for folder in folders)
        if place in read or (inside and _is_slice(Path(place))):
            raise InputError(f"The output '{path}' would overwrite an input: choose another place.")
        if place in seen:
            raise InputError(
                f"Two results would be written to '{path}': give inputs with different names, "
                "and each kind of output its own place."
            )
        seen.add(place)


def _is_slice(path: Path) -> bool:
    from napari_scd.volume import is_dicom, is_segmentation

    return path.is_file() and is_dicom(path) and not is_segmentation(path)


def _check_folder(path: Path) -> None:
    """Reject early what cannot be written to; the folder itself is created when the first result is ready."""
    if os.path.isdir(path):
        raise InputError(f"The output '{path}' is a folder: name a file in it.")
    _check_parents(path)


def _check_parents(path: Path) -> None:
    for parent in path.parents:
        if os.path.isdir(parent):
            return
        if os.path.exists(parent):
            raise InputError(f"'{parent}' is a file, so '{path}' cannot be inside it: choose a folder.")
