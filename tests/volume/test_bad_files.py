"""Each bad file gives one sentence for the user, and costs no memory."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import read_volume, reorient

if TYPE_CHECKING:
    from pathlib import Path

PIXDIM_AT = 76
DIM_AT = 40


def _scan(path: Path, data: np.ndarray | None = None, affine: np.ndarray | None = None) -> Path:
    if data is None:
        data = np.random.default_rng(0).integers(0, 4000, (20, 21, 22)).astype(np.int16)
    nib.Nifti1Image(data, np.eye(4) if affine is None else affine).to_filename(path)
    return path


def _patched(path: Path, at: int, values: bytes) -> Path:
    raw = bytearray(path.read_bytes())
    raw[at : at + len(values)] = values
    path.write_bytes(raw)
    return path


def _refused(path: Path, words: str, **options: int) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_volume(path, **options)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert path.name in message


def test_missing_file_and_folder(tmp_path: Path) -> None:
    _refused(tmp_path / "none.nii.gz", "no file")
    (tmp_path / "dicom.nii").mkdir()
    _refused(tmp_path / "dicom.nii", "is a folder")


def test_unknown_ending(tmp_path: Path) -> None:
    (tmp_path / "scan.png").write_bytes(b"x")
    _refused(tmp_path / "scan.png", "unknown ending")


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mgz", "scan.mgh"])
@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"no image at all" * 40, b"\x1f\x8b\x08" + b"\0" * 30],
    ids=["empty", "letter", "text", "gzip"],
)
def test_not_an_image(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    _refused(tmp_path / name, "not a readable|truncated")


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mgz", "scan.mgh"])
@pytest.mark.parametrize("kept", [0.02, 0.5, 0.99])
def test_truncated(tmp_path: Path, name: str, kept: float) -> None:
    data = np.random.default_rng(0).integers(0, 4000, (20, 21, 22)).astype(np.int16)
    kind = nib.MGHImage if "mg" in name else nib.Nifti1Image
    kind(data, np.eye(4)).to_filename(tmp_path / name)
    raw = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(raw[: int(len(raw) * kept)])
    _refused(tmp_path / name, "truncated|not a readable")


@pytest.mark.parametrize("length", [1, 400])
def test_damaged_in_the_middle(tmp_path: Path, length: int) -> None:
    path = _scan(tmp_path / "scan.nii.gz")
    middle = path.stat().st_size // 2
    flipped = bytes(255 - value for value in path.read_bytes()[middle : middle + length])
    _refused(_patched(path, middle, flipped), "damaged|not a readable")


def test_half_a_pair(tmp_path: Path) -> None:
    nib.Nifti1Pair(np.zeros((3, 4, 5), np.int16), np.eye(4)).to_filename(tmp_path / "scan.img")
    (tmp_path / "scan.img").unlink()
    _refused(tmp_path / "scan.hdr", "both halves|not a readable")


@pytest.mark.parametrize("shape", [(5,), (5, 6)])
def test_two_dimensions(tmp_path: Path, shape: tuple[int, ...]) -> None:
    _refused(_scan(tmp_path / "scan.nii.gz", np.zeros(shape, np.int16)), "3D")


def test_too_many_dimensions(tmp_path: Path) -> None:
    _refused(_scan(tmp_path / "scan.nii.gz", np.zeros((3, 4, 5, 2, 2), np.int16)), "5D")


def test_colours(tmp_path: Path) -> None:
    rgb = np.zeros((3, 4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    _refused(_scan(tmp_path / "scan.nii.gz", rgb), "colours")


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers(tmp_path: Path, dtype: str) -> None:
    _refused(_scan(tmp_path / "scan.nii.gz", np.zeros((3, 4, 5), dtype)), "real numbers")


@pytest.mark.parametrize("length", [0, -3])
def test_no_voxels(tmp_path: Path, length: int) -> None:
    path = _patched(_scan(tmp_path / "scan.nii"), DIM_AT, struct.pack("<4h", 3, 20, length, 22))
    _refused(path, "no voxels|not a readable")


@pytest.mark.parametrize("form", ["sform", "qform", "none"])
@pytest.mark.parametrize("size", [0.0, np.nan, np.inf])
def test_voxel_size_of_nothing(tmp_path: Path, size: float, form: str) -> None:
    image = nib.Nifti1Image(np.zeros((20, 21, 22), np.int16), None)
    image.set_sform(np.eye(4), int(form == "sform"))
    image.set_qform(np.eye(4), int(form == "qform"))
    image.to_filename(tmp_path / "scan.nii")
    path = _patched(tmp_path / "scan.nii", PIXDIM_AT + 8, struct.pack("<f", size))
    _refused(path, "above zero")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], "above zero"),
        ([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0]], "singular"),
        ([[np.nan, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], "NaN"),
        ([[1, 0, 0, np.inf], [0, 1, 0, 0], [0, 0, 1, 0]], "infinite"),
        ([[1e30, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]], "impossibly large"),
    ],
)
def test_affines_of_no_use(tmp_path: Path, rows: list[list[float]], words: str) -> None:
    image = nib.Nifti1Image(np.zeros((3, 4, 5), np.int16), np.eye(4))
    for name, row in zip(("srow_x", "srow_y", "srow_z"), rows, strict=True):
        image.header[name] = row
    image.header["sform_code"] = 1
    nib.Nifti1Image(image.dataobj, None, image.header).to_filename(tmp_path / "scan.nii.gz")
    _refused(tmp_path / "scan.nii.gz", words)


@pytest.mark.parametrize("name", ["scan.mgh", "scan.mgz"])
def test_mgh_voxel_size_zero(tmp_path: Path, name: str) -> None:
    image = nib.MGHImage(np.zeros((3, 4, 5), np.uint8), np.eye(4))
    image.to_filename(tmp_path / "good.mgh")
    raw = bytearray((tmp_path / "good.mgh").read_bytes())
    raw[30:34] = struct.pack(">f", 0.0)
    if name.endswith("z"):
        (tmp_path / name).write_bytes(gzip.compress(bytes(raw)))
    else:
        (tmp_path / name).write_bytes(raw)
    _refused(tmp_path / name, "above zero|singular")


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mgh", "scan.mgz"])
def test_huge_dimensions_in_a_tiny_file_take_no_memory(tmp_path: Path, name: str) -> None:
    if "mg" in name:
        nib.MGHImage(np.zeros((3, 4, 5), np.uint8), np.eye(4)).to_filename(tmp_path / "good.mgh")
        raw = _patched(tmp_path / "good.mgh", 4, struct.pack(">3i", 30000, 30000, 30000)).read_bytes()
    else:
        _scan(tmp_path / "good.nii")
        raw = _patched(tmp_path / "good.nii", DIM_AT, struct.pack("<4h", 3, 30000, 30000, 30000)).read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("z") else raw)
    tracemalloc.start()
    try:
        _refused(tmp_path / name, "30000 x 30000 x 30000 voxels|not a readable")
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz", "scan.mgz"])
@pytest.mark.parametrize("kept", [0.3, 0.6])
def test_truncated_frames(tmp_path: Path, name: str, kept: float) -> None:
    data = np.random.default_rng(0).integers(0, 4000, (9, 8, 7, 6)).astype(np.int16)
    kind = nib.MGHImage if "mg" in name else nib.Nifti1Image
    kind(data, np.eye(4)).to_filename(tmp_path / name)
    raw = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(raw[: int(len(raw) * kept)])
    _refused(tmp_path / name, "truncated|not a readable", frame=5)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image, nib.MGHImage])
def test_damaged_headers_are_read_or_refused(tmp_path: Path, kind: type, seed: int) -> None:
    """Whatever a header says, the answer is a volume or one sentence."""
    rng = np.random.default_rng(seed)
    path = tmp_path / ("scan.mgh" if kind is nib.MGHImage else "scan.nii")
    kind(np.zeros((6, 7, 8), np.int16), np.diag([-1, 2, 3, 1])).to_filename(path)
    good = path.read_bytes()
    header_bytes = {nib.Nifti1Image: 352, nib.Nifti2Image: 544, nib.MGHImage: 90}[kind]
    for _ in range(20):
        raw = bytearray(good)
        for at in rng.integers(0, header_bytes, rng.integers(1, 5)):
            raw[at] = rng.integers(0, 256)
        path.write_bytes(raw)
        try:
            volume = read_volume(path)
        except InputError as error:
            assert path.name in str(error)
        else:
            reorient(volume, "RAS")


def test_other_kinds_of_nifti(tmp_path: Path) -> None:
    axis = nib.cifti2.ScalarAxis(["a"])
    mask = nib.cifti2.BrainModelAxis.from_mask(np.ones((2, 2, 2), bool), affine=np.eye(4))
    nib.Cifti2Image(np.zeros((1, 8), np.float32), (axis, mask)).to_filename(tmp_path / "scan.dscalar.nii")
    _refused(tmp_path / "scan.dscalar.nii", "Cifti2Image")


def test_nothing_is_printed_about_odd_headers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = _patched(_scan(tmp_path / "scan.nii"), PIXDIM_AT + 4, struct.pack("<f", -1.0))
    assert read_volume(path).spacing_mm == (1.0, 1.0, 1.0)
    _refused(_patched(path, PIXDIM_AT + 4, struct.pack("<f", 0.0)), "above zero")
    assert capfd.readouterr() == ("", "")


def test_a_signalling_nan_is_no_voxel_size(tmp_path: Path) -> None:
    path = _patched(_scan(tmp_path / "scan.nii"), PIXDIM_AT + 4, struct.pack("<I", 0x7F800001))
    _refused(path, "voxel size in the header")
