"""Walks through folders, links included, and keeps track of what cannot be used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from napari_scd.volume.left_out import LeftOut, Why

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def walk(
    top: Path, left_out: list[LeftOut] | None = None, *, avoid: Path | None = None
) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each folder at or below ``top`` with its files, both in the order of their names.

    Links to folders are followed, but no folder is entered twice, so circular links do no harm. Hidden
    files and folders are passed over.

    Parameters
    ----------
    top
        Where to start.
    left_out
        What could not be entered, or led nowhere, is appended to this list.
    avoid
        A folder that is passed over, under whatever name a link gives it.
    """
    notes = left_out if left_out is not None else []
    entered = {_identity(top)}
    if avoid is not None and os.path.isdir(avoid):
        entered.add(_identity(avoid))
    waiting = [top]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            notes.append(LeftOut(place, Why.UNREADABLE, (error.strerror or str(error)).lower()))
            continue
        if not entries and place != top:
            notes.append(LeftOut(place, Why.EMPTY_FOLDER))
        files, folders = [], []
        for entry in entries:
            path = place / entry.name
            if _is_folder(entry):
                folders.append((entry.is_symlink(), path))
            elif entry.name.startswith("."):
                notes.append(LeftOut(path, Why.HIDDEN))
            elif entry.is_symlink() and not os.path.exists(path):
                notes.append(LeftOut(path, Why.LINK_TO_NOWHERE))
            else:
                files.append(path)
        below = []
        for is_link, path in sorted(folders):  # a folder under its own name comes before links to it
            if path.name.startswith("."):
                notes.append(LeftOut(path, Why.HIDDEN))
                continue
            identity = _identity(path)
            if identity not in entered:
                entered.add(identity)
                below.append(path)
            elif is_link and not (avoid is not None and identity == _identity(avoid)):
                notes.append(LeftOut(path, Why.SEEN_BEFORE))
        waiting += sorted(below, reverse=True)
        yield place, files


def files_below(folder: Path, left_out: list[LeftOut] | None = None) -> Iterator[Path]:
    """Yield all files at or below a folder, as :func:`walk` finds them."""
    for _, files in walk(folder, left_out):
        yield from files


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(path: Path) -> tuple[int, int] | str:
    """Return what two names of one folder share."""
    try:
        found = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)
