"""DICOM folders and files become layers; the user chooses where a folder holds several series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication, QInputDialog, QWidget

from napari_scd.volume import choose_series, find_series, volume_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.volume import FoundSeries, Series, Volume


def read_dicom(path: Path) -> Volume | None:
    """Read a series: the only one, or the one the user chooses; None when they cancel.

    Raises
    ------
    InputError
        When there is no series that makes a volume, or there is no window to ask in.
    """
    found = find_series(path)
    series = _choose(found, path.name)
    return None if series is None else volume_of(series, _title(series, path), every_frame=True)


def _choose(found: FoundSeries, name: str) -> Series | None:
    volumes = [one for one in found.series if len(one.images) > 2]
    window = _window()
    if len(volumes) < 2 or window is None:
        return choose_series(found, None, name)
    lines = [one.summary for one in volumes]
    question = f"{name} holds {len(volumes)} series. Open:"
    line, agreed = QInputDialog.getItem(window, "DICOM series", question, lines, 0, False)
    return volumes[lines.index(line)] if agreed else None


def _window() -> QWidget | None:
    """Return the window to ask in; None where none is open."""
    return QApplication.activeWindow() if QApplication.instance() is not None else None


def _title(series: Series, path: Path) -> str:
    return series.description or path.name
