"""Walk a study tree: every scan in it, NIfTI, MGH or DICOM series, becomes something to segment."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.errors import InputError
from napari_scd.volume import (
    READABLE,
    LeftOut,
    Why,
    is_dicom_file,
    listed,
    open_image,
    pieces_of,
    series_of,
    stem_of,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from napari_scd.volume import Series

OTHER_FILES = "other files"
"""The name under which a summary counts what is not a scan."""

_SECOND_HALVES = {".img": ".hdr", ".img.gz": ".hdr.gz"}
_FEWEST_SLICES = 3


class Scan(NamedTuple):
    """A scan found in a tree, or something that cannot be used.

    Parameters
    ----------
    source
        The file; of a DICOM series the first one.
    name
        Its path below the tree, without ending: results get this name.
    dicom
        Whether it is a DICOM series.
    state
        Size and modification time, to see whether it is still the file that was segmented.
    skip
        Why it should not be segmented; empty if it should.
    broken
        Why it cannot be segmented: what is wrong with its header; empty if nothing is.
    slices
        All files of a DICOM series that lies in several folders; empty for all else.
    """

    source: Path
    name: str
    dicom: bool
    state: tuple[int, ...] = ()
    skip: str = ""
    broken: str = ""
    slices: tuple[Path, ...] = ()

    @property
    def status(self) -> str:
        """What a summary says before anything is computed: "failed", "skipped", "left out" or nothing."""
        if self.broken:
            return "failed"
        if not self.skip:
            return ""
        return "left out" if Path(self.name).name == OTHER_FILES else "skipped"


class _Part(NamedTuple):
    """What one folder holds of a DICOM series."""

    folder: Path
    series: Series


def find_scans(folder: Path, modality: str, leave_out: Path) -> list[Scan]:
    """Find the scans below a folder, in the order of their names.

    Links to folders are followed, each folder once. What cannot be used is in the list as well, with the
    reason; files that are not images are counted together, under the name ``OTHER_FILES``.

    Parameters
    ----------
    folder : Path
    modality : str
        "CT" or "MR": DICOM series of another kind are skipped.
    leave_out : Path
        A folder to leave out: where the results go.

    Raises
    ------
    InputError
        When the folder holds no scan at all.
    """
    scans: list[Scan] = []
    parts: defaultdict[str, list[_Part]] = defaultdict(list)
    notes: list[LeftOut] = []
    for here, files in walk(folder, notes, avoid=leave_out):
        dicom = [file for file in files if not _named_like_an_image(file) or is_dicom_file(file)]
        images = [file for file in files if file not in set(dicom)]
        scans += _image_files(images, folder)
        found = series_of(dicom)
        for series in found.series:
            parts[series.uid].append(_Part(here, series))
        used = {path for series in found.series for path in (*series.files, *_paths(series.left_out))}
        lost = [one for one in found.left_out if one.path not in used]
        notes += lost
        used |= set(_paths(lost))
        notes += [LeftOut(file, Why.NOT_AN_IMAGE) for file in dicom if file not in used]
    for of_one_series in parts.values():
        scans += _dicom_series(of_one_series, folder, modality)
    if not scans:
        why = f" ({listed(notes)})" if notes else ""
        raise InputError(
            f"There is no scan below {folder}{why}; give a folder with NIfTI, MGH or DICOM files."
        )
    scans.sort(key=lambda scan: Path(scan.name).parts)
    return named_apart([*scans, *_unusable(notes, folder)])


def named_apart(scans: Iterable[Scan]) -> list[Scan]:
    """Give scans that would otherwise share a name (``a.nii`` and ``a.mgz``) a number."""
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


def _named_like_an_image(file: Path) -> bool:
    return file.name.lower().endswith(READABLE)


def _paths(left_out: Iterable[LeftOut]) -> tuple[Path, ...]:
    return tuple(one.path for one in left_out)


def _image_files(files: list[Path], top: Path) -> Iterator[Scan]:
    there = {file.name.lower() for file in files}
    for file in files:
        if _second_half(file.name.lower(), there):
            continue
        name = str(file.parent.relative_to(top) / stem_of(file))
        try:
            scan = Scan(file, name, False, _state([file]))
            header = open_image(file).header
        except (InputError, OSError) as error:
            yield Scan(file, name, False, broken=str(error))
            continue
        intent = getattr(header, "get_intent", None)
        yield scan._replace(skip="a label map" if intent is not None and intent()[0] == "label" else "")


def _second_half(name: str, there: set[str]) -> bool:
    """Tell whether a file is the .img of an .hdr beside it."""
    return any(name.endswith(img) and name[: -len(img)] + hdr in there for img, hdr in _SECOND_HALVES.items())


def _dicom_series(parts: list[_Part], top: Path, modality: str) -> Iterator[Scan]:
    """Yield the scans of one series: pieces from several folders are one, whole scans are one each."""
    for numbers in pieces_of([part.series.images for part in parts]):
        group = [parts[number] for number in numbers]
        folder = Path(os.path.commonpath([part.folder for part in group]))
        series = group[0].series
        name = str(folder.relative_to(top) / f"series-{series.key}")
        files = sorted(file for part in group for file in part.series.files)
        lost = [path for part in group for path in _paths(part.series.left_out)]
        slices = (*files, *lost) if len(group) > 1 else ()
        n_slices = sum(part.series.n_slices for part in group)
        yield Scan(files[0], name, True, _state(files), _why_not(series, n_slices, modality), slices=slices)


def _unusable(notes: list[LeftOut], top: Path) -> Iterator[Scan]:
    """Yield what is not a scan: by name if a scan may be lost, the rest counted together."""
    rest = []
    for one in notes:
        name = str(one.path.relative_to(top)) if one.path != top else one.path.name
        if one.is_lost:
            yield Scan(one.path, name, False, broken=one.reason)
        elif one.is_image:
            yield Scan(one.path, name, False, skip=one.reason)
        else:
            rest.append(one)
    if rest:
        yield Scan(top, OTHER_FILES, False, skip=f"{len(rest)} not used: {listed(rest)}")


def _why_not(series: Series, n_slices: int, modality: str) -> str:
    if series.modality != modality:
        return f"{series.modality or 'of no stated kind'}, and the model takes {modality}"
    if series.is_scout:
        return "a scout"
    if n_slices < _FEWEST_SLICES:
        return f"{n_slices} image{'s' * (n_slices != 1)} only"
    return ""


def _state(files: list[Path]) -> tuple[int, ...]:
    stats = [file.stat() for file in files]
    return len(files), sum(stat.st_size for stat in stats), max(stat.st_mtime_ns for stat in stats)
