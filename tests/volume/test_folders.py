"""Walking through folders: links followed once, nothing passed over without a word."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from napari_scd.volume import LeftOut, Why, walk

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links of POSIX")


def files_in(top: Path, notes: list[LeftOut], **options: Path) -> list[str]:
    return [str(file.relative_to(top)) for _, files in walk(top, notes, **options) for file in files]


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")
    return path


def test_files_come_folder_by_folder_in_order(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "a/c/1", "a/1", "0"):
        make(tmp_path / name)
    notes: list[LeftOut] = []
    assert files_in(tmp_path, notes) == ["0", "a/1", "a/c/1", "b/1", "b/2"]
    assert notes == []


def test_linked_folders_are_entered(tmp_path: Path) -> None:
    make(tmp_path / "store" / "s1" / "scan")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "s1").symlink_to(tmp_path / "store" / "s1")
    assert files_in(tmp_path / "study", []) == ["s1/scan"]


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    make(tmp_path / "a" / "scan")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    notes: list[LeftOut] = []
    assert files_in(tmp_path, notes) == ["a/scan"]
    assert notes == [LeftOut(tmp_path / "a" / "again", Why.SEEN_BEFORE)]


def test_a_folder_counts_under_its_own_name_not_under_a_link_to_it(tmp_path: Path) -> None:
    make(tmp_path / "visit" / "scan")
    (tmp_path / "latest").symlink_to(tmp_path / "visit")
    notes: list[LeftOut] = []
    assert files_in(tmp_path, notes) == ["visit/scan"]
    assert [one.path.name for one in notes] == ["latest"]


def test_links_to_nowhere_and_hidden_folders_are_named(tmp_path: Path) -> None:
    make(tmp_path / ".hidden" / "scan")
    (tmp_path / "lost").symlink_to(tmp_path / "gone")
    notes: list[LeftOut] = []
    assert files_in(tmp_path, notes) == []
    assert {(one.path.name, one.why) for one in notes} == {
        (".hidden", Why.HIDDEN),
        ("lost", Why.LINK_TO_NOWHERE),
    }


def test_a_folder_that_must_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "mine" / "scan")
    make(tmp_path / "theirs" / "scan")
    scandir = os.scandir

    def guarded(place: Path) -> object:
        if os.path.basename(place) == "theirs":
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", guarded)
    notes: list[LeftOut] = []
    assert files_in(tmp_path, notes) == ["mine/scan"]
    (note,) = notes
    assert note.path == tmp_path / "theirs" and note.reason == "cannot be read: permission denied"
    assert note.is_lost


def test_the_folder_of_results_is_avoided_under_every_name(tmp_path: Path) -> None:
    make(tmp_path / "study" / "scan")
    make(tmp_path / "study" / "out" / "result")
    (tmp_path / "study" / "alias").symlink_to(tmp_path / "study" / "out")
    notes: list[LeftOut] = []
    assert files_in(tmp_path / "study", notes, avoid=tmp_path / "study" / "out") == ["scan"]
    assert notes == []
