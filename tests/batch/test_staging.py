from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_scd.batch.staging import staged
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def test_all_files_appear_at_the_end(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "new" / "b.txt"
    with staged() as stage:
        stage(first).write_text("1")
        stage(second).write_text("2")
        assert not first.exists()
    assert (first.read_text(), second.read_text()) == ("1", "2")


@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError, InputError("no")])
def test_none_appears_when_it_fails(tmp_path: Path, reason: type[BaseException]) -> None:
    old = tmp_path / "old.txt"
    old.write_text("before")
    with pytest.raises(BaseException), staged() as stage:  # noqa: B017, PT011
        stage(old).write_text("after")
        stage(tmp_path / "new.txt").write_text("x")
        raise reason
    assert old.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]


def test_sentences_name_the_file_the_user_named(tmp_path: Path) -> None:
    target = tmp_path / "out.nii"
    with pytest.raises(InputError) as refused, staged() as stage:
        raise InputError(f"Cannot write {stage(target)}: the disk is full.")
    assert str(refused.value) == f"Cannot write {target}: the disk is full."


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be created"), staged() as stage:
        stage(tmp_path / "file" / "x.nii")
