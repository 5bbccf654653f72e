"""Finds the DICOM series in a folder and describes them; headers only, no voxel is read."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.errors import Unreadable
from napari_scd.volume.dicom.grouping import is_scout, stacks_of
from napari_scd.volume.dicom.headers import read_images
from napari_scd.volume.dicom.recognise import ENDINGS, is_dicom
from napari_scd.volume.folders import files_below
from napari_scd.volume.left_out import LeftOut, Why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from napari_scd.volume.dicom_image import Image

_PLANES = ("sagittal", "coronal", "axial")
_MAY_BE_FOREIGN = (Why.EMPTY, Why.NOT_DICOM, Why.UNREADABLE)


@dataclass(frozen=True)
class Series:
    """Images of one DICOM series that can be stacked: same direction, size and voxel size.

    Parameters
    ----------
    key
        What it is chosen by: the series number, with ".1", ".2" and so on behind it where the series mixes
        directions, sizes or passes, or several series share the number.
    images
        The images in no particular order.
    left_out
        What was given with them but is not used.
    """

    key: str
    images: tuple[Image, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def uid(self) -> str:
        """The SeriesInstanceUID."""
        return self.images[0].series.uid

    @property
    def modality(self) -> str:
        """CT, MR, PT and so on."""
        return self.images[0].series.modality

    @property
    def description(self) -> str:
        """What the scanner calls it; may be empty."""
        return self.images[0].series.description

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the images, in the order of their names."""
        return tuple(sorted({image.path for image in self.images}))

    @property
    def path(self) -> Path:
        """The series' first file: enough to open it again, where all files lie in one folder."""
        return self.files[0]

    @property
    def n_slices(self) -> int:
        """How many slices the images show; those of a mosaic are many."""
        return sum(image.tiles for image in self.images)

    @property
    def plane(self) -> str:
        """The plane the images are nearest to: axial, coronal or sagittal."""
        row, column = np.reshape(self.images[0].orientation, (2, 3))
        return _PLANES[int(np.abs(np.cross(row, column)).argmax())]

    @property
    def is_scout(self) -> bool:
        """Whether the images were only taken to plan others."""
        return is_scout(self.images[0])

    @property
    def summary(self) -> str:
        """One line for the user, such as "4: CT, Abdomen 2 mm, 120 axial images"."""
        count = len(self.images)
        images = f"{count} {self.plane} image{'s' if count != 1 else ''}"
        return f"{self.key}: " + ", ".join(filter(None, (self.modality, self.description, images)))

    def as_left_out(self) -> LeftOut:
        """Return what is said of the series where another one is read."""
        return LeftOut(self.path, Why.OTHER_SERIES, self.summary)


class FoundSeries(NamedTuple):
    """Series whose images have a position in space, and everything else that was given."""

    series: tuple[Series, ...]
    left_out: tuple[LeftOut, ...]


def find_series(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> FoundSeries:
    """Find the series in a folder (subfolders included), of some files, or the one a file belongs to.

    For one file, the other files of its series are looked for in the same folder; of several files only
    these are taken.

    Raises
    ------
    Unreadable
        When there is no such path, or a file holds no DICOM images.
    InputError
        When pydicom is missing.
    """
    if not isinstance(path, str | os.PathLike):
        return _series_of_files([Path(one) for one in path])
    path = Path(path)
    if not os.path.exists(path):
        raise Unreadable(path, f"There is no file or folder {path}; check the name.")
    if path.name.upper() == "DICOMDIR":  # the index of a disc: its images are beside it
        path = path.parent
    if not path.is_dir():
        return _series_of_file(path)
    left_out: list[LeftOut] = []
    found = series_of(files_below(path, left_out))
    lost = tuple(one for one in left_out if one.why is not Why.HIDDEN or is_dicom(one.path))
    series = tuple(replace(one, left_out=one.left_out + lost) for one in found.series)
    return FoundSeries(series, found.left_out + lost)


def series_of(files: Iterable[Path], *, tell_all: bool = False) -> FoundSeries:
    """Sort the images of many files into series.

    Parameters
    ----------
    files
        Of any kind.
    tell_all
        Every file that is not used is named, whatever it is; else only those that may hold a slice, by
        their contents, their ending, or a name like those of the slices beside them.
    """
    images: list[Image] = []
    unused: list[tuple[LeftOut, str]] = []
    for file in files:
        content = read_images(file)
        images += content.images
        if content.why not in (None, Why.INDEX):
            unused.append((LeftOut(file, content.why, content.detail), content.series_uid))
    groups = sorted(stacks_of(images), key=lambda group: (group[0].series.number, group[0].series.uid))
    if not tell_all:
        slices = _Neighbours(images)
        unused = [(one, uid) for one, uid in unused if slices.may_include(one)]
    numbers = [group[0].series.number for group in groups]
    named = []
    for place, group in enumerate(groups):
        number = numbers[place]
        rank = numbers[: place + 1].count(number)
        key = str(number) if numbers.count(number) == 1 else f"{number}.{rank}"
        named.append(Series(key, group, tuple(_concerning(group, images, unused))))
    return FoundSeries(tuple(named), tuple(one for one, _ in unused))


class _Neighbours:
    """The folders and endings of the slices that were found, to tell what else may be one."""

    def __init__(self, images: Iterable[Image]) -> None:
        paths = {image.path for image in images}
        self.folders = {path.parent for path in paths}
        self.endings = {_ending_of(path) for path in paths}

    def may_include(self, one: LeftOut) -> bool:
        """Tell whether a file may be a lost slice: files of other kinds do not matter."""
        if one.why not in _MAY_BE_FOREIGN:
            return True
        name = one.path.name.lower()
        if any(f"{ending}." in f"{name}." for ending in ENDINGS):  # also scan.dcm.part
            return True
        near = one.path.parent in self.folders or one.why is not Why.NOT_DICOM
        return near and _ending_of(one.path) in self.endings and any(letter.isdigit() for letter in name)


def _ending_of(path: Path) -> str:
    """Return a file's ending; the last number of a UID does not count as one."""
    return "" if path.suffix[1:].isdigit() else path.suffix.lower()


def _concerning(
    group: tuple[Image, ...], images: Sequence[Image], unused: Iterable[tuple[LeftOut, str]]
) -> Iterator[LeftOut]:
    """Yield what may be missing from a stack: files of its series, and files of no known series near it."""
    folders = {image.path.parent for image in group}
    of_others = {image.path.parent for image in images} - folders
    for one, uid in unused:
        if one.why is Why.NO_SCAN:
            continue
        if uid == group[0].series.uid or (not uid and one.path.parent not in of_others):
            yield one


def _series_of_file(path: Path) -> FoundSeries:
    own = read_images(path)
    if not own.images and own.why not in (None, Why.NO_POSITION, Why.ONE_POSITION):
        if own.why is Why.COLOURS:
            raise Unreadable(path, f"{path.name} holds colours; give a scan with one number per voxel.")
        reason = LeftOut(path, own.why, own.detail).reason
        raise Unreadable(
            path, f"{path.name} holds no DICOM images ({reason}); give a file or folder of a scan."
        )
    beside = _files_beside(path)
    hidden = [file for file in beside if file != path and file.name.startswith(".")]
    found = series_of(file for file in beside if file not in hidden)
    mine = [one for one in found.series if path in one.files]
    others = [one for one in found.series if one not in mine and mine and one.uid == mine[0].uid]
    lost = tuple(one.as_left_out() for one in others)
    lost += tuple(
        LeftOut(file, Why.HIDDEN)
        for file in hidden
        if own.series_uid and read_images(file).series_uid == own.series_uid
    )
    series = tuple(replace(one, left_out=one.left_out + lost) for one in mine)
    return FoundSeries(series, tuple(one for one in found.left_out if one.path == path))


def _files_beside(path: Path) -> list[Path]:
    try:
        return sorted(path.parent.iterdir())
    except OSError as error:
        raise Unreadable(
            path.parent,
            f"The folder of {path.name} cannot be read ({error.strerror}); give all of its files.",
        ) from error


def _series_of_files(paths: Sequence[Path]) -> FoundSeries:
    """Find the series of the files given; slices of the same series beside them are named as left out."""
    found = series_of(dict.fromkeys(paths), tell_all=True)
    given = {os.path.realpath(path) for path in paths}
    folders = sorted({path.parent for one in found.series for path in one.files})
    beside = (file for folder in folders for file in sorted(folder.iterdir()))
    more: dict[str, list[LeftOut]] = {}
    for file in beside:
        if file.is_file() and os.path.realpath(file) not in given:
            for image in read_images(file).images[:1]:
                more.setdefault(image.series.uid, []).append(LeftOut(file, Why.NOT_GIVEN))
    series = tuple(replace(one, left_out=(*one.left_out, *more.get(one.uid, ()))) for one in found.series)
    return FoundSeries(series, found.left_out)
