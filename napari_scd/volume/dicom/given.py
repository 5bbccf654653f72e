"""Scans as they are given: files and folders, or all slices of a series one by one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.volume.dicom.recognise import is_dicom_file
from napari_scd.volume.dicom.series import series_of
from napari_scd.volume.nifti import READABLE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class GivenScan(NamedTuple):
    """A scan that was given.

    Parameters
    ----------
    source
        The file or folder; for the slices of a series their folder, or the first of them.
    slices
        The files of a series that were given one by one; empty for all else.
    """

    source: Path
    slices: tuple[Path, ...] = ()


def gather_slices(paths: Sequence[Path]) -> list[GivenScan]:
    """Put the slices of each DICOM series together that were given one by one, as by ``series/*.dcm``.

    A single file of a series stands for the whole series; two or more stand only for themselves. Files of
    other kinds that were given with them from the same folder, as by ``series/*``, go with them, to be named
    as left out.
    """
    slices = [path for path in paths if os.path.isfile(path) and is_dicom_file(path)]
    if len(slices) < 2:
        return [GivenScan(path) for path in paths]
    found = series_of(slices, tell_all=True)
    several = [series for series in found.series if len(series.files) > 1]
    folders = [series.path.parent for series in several]
    others = {path for path in paths if path not in slices and _is_no_scan(path)}
    scan_of: dict[Path, GivenScan] = {}
    for series in several:
        folder = series.path.parent
        beside = {path for path in others if path.parent == folder}
        others -= beside
        alone = folders.count(folder) == 1 and {path.parent for path in series.files} == {folder}
        lost = (one.path for one in found.left_out) if len(found.series) == 1 else ()
        source = folder.absolute() if alone else series.path
        files = tuple(sorted({*series.files, *lost, *beside}))
        scan_of |= dict.fromkeys(files, GivenScan(source, files))
    return list(dict.fromkeys(scan_of.get(path, GivenScan(path)) for path in paths))


def _is_no_scan(path: Path) -> bool:
    return os.path.isfile(path) and not path.name.lower().endswith(READABLE)
