"""Walk a study tree: every scan in it, NIfTI, MGH or DICOM series, becomes something to segment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.batch.paths import stem_of
from napari_scd.errors import InputError
from napari_scd.volume import READABLE, is_dicom_file
from napari_scd.volume.dicom import series_of
from napari_scd.volume.nifti.opening import open_image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_scd.volume.dicom import Series

_SECOND_HALVES = (".img", ".img.gz")
_FEWEST_IMAGES = 3


class Scan(NamedTuple):
    """A scan found in a tree.

    Parameters
    ----------
    source
        The file; of a DICOM series the first one.
    name
        Where it lies below the tree, without ending: results get this name.
    dicom
        Whether it is a DICOM series.
    state
        Size and time of change, to see whether it is still the one that was segmented.
    skip
        Why it is not to be segmented; empty when it is.
    broken
        Why it cannot be: what is wrong with its header; empty when nothing is.
    """

    source: Path
    name: str
    dicom: bool
    state: tuple[int, ...] = ()
    skip: str = ""
    broken: str = ""


def walk(folder: Path, modality: str, leave_out: Path) -> list[Scan]:
    """Find the scans below a folder, in the order of their names.

    Parameters
    ----------
    folder : Path
    modality : str
        "CT" or "MR": DICOM series of another kind are skipped.
    leave_out : Path
        A folder that is not looked into: where the results go.

    Raises
    ------
    InputError
        When the folder holds no scan at all.
    """
    scans: list[Scan] = []
    for place, folders, files in os.walk(folder):
        here = Path(place)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and (here / name).resolve() != leave_out.resolve()
        )
        visible = [here / name for name in sorted(files) if not name.startswith(".")]
        scans += _image_files(visible, folder)
        scans += _dicom_series(here, visible, folder, modality)
    if not scans:
        raise InputError(f"There is no scan below {folder}; give a folder with NIfTI, MGH or DICOM files.")
    return _named_apart(scans)


def _image_files(files: list[Path], top: Path) -> Iterator[Scan]:
    for file in files:
        name = file.name.lower()
        if not name.endswith(READABLE) or name.endswith(_SECOND_HALVES):
            continue
        scan = Scan(file, str(file.parent.relative_to(top) / stem_of(file)), False, _state([file]))
        try:
            header = open_image(file).header
        except InputError as error:
            yield scan._replace(broken=str(error))
            continue
        intent = getattr(header, "get_intent", None)
        yield scan._replace(skip="a label map" if intent is not None and intent()[0] == "label" else "")


def _dicom_series(here: Path, files: list[Path], top: Path, modality: str) -> Iterator[Scan]:
    dicom = [file for file in files if is_dicom_file(file)]
    if not dicom:
        return
    try:
        found = series_of(dicom)
    except InputError as error:
        yield Scan(here, str(here.relative_to(top) / "series"), True, broken=str(error))
        return
    for series in found.series:
        state = _state(sorted({image.path for image in series.images}))
        name = str(here.relative_to(top) / f"series-{series.key}")
        yield Scan(series.path, name, True, state, _why_not(series, modality))


def _why_not(series: Series, modality: str) -> str:
    if series.modality != modality:
        return f"{series.modality or 'of no stated kind'}, and the model takes {modality}"
    if len(series.images) < _FEWEST_IMAGES:
        return f"{len(series.images)} images only"
    return ""


def _state(files: list[Path]) -> tuple[int, ...]:
    stats = [file.stat() for file in files]
    return len(files), sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)


def _named_apart(scans: list[Scan]) -> list[Scan]:
    """Give scans that would share a name (``a.nii`` and ``a.mgz``) a number each."""
    taken: set[str] = set()
    apart = []
    for scan in scans:
        name, number = scan.name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{scan.name}-{number}"
        taken.add(name.casefold())
        apart.append(scan._replace(name=name))
    return apart
