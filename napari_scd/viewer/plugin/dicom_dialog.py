"""DICOM folders and files become layers; the user chooses where a folder holds several series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari
from qtpy.QtWidgets import QApplication, QInputDialog, QWidget

from napari_scd.viewer.layers import record_in
from napari_scd.volume import choose_series, find_series, volume_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.volume import FoundSeries, GivenScan, Series, Volume


def read_dicom(scan: GivenScan) -> Volume | None:
    """Read a series: the only one, or the one the user chooses; None when they cancel.

    Also None for a file of a series that is on screen already because another of its files was just opened:
    whoever drops all slices of a series on the window wants to see it once.

    Raises
    ------
    InputError
        When there is no series that makes a volume, or there is no window to ask in.
    """
    path = scan.source
    if on_screen.takes(path):
        return None
    series = _choose(find_series(scan.slices or path), path.name)
    if series is None:
        return None
    if path.is_file() and not scan.slices:
        on_screen.expect(series, opened_by=path)
    return volume_of(series, _title(series, path), every_frame=True)


class _OnScreen:
    """The files of series that were opened by another one of their files; each is expected once."""

    def __init__(self) -> None:
        self._opened: dict[Path, Path] = {}

    def expect(self, series: Series, opened_by: Path) -> None:
        """Expect the other files of a series that one of its files opens."""
        others = {path.resolve() for path in series.files} - {opened_by.resolve()}
        self._opened = dict.fromkeys(others, series.path.resolve())

    def takes(self, path: Path) -> bool:
        """Tell whether a file is expected, and its series is a layer of the viewer in front."""
        opened = self._opened.pop(path.resolve(), None)
        viewer = napari.current_viewer()
        if opened is None or viewer is None:
            return False
        records = (record_in(layer.metadata) for layer in viewer.layers)
        return any(record is not None and record["path"] == str(opened) for record in records)


on_screen = _OnScreen()


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
