"""Find the DICOM series in a folder, and say what they are; headers only, no voxel is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.dicom.headers import Image, read_images
from napari_scd.volume.dicom.recognise import files_below, is_dicom_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from napari_scd.volume.dicom.headers import StackKey

_SAME_DIRECTION = 1e-3
_PLANES = ("sagittal", "coronal", "axial")


@dataclass(frozen=True)
class Series:
    """Images of one DICOM series that can be stacked: same direction, size and voxel size.

    Parameters
    ----------
    key
        What it is chosen by: the series number, with ".1", ".2" and so on behind it where the series mixes
        directions or sizes, or several series share the number.
    images
        The images in no particular order.
    """

    key: str
    images: tuple[Image, ...]

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
    def path(self) -> Path:
        """The series' first file: enough to open it again."""
        return min(image.path for image in self.images)

    @property
    def plane(self) -> str:
        """The plane the images are nearest to: axial, coronal or sagittal."""
        row, column = np.reshape(self.images[0].orientation, (2, 3))
        return _PLANES[int(np.abs(np.cross(row, column)).argmax())]

    @property
    def summary(self) -> str:
        """One line for the user, such as "4: CT, Abdomen 2 mm, 120 axial images"."""
        count = len(self.images)
        images = f"{count} {self.plane} image{'s' if count != 1 else ''}"
        return f"{self.key}: " + ", ".join(filter(None, (self.modality, self.description, images)))


class Found(NamedTuple):
    """Series with images that have a place in space, and how many images have none."""

    series: tuple[Series, ...]
    n_placeless: int


def find_series(path: str | os.PathLike[str]) -> Found:
    """Find the series in a folder (subfolders included), or the one a file belongs to.

    For a file, the other files of its series are looked for in the same folder.

    Raises
    ------
    InputError
        When there is no such path, it holds no DICOM images, or pydicom is missing.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no file or folder {path}; check the name.")
    if path.name.upper() == "DICOMDIR":  # the index of a disc: its images lie around it
        path = path.parent
    if path.is_dir():
        return series_of(file for file in files_below(path) if is_dicom_file(file))
    own = read_images(path)
    if not own:
        raise InputError(
            f"{path.name} holds no DICOM images (a report, plan or index, perhaps); give a file or folder "
            "of a scan."
        )
    siblings = (file for file in path.parent.iterdir() if file == path or is_dicom_file(file))
    found = series_of(sorted(siblings))
    mine = tuple(one for one in found.series if any(image.path == path for image in one.images))
    return Found(mine, sum(not image.position_mm for image in own))


def series_of(files: Iterable[Path]) -> Found:
    """Sort the images of many files into series; files without images are left out."""
    stacks: dict[tuple[str, StackKey], list[Image]] = {}
    n_placeless = 0
    for file in files:
        for image in read_images(file):
            if not image.position_mm:
                n_placeless += 1
            else:
                stacks.setdefault((image.series.uid, _stack_of(image, stacks)), []).append(image)
    groups = sorted(stacks.values(), key=lambda images: (images[0].series.number, images[0].series.uid))
    numbers = [images[0].series.number for images in groups]
    named = []
    for place, images in enumerate(groups):
        number = numbers[place]
        rank = numbers[: place + 1].count(number)
        key = str(number) if numbers.count(number) == 1 else f"{number}.{rank}"
        named.append(Series(key, tuple(images)))
    return Found(tuple(named), n_placeless)


def choose_series(found: Found, wanted: str | None, name: str) -> Series:
    """Choose one of several series.

    Parameters
    ----------
    found
        As :func:`find_series` returned it.
    wanted
        A series' key; None takes the only one there is, or the only one with more than two images.
    name
        Of folder or file, for messages.

    Raises
    ------
    InputError
        When there is none, several could be meant, or none has that key; the message lists them.
    """
    series = found.series
    if not series:
        why = (
            f"{found.n_placeless} images without a place in space (radiographs or screenshots, perhaps)"
            if found.n_placeless
            else "no DICOM images"
        )
        raise InputError(f"{name} holds {why}; give the folder of a CT or MR series.")
    listed = "; ".join(one.summary for one in series)
    if wanted is not None:
        for one in series:
            if one.key == wanted.strip():
                return one
        raise InputError(f"{name} has no series '{wanted}'; choose one of: {listed}.")
    volumes = [one for one in series if len(one.images) > 2] or list(series)
    if len(volumes) == 1:
        return volumes[0]
    if len({one.uid for one in volumes}) == 1:
        raise InputError(
            f"The series in {name} mixes directions or sizes ({listed}); choose one with --series, or give "
            "one of its files."
        )
    raise InputError(
        f"{name} holds {len(series)} series ({listed}); choose one with --series, or give one of its files."
    )


def _stack_of(image: Image, stacks: Iterable[tuple[str, StackKey]]) -> StackKey:
    """Return the stack an image belongs to: an earlier one where size and direction agree."""
    mine = image.stack
    for uid, other in stacks:
        if (uid, other.shape, other.spacing_mm) == (image.series.uid, mine.shape, mine.spacing_mm):
            if np.abs(np.subtract(other.orientation, mine.orientation)).max() < _SAME_DIRECTION:
                return other
    return mine
