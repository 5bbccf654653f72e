"""Sound NIfTI files are read whatever their name or their last bytes say; refusals are true."""

from __future__ import annotations

import gzip
import struct
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import read_volume, stem_of, write_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.volume import Volume

AFFINE = np.array([[-2.0, 0, 0, 31], [0, 2.5, 0, -40], [0, 0, 3.0, 12], [0, 0, 0, 1]])
DATA = np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7)
QFORM_CODE, SFORM_CODE, SROW = 252, 254, 280


@pytest.fixture
def plain(tmp_path: Path) -> bytes:
    """The bytes of an uncompressed file with both forms."""
    image = nib.Nifti1Image(DATA, AFFINE)
    image.set_qform(AFFINE, 1)
    image.set_sform(AFFINE, 1)
    image.to_filename(tmp_path / "plain.nii")
    return (tmp_path / "plain.nii").read_bytes()


@pytest.fixture
def right(tmp_path: Path, plain: bytes) -> Volume:
    return read_volume(tmp_path / "plain.nii")


def same(volume: Volume, other: Volume) -> None:
    np.testing.assert_array_equal(volume.array, other.array)
    np.testing.assert_allclose(volume.affine, other.affine, atol=1e-5)


@pytest.mark.parametrize(
    ("behind", "told"), [(b"\0" * 700, False), (b"\n", True), (b"--boundary--", True), (b"\x1f", True)]
)
def test_bytes_behind_the_end_do_no_harm(
    tmp_path: Path, plain: bytes, right: Volume, behind: bytes, told: bool
) -> None:
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(plain) + behind)
    volume = read_volume(tmp_path / "a.nii.gz")
    same(volume, right)
    assert any("bytes after the end" in text for text in volume.warnings) == told


def test_a_file_compressed_in_parts_is_one_file(tmp_path: Path, plain: bytes, right: Volume) -> None:
    parts = b"".join(gzip.compress(plain[at : at + 100]) for at in range(0, len(plain), 100))
    (tmp_path / "a.nii.gz").write_bytes(parts)
    volume = read_volume(tmp_path / "a.nii.gz")
    same(volume, right)
    assert volume.warnings == ()
    (tmp_path / "b.nii.gz").write_bytes(parts + b"\n")
    same(read_volume(tmp_path / "b.nii.gz"), right)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-9],
        lambda raw: raw[:-8] + bytes([raw[-8] ^ 1]) + raw[-7:] + b"behind",
        lambda raw: raw + raw[:20],
        lambda raw: raw + b"\x1f\x8b",
    ],
    ids=["cut", "checksum wrong", "a second part cut", "a second part not begun"],
)
def test_what_is_damaged_stays_damaged(tmp_path: Path, plain: bytes, spoil: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a.nii.gz").write_bytes(spoil(gzip.compress(plain)))
    with pytest.raises(InputError, match="truncated or damaged|not a readable"):
        read_volume(tmp_path / "a.nii.gz")


@pytest.mark.parametrize(
    ("name", "compressed"),
    [("a.nii", True), ("a.nii.gz", False), ("A.NII", True), ("a.mgz", False), ("a.mgh", True)],
)
def test_contents_count_more_than_the_name(
    tmp_path: Path, plain: bytes, right: Volume, name: str, compressed: bool
) -> None:
    if ".mg" in name:
        write_volume(tmp_path / "plain.mgh", right)
        plain = (tmp_path / "plain.mgh").read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(plain) if compressed else plain)
    volume = read_volume(tmp_path / name)
    same(volume, right)
    assert len(volume.warnings) == 1 and "read by its contents" in volume.warnings[0]
    write_volume(tmp_path / "again.nii.gz", volume)
    same(read_volume(tmp_path / "again.nii.gz"), right)


def test_the_second_version_is_read_by_its_contents_too(tmp_path: Path, right: Volume) -> None:
    nib.Nifti2Image(DATA, AFFINE).to_filename(tmp_path / "two.nii")
    (tmp_path / "a.nii.gz").write_bytes((tmp_path / "two.nii").read_bytes())
    same(read_volume(tmp_path / "a.nii.gz"), right)


def test_a_frame_of_a_misnamed_file(tmp_path: Path) -> None:
    data = np.stack([DATA, DATA + 1000], axis=-1)
    nib.Nifti1Image(data, AFFINE).to_filename(tmp_path / "four.nii.gz")
    (tmp_path / "four.nii.gz").rename(tmp_path / "four.nii")
    assert read_volume(tmp_path / "four.nii", frame=1).array.min() == 1000


def test_a_file_compressed_twice_is_refused_for_what_it_is(tmp_path: Path, plain: bytes) -> None:
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(gzip.compress(plain)))
    with pytest.raises(InputError, match="compressed twice; decompress it once"):
        read_volume(tmp_path / "a.nii.gz")


def patched(tmp_path: Path, plain: bytes, rows: bytes, sform: int = 1, qform: int = 1) -> Path:
    raw = bytearray(plain)
    raw[SROW : SROW + 48] = rows
    struct.pack_into("<2h", raw, QFORM_CODE, qform, sform)
    (tmp_path / "odd.nii").write_bytes(raw)
    return tmp_path / "odd.nii"


NOTHING = b"\0" * 48
NOT_NUMBERS = struct.pack("<12f", *[float("nan")] * 12)
ONE_PLANE = struct.pack("<12f", 2, 0, 0, 1, 0, 2, 0, 1, 0, 0, 0, 1)


@pytest.mark.parametrize("rows", [NOTHING, NOT_NUMBERS, ONE_PLANE], ids=["zeros", "no numbers", "one plane"])
@pytest.mark.parametrize("code", [1, 2, 4])
def test_an_sform_that_holds_no_place_gives_way_to_the_qform(
    tmp_path: Path, plain: bytes, right: Volume, rows: bytes, code: int
) -> None:
    volume = read_volume(patched(tmp_path, plain, rows, sform=code))
    same(volume, right)
    assert volume.warnings == ("The file's sform holds no place in space; the qform is used.",)
    assert volume.source is not None and volume.source.oriented
    write_volume(tmp_path / "again.nii", volume)
    np.testing.assert_allclose(nib.load(tmp_path / "again.nii").affine, AFFINE, atol=1e-5)


def test_an_sform_of_zeros_without_a_qform_is_refused_for_what_it_is(tmp_path: Path, plain: bytes) -> None:
    with pytest.raises(InputError, match="sform, but that is all zero, and there is no qform"):
        read_volume(patched(tmp_path, plain, NOTHING, qform=0))


def test_two_unusable_forms_are_refused(tmp_path: Path, plain: bytes) -> None:
    with pytest.raises(InputError, match="holds NaN"):
        read_volume(patched(tmp_path, plain, NOT_NUMBERS, qform=0))


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.nii.gz", "a"),
        ("a.b.NII", "a.b"),
        ("t1.mgz", "t1"),
        ("pair.hdr", "pair"),
        ("IM1.dcm", "IM1"),
        ("IM1", "IM1"),
    ],
)
def test_stems(tmp_path: Path, name: str, stem: str) -> None:
    assert stem_of(tmp_path / name) == stem
