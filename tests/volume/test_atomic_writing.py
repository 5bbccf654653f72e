"""A file is written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import Volume, atomic_path, read_volume, write_labels, write_volume

LABELS = Volume(np.ones((3, 4, 5), np.uint8), np.eye(4))


def _fail(error: BaseException):
    def to_filename(self: nib.Nifti1Image, path: Path) -> None:
        Path(path).write_bytes(b"half a file")
        raise error

    return to_filename


@pytest.mark.parametrize("before", [None, b"the older file"])
@pytest.mark.parametrize(
    ("error", "seen", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), InputError, "disk is full"),
        (OSError(errno.EROFS, "Read-only file system"), InputError, "no permission"),
        (PermissionError(errno.EACCES, "Permission denied"), InputError, "no permission"),
        (OSError(errno.EIO, "Input/output error"), InputError, "Input/output error"),
        (KeyboardInterrupt("Ctrl+C"), KeyboardInterrupt, "Ctrl"),
        (RuntimeError("a bug"), RuntimeError, "a bug"),
    ],
)
def test_a_failing_write_leaves_nothing_behind(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    seen: type[BaseException],
    words: str,
    before: bytes | None,
) -> None:
    target = tmp_path / "out.nii.gz"
    if before is not None:
        target.write_bytes(before)
    monkeypatch.setattr(nib.Nifti1Image, "to_filename", _fail(error))
    with pytest.raises(seen, match=words):
        write_labels(target, LABELS)
    assert [path.name for path in tmp_path.iterdir()] == ([] if before is None else ["out.nii.gz"])
    if before is not None:
        assert target.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "fork") or not Path("/dev/full").exists(), reason="needs a size limit")
def test_a_disk_that_is_full_for_real(tmp_path: Path) -> None:
    import resource
    import signal

    child = os.fork()
    if child == 0:  # the limit holds for this process only
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        noise = np.random.default_rng(0).integers(0, 255, (40, 40, 40), dtype=np.uint8)
        try:
            write_volume(tmp_path / "out.nii.gz", Volume(noise, np.eye(4)))
        except InputError as error:
            os._exit(0 if "disk is full" in str(error) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        write_labels(tmp_path / "none" / "out.nii.gz", LABELS)
    (tmp_path / "folder.nii.gz").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write_labels(tmp_path / "folder.nii.gz", LABELS)
    for name in ("out.png", "out", "out.img"):
        with pytest.raises(InputError, match="unknown ending"):
            write_labels(tmp_path / name, LABELS)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.nii.gz"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read and write anywhere"
)
def test_places_without_permission(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    target = folder / "out.nii.gz"
    write_labels(target, LABELS)
    target.chmod(0o400)
    with pytest.raises(InputError, match="read-only"):
        write_labels(target, LABELS)
    target.chmod(0)
    with pytest.raises(InputError, match="no permission"):
        read_volume(target)
    try:
        for mode in (0o500, 0):
            folder.chmod(mode)
            with pytest.raises(InputError, match="no permission"):
                write_labels(folder / "new.nii.gz", LABELS)
        with pytest.raises(InputError, match="no permission"):
            read_volume(target)
    finally:
        folder.chmod(0o700)
    assert [path.name for path in folder.iterdir()] == ["out.nii.gz"]


def test_success_replaces_the_file_and_keeps_links(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    with atomic_path(link) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".txt"
        temporary.write_text("new")
        assert real.read_text() == "old"
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.txt", "real.txt"]


def test_the_same_labels_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz"):
        write_labels(tmp_path / name, LABELS)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
