"""Scans on disk: each entry writes one into a folder and returns its path."""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np

from .entry import Entry

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (20, 18, 16)
PLACE = np.diag([2.0, 2.0, 2.0, 1.0])
PLACE[:3, 3] = (-20, -18, -16)
DIM, DATATYPE, BITPIX, PIXDIM, VOX_OFFSET, SLOPE, UNITS = 40, 70, 72, 76, 108, 112, 123
QFORM_CODE, QUATERN, SROW = 252, 256, 280
TYPES = {"uint8": 2, "complex64": 32}


def voxels(dtype: Any = np.int16, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


def nifti(
    folder: Path,
    name: str = "scan.nii",
    data: np.ndarray | None = None,
    affine: np.ndarray = PLACE,
    kind: Any = nib.Nifti1Image,
) -> Path:
    data = voxels() if data is None else data
    image = kind(data, affine, dtype=data.dtype)
    image.to_filename(folder / name)
    return folder / name


def turned(folder: Path, rows: list[list[float]]) -> Path:
    affine = np.eye(4)
    affine[:3] = rows
    return nifti(folder, affine=affine)


def patched(folder: Path, *changes: tuple[int, str, Any], name: str = "scan.nii", endian: str = "<") -> Path:
    path = nifti(folder)
    raw = bytearray(path.read_bytes())
    for at, form, values in changes:
        packed = struct.pack(endian + form, *(values if isinstance(values, tuple) else (values,)))
        raw[at : at + len(packed)] = packed
    path.unlink()
    content = gzip.compress(bytes(raw)) if name.endswith("gz") else bytes(raw)
    (folder / name).write_bytes(content)
    return folder / name


def sform(*rows: tuple[float, ...]) -> tuple[int, str, Any]:
    return SROW, "12f", tuple(number for row in rows for number in row)


def mgh(folder: Path, name: str = "scan.mgh", *changes: tuple[int, str, Any]) -> Path:
    nib.MGHImage(voxels(), PLACE).to_filename(folder / "plain.mgh")
    raw = bytearray((folder / "plain.mgh").read_bytes())
    (folder / "plain.mgh").unlink()
    for at, form, value in changes:
        packed = struct.pack(">" + form, *(value if isinstance(value, tuple) else (value,)))
        raw[at : at + len(packed)] = packed
    (folder / name).write_bytes(gzip.compress(bytes(raw)) if name.endswith("z") else bytes(raw))
    return folder / name


def content(folder: Path, name: str, raw: bytes) -> Path:
    (folder / name).write_bytes(raw)
    return folder / name


def cut(folder: Path, name: str, share: float) -> Path:
    path = mgh(folder, name) if ".mg" in name else nifti(folder, name)
    raw = path.read_bytes()
    return content(folder, name, raw[: int(len(raw) * share)])


def renamed(path: Path, name: str) -> Path:
    return path.rename(path.with_name(name))


def flipped(folder: Path, at: float) -> Path:
    raw = bytearray(nifti(folder, "scan.nii.gz").read_bytes())
    place = int(len(raw) * at) - 1
    raw[place] ^= 255
    return content(folder, "scan.nii.gz", bytes(raw))


def zipped(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "scan.nii.gz", "w") as archive:
        archive.writestr("scan.nii", b"\0" * 500)
    return folder / "scan.nii.gz"


def coloured(folder: Path, letters: str) -> Path:
    return nifti(folder, data=np.zeros(SHAPE, [(letter, "u1") for letter in letters]))


def half_a_pair(folder: Path, missing: str) -> Path:
    nib.Nifti1Pair(voxels(), PLACE).to_filename(folder / "scan.img")
    (folder / f"scan.{missing}").unlink()
    return folder / ("scan.hdr" if missing == "img" else "scan.img")


def analyze(folder: Path) -> Path:
    nib.AnalyzeImage(voxels(), PLACE).to_filename(folder / "scan.img")
    return folder / "scan.img"


def cifti(folder: Path) -> Path:
    axes = (
        nib.cifti2.ScalarAxis(["a"]),
        nib.cifti2.BrainModelAxis.from_mask(np.ones((2, 2, 2), bool), affine=PLACE),
    )
    nib.Cifti2Image(np.zeros((1, 8), np.float32), axes).to_filename(folder / "scan.dscalar.nii")
    return folder / "scan.dscalar.nii"


def with_form(folder: Path, sform_code: int, qform_code: int, shift_mm: float = 0.0) -> Path:
    image = nib.Nifti1Image(voxels(), None)
    moved = PLACE.copy()
    moved[0, 3] += shift_mm
    image.set_sform(PLACE, sform_code)
    image.set_qform(moved, qform_code)
    image.to_filename(folder / "scan.nii.gz")
    return folder / "scan.nii.gz"


def zero_sform(folder: Path) -> Path:
    raw = bytearray(with_form(folder, 1, 1).read_bytes())
    raw = bytearray(gzip.decompress(raw))
    raw[SROW : SROW + 48] = bytes(48)
    return content(folder, "scan.nii.gz", gzip.compress(bytes(raw)))


def bad_values(folder: Path, value: float, share: float = 1.0) -> Path:
    data = voxels(np.float64)
    data.reshape(-1)[: int(data.size * share)] = value
    return nifti(folder, data=data)


def with_extension(folder: Path, raw: bytes, code: int = 6) -> Path:
    image = nib.Nifti1Image(voxels(), PLACE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(code, raw))
    image.to_filename(folder / "scan.nii")
    return folder / "scan.nii"


def odd_extension(folder: Path) -> Path:
    path = with_extension(folder, b"x" * 20)
    raw = bytearray(path.read_bytes())
    raw[352:356] = struct.pack("<i", 27)
    return content(folder, "scan.nii", bytes(raw))


def link(folder: Path, to: str, name: str = "scan.nii.gz") -> Path:
    (folder / name).symlink_to(to)
    return folder / name


def linked(folder: Path) -> Path:
    nifti(folder, "far.nii.gz")
    return link(folder, "far.nii.gz")


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "scan.nii")
    return folder / "scan.nii"


def made_folder(folder: Path) -> Path:
    (folder / "dicom.nii").mkdir()
    return folder / "dicom.nii"


def inside(folder: Path, *names: str) -> Path:
    (folder.joinpath(*names[:-1])).mkdir(parents=True)
    return nifti(folder.joinpath(*names[:-1]), names[-1])


def big_endian(folder: Path) -> Path:
    header = nib.Nifti1Header(endianness=">")
    nib.Nifti1Image(voxels(">i2"), PLACE, header).to_filename(folder / "scan.nii")
    return folder / "scan.nii"


def bomb(folder: Path) -> Path:
    raw = bytearray(nifti(folder).read_bytes())
    (folder / "scan.nii").unlink()
    size = 2**28
    raw[VOX_OFFSET : VOX_OFFSET + 4] = struct.pack("<f", float(size + 352))
    raw[348:352] = b"\1\0\0\0"
    with gzip.open(folder / "scan.nii.gz", "wb", compresslevel=1) as file:
        file.write(raw[:352] + struct.pack("<2i", size, 6))
        for _ in range(2**4):
            file.write(b"\0" * 2**24)
    return folder / "scan.nii.gz"


def far(*numbers: float) -> np.ndarray:
    return np.diag([*numbers, 1.0])


REFUSED = [
    Entry("empty .nii", "not a readable", partial(content, name="scan.nii", raw=b"")),
    Entry("empty .nii.gz", "not a readable|truncated", partial(content, name="scan.nii.gz", raw=b"")),
    Entry("one byte", "not a readable|truncated", partial(content, name="scan.mgz", raw=b"x")),
    Entry("text named .nii.gz", "not a readable", partial(content, name="scan.nii.gz", raw=b"Not found\n" * 50)),
    Entry("a web page named .nii", "not a readable", partial(content, name="scan.nii", raw=b"<!doctype html>" * 99)),
    Entry("a Git LFS pointer", "not a readable", partial(content, name="scan.nii.gz", raw=b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")),
    Entry("a zip archive named .nii.gz", "not a readable", zipped),
    Entry("a DICOM file named .nii", "holds no DICOM images", partial(content, name="scan.nii", raw=b"\0" * 128 + b"DICM" + b"\2\0" * 400)),
    Entry("a PNG named .nii", "not a readable", partial(content, name="scan.nii", raw=b"\x89PNG\r\n\x1a\n" + b"\0" * 900)),
    Entry("an unknown ending", "unknown ending", partial(content, name="scan.nrrd", raw=b"NRRD0004\n")),
    Entry("a .dcm file", "holds no DICOM images", partial(content, name="scan.dcm", raw=b"\0" * 128 + b"DICM")),
    Entry("no ending", "unknown ending", partial(content, name="scan", raw=b"\0" * 400)),
    Entry("a folder", "is a folder", made_folder),
    Entry("a missing file", "no file", lambda folder: folder / "none.nii.gz"),
    Entry("a broken link", "no file", partial(link, to="nowhere.nii.gz")),
    Entry("a link to itself", "symbolic links|no file|Too many", partial(link, to="scan.nii.gz")),
    Entry("a pipe", "not a regular file", pipe),
    Entry("a name of 300 letters", "too long", lambda folder: folder / f"{'a' * 300}.nii.gz"),
    Entry("a name under a file", "no file", lambda folder: nifti(folder) / "deeper.nii"),
    Entry("NIfTI truncated in its header", "not a readable|truncated", partial(cut, name="scan.nii", share=0.01)),
    Entry("NIfTI truncated in its voxels", "truncated", partial(cut, name="scan.nii", share=0.7)),
    Entry(".nii.gz truncated at the start", "truncated|not a readable", partial(cut, name="scan.nii.gz", share=0.02)),
    Entry(".nii.gz truncated in the middle", "truncated", partial(cut, name="scan.nii.gz", share=0.5)),
    Entry(".nii.gz without its last bytes", "truncated", partial(cut, name="scan.nii.gz", share=0.999)),
    Entry("MGH truncated", "truncated", partial(cut, name="scan.mgh", share=0.5)),
    Entry("MGZ truncated", "truncated", partial(cut, name="scan.mgz", share=0.5)),
    Entry(".nii.gz with a flipped byte", "damaged|not a readable", partial(flipped, at=0.5)),
    Entry(".nii.gz with a wrong checksum", "damaged|not a readable", lambda folder: content(folder, "scan.nii.gz", (raw := nifti(folder, "scan.nii.gz").read_bytes())[:-8] + b"\0\1\2\3" + raw[-4:])),
    Entry("compressed twice", "compressed twice", lambda folder: content(folder, "scan.nii.gz", gzip.compress(nifti(folder, "scan.nii.gz").read_bytes()))),
    Entry(".nii.gz followed by the start of a second part", "truncated", lambda folder: content(folder, "scan.nii.gz", nifti(folder, "scan.nii.gz").read_bytes() + b"\x1f\x8b\x08")),
    Entry(".hdr without .img", "both halves|not a readable", partial(half_a_pair, missing="img")),
    Entry(".img without .hdr", "both halves|not a readable", partial(half_a_pair, missing="hdr")),
    Entry("a CIFTI file", "Cifti2Image", cifti),
    Entry("one dimension", "give a 3D volume", lambda folder: nifti(folder, data=voxels(shape=(9,)))),
    Entry("two dimensions", "give a 3D volume", lambda folder: nifti(folder, data=voxels(shape=(9, 8)))),
    Entry("five dimensions", "5D", lambda folder: nifti(folder, data=voxels(shape=(9, 8, 7, 2, 2)))),
    Entry("4D without a frame", "choose a frame", lambda folder: nifti(folder, data=voxels(shape=(9, 8, 7, 3)))),
    Entry("RGB", "colours", partial(coloured, letters="RGB")),
    Entry("RGBA", "colours", partial(coloured, letters="RGBA")),
    Entry("complex64", "real numbers", lambda folder: nifti(folder, data=voxels(np.complex64))),
    Entry("complex128", "real numbers", lambda folder: nifti(folder, data=voxels(np.complex128))),
    Entry("a length of 0", "no voxels|not a readable", lambda folder: patched(folder, (DIM, "4h", (3, 20, 0, 16)))),
    Entry("a negative length", "no voxels|not a readable", lambda folder: patched(folder, (DIM, "4h", (3, 20, -18, 16)))),
    Entry("nine dimensions declared", "not a readable", lambda folder: patched(folder, (DIM, "h", 9))),
    Entry("32767 x 32767 x 32767 voxels in 12 KiB", "more than the file can hold", lambda folder: patched(folder, (DIM, "4h", (3, 32767, 32767, 32767)))),
    Entry("the same in a .nii.gz", "more than the file can hold", lambda folder: patched(folder, (DIM, "4h", (3, 32767, 32767, 32767)), name="scan.nii.gz")),
    Entry("2^31 voxels in an MGH header", "more than the file can hold|not a readable", lambda folder: mgh(folder, "scan.mgh", (4, "3i", (2**31 - 1, 2**31 - 1, 2**31 - 1)))),
    Entry("an unknown data type", "not a readable", lambda folder: patched(folder, (DATATYPE, "h", 999))),
    Entry("voxels that start after the end of the file", "more than the file can hold", lambda folder: patched(folder, (VOX_OFFSET, "f", 1e9))),
    Entry("voxels that start at NaN", "not a readable", lambda folder: patched(folder, (VOX_OFFSET, "f", np.nan))),
    Entry("voxels that start before the file", "not a readable", lambda folder: patched(folder, (VOX_OFFSET, "f", -352.0))),
    Entry("an extension of 256 MiB in a .nii.gz of 1 MiB", "extension", bomb),
    Entry("voxel size 0", "above zero", lambda folder: patched(folder, (PIXDIM + 4, "f", 0.0))),
    Entry("voxel size NaN", "above zero", lambda folder: patched(folder, (PIXDIM + 8, "f", np.nan))),
    Entry("voxel size infinite", "above zero", lambda folder: patched(folder, (PIXDIM + 12, "f", np.inf))),
    Entry("voxel size of a millionth mm", "cannot be resampled|voxel size", lambda folder: nifti(folder, affine=far(1e-6, 1e-6, 1e-6))),
    Entry("voxel size of a kilometre", "voxel size", lambda folder: nifti(folder, affine=far(1e6, 1e6, 1e6))),
    Entry("one axis of 100 m, another of a micron", "voxel size", lambda folder: nifti(folder, affine=far(1e5, 1e-3, 1.0))),
    Entry("an affine of zeros", "no qform beside it", lambda folder: patched(folder, sform((0,) * 4, (0,) * 4, (0,) * 4))),
    Entry("a singular affine", "singular", lambda folder: patched(folder, sform((1, 1, 0, 0), (1, 1, 0, 0), (0, 0, 1, 0)))),
    Entry("an affine with NaN", "NaN", lambda folder: patched(folder, sform((np.nan, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)))),
    Entry("an infinite origin", "infinite", lambda folder: patched(folder, sform((1, 0, 0, np.inf), (0, 1, 0, 0), (0, 0, 1, 0)))),
    Entry("an affine of 1e30", "impossibly large", lambda folder: patched(folder, sform((1e30, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0)))),
    Entry("MGH with voxel size 0", "above zero|singular", lambda folder: mgh(folder, "scan.mgh", (30, "f", 0.0))),
    Entry("MGH with directions of zero", "above zero|singular", lambda folder: mgh(folder, "scan.mgh", (42, "9f", (0.0,) * 9))),
    Entry("MGH with an unknown type", "not a readable", lambda folder: mgh(folder, "scan.mgh", (20, "i", 77))),
    Entry("MGH of another version", "not a readable", lambda folder: mgh(folder, "scan.mgh", (0, "i", 9))),
    Entry("nothing but NaN", "no finite value", partial(bad_values, value=np.nan)),
    Entry("nothing but infinity", "no finite value", partial(bad_values, value=np.inf)),
]  # fmt: skip

ACCEPTED = [
    Entry("a mirrored affine", "", lambda folder: nifti(folder, affine=far(-2, 2, 2)), True),
    Entry("a sheared affine", "", lambda folder: turned(folder, [[2, 0.5, 0, 0], [0, 2, 0.3, 0], [0, 0, 2, 0]]), True),
    Entry("an oblique affine", "", lambda folder: turned(folder, [[1.7, -1, 0, 0], [1, 1.7, 0, 0], [0, 0, 2, 0]]), True),
    Entry("permuted axes", "", lambda folder: turned(folder, [[0, 0, 2, 0], [2, 0, 0, 0], [0, -2, 0, 0]]), True),
    Entry("sform and qform that disagree", "place the image differently", partial(with_form, sform_code=1, qform_code=1, shift_mm=30.0), True),
    Entry("neither sform nor qform", "Orientation unknown", partial(with_form, sform_code=0, qform_code=0), True),
    Entry("a qform alone", "", partial(with_form, sform_code=0, qform_code=2), True),
    Entry("an invalid quaternion", "place the image differently", lambda folder: patched(folder, (QFORM_CODE, "h", 1), (QUATERN, "3f", (5.0, 5.0, 5.0))), True),
    Entry("a qform with the largest numbers possible", "place the image differently", lambda folder: patched(folder, (QFORM_CODE, "h", 1), (QUATERN + 12, "3f", (3e38, 3e38, 3e38))), True),
    Entry("an sform of zeros and a valid qform", "the qform is used", zero_sform, True),
    Entry("uncompressed, named .nii.gz", "read by its contents", lambda folder: renamed(nifti(folder), "scan.nii.gz"), True),
    Entry("compressed, named .nii", "read by its contents", lambda folder: renamed(nifti(folder, "scan.nii.gz"), "scan.nii"), True),
    Entry(".nii.gz followed by a line break", "bytes after the end", lambda folder: content(folder, "scan.nii.gz", nifti(folder, "scan.nii.gz").read_bytes() + b"\n"), True),
    Entry(".nii.gz followed by zeros", "", lambda folder: content(folder, "scan.nii.gz", nifti(folder, "scan.nii.gz").read_bytes() + bytes(512)), True),
    Entry(".nii.gz in two parts", "", lambda folder: content(folder, "scan.nii.gz", gzip.compress((raw := nifti(folder).read_bytes())[:999]) + gzip.compress(raw[999:])), True),
    Entry("a negative voxel size in pixdim", "", lambda folder: patched(folder, (PIXDIM + 4, "f", -2.0)), True),
    Entry("lengths in microns", "microns", lambda folder: patched(folder, (UNITS, "B", 3), sform((2000, 0, 0, 0), (0, 2000, 0, 0), (0, 0, 2000, 0)), (PIXDIM + 4, "3f", (2000.0,) * 3)), True),
    Entry("one voxel", "", lambda folder: nifti(folder, data=voxels(shape=(1, 1, 1))), True),
    Entry("one slice", "", lambda folder: nifti(folder, data=voxels(shape=(30, 20, 1))), True),
    Entry("one line of voxels", "", lambda folder: nifti(folder, data=voxels(shape=(1, 50, 1))), True),
    Entry("4D with one frame", "", lambda folder: nifti(folder, data=voxels(shape=(*SHAPE, 1))), True),
    *(Entry(f"{dtype} voxels", "", lambda folder, dtype=dtype: nifti(folder, data=voxels(dtype), kind=nib.Nifti2Image), True)
      for dtype in ("int8", "uint8", "uint16", "uint32", "int64", "uint64", "float32", "float64")),
    Entry("float64 with some NaN", "not finite", partial(bad_values, value=np.nan, share=0.1), True),
    Entry("float64 with some infinity", "not finite", partial(bad_values, value=-np.inf, share=0.1), True),
    Entry("values of 1e300", "not finite", partial(bad_values, value=1e300, share=0.1), True),
    Entry("values of 1e30", "", partial(bad_values, value=1e30, share=0.5), True),
    Entry("one value throughout", "", partial(bad_values, value=7.0), True),
    Entry("big-endian", "", big_endian, True),
    Entry("scl_slope 0", "", lambda folder: patched(folder, (SLOPE, "2f", (0.0, 5.0))), True),
    Entry("scl_slope NaN", "", lambda folder: patched(folder, (SLOPE, "2f", (np.nan, np.nan))), True),
    Entry("a scale that overflows", "not finite", lambda folder: patched(folder, (SLOPE, "2f", (3e38, 3e38))), True),
    Entry("a negative scl_slope", "", lambda folder: patched(folder, (SLOPE, "2f", (-1.5, 1000.0))), True),
    Entry("an Analyze 7.5 pair", "Orientation unknown", analyze, True),
    Entry("MGH without orientation", "Orientation unknown", lambda folder: mgh(folder, "scan.mgh", (28, "h", 0)), True),
    Entry("NIfTI-2", "", lambda folder: nifti(folder, kind=nib.Nifti2Image), True),
    Entry("an extension whose size is not a multiple of 16", "", odd_extension, True),
    Entry("an extension that is not text", "", partial(with_extension, raw=bytes(range(256))), True),
    Entry("an extension of deeply nested JSON", "", partial(with_extension, raw=b'{"napari-scd labels":' + b"[" * 100_000), True),
    Entry("spaces in names", "", lambda folder: inside(folder, "my scans", "the first one.nii.gz"), True),
    Entry("letters of other scripts", "", lambda folder: inside(folder, "患者", "Schädel–снимок.nii.gz"), True),
    Entry("brackets in a name", "", lambda folder: nifti(folder, "scan [red] [1].nii.gz"), True),
    Entry("a line break in a name", "", lambda folder: nifti(folder, "scan\nagain.nii.gz"), True),
    Entry("a name of 240 letters", "", lambda folder: nifti(folder, f"{'a' * 233}.nii.gz"), True),
    Entry("capital letters in the ending", "", lambda folder: renamed(nifti(folder, "scan.nii.gz"), "SCAN.NII.GZ"), True),
    Entry("a hidden file", "", lambda folder: nifti(folder, ".scan.nii.gz"), True),
    Entry("a link to a scan", "", linked, True),
]  # fmt: skip
