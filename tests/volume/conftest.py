"""Grids in all 48 axis orders and flips, anisotropic and tilted, and files that lie on them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALL_AXES = tuple(
    "".join(letters)
    for order in itertools.permutations(("RL", "AP", "SI"))
    for letters in itertools.product(*order)
)
SPACING_MM = (0.7, 1.3, 3.1)
_RAS = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
_GEOMETRY_FIELDS = (
    "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z",
    "srow_x", "srow_y", "srow_z",
)  # fmt: skip


@pytest.fixture(params=ALL_AXES)
def axes(request: pytest.FixtureRequest) -> str:
    """Every orientation a grid can have, such as "RAS"."""
    return str(request.param)


@pytest.fixture(params=ALL_AXES[::5])
def some_axes(request: pytest.FixtureRequest) -> str:
    """A fifth of them, odd and even ones."""
    return str(request.param)


@pytest.fixture
def ras_affine() -> Callable[..., np.ndarray]:
    """Give ``ras_affine(axes, tilt_deg=0)``: to (R, A, S) mm, array axes along ``axes`` but for a tilt."""

    def make(axes: str, tilt_deg: float = 0.0) -> np.ndarray:
        directions = np.zeros((3, 3))
        for axis, letter in enumerate(axes):
            row, sign = _RAS[letter]
            directions[row, axis] = sign
        tilt = Rotation.from_rotvec(np.deg2rad(tilt_deg) * np.array([0.48, -0.6, 0.64])).as_matrix()
        affine = np.eye(4)
        affine[:3, :3] = tilt @ directions @ np.diag(SPACING_MM)
        affine[:3, 3] = (-31.25, 17.5, 4.125)
        return affine

    return make


@pytest.fixture
def numbered() -> Callable[..., np.ndarray]:
    """Give ``numbered(shape, dtype)``: an array in which every voxel has another value."""

    def make(shape: tuple[int, ...] = (4, 5, 6), dtype: str = "int16") -> np.ndarray:
        return np.arange(np.prod(shape)).reshape(shape).astype(dtype)

    return make


@pytest.fixture
def save_nifti(tmp_path: Path) -> Callable[..., Path]:
    """Give ``save_nifti(name, array, affine, codes=(sform, qform))``: a file nibabel wrote."""

    def save(name: str, data: np.ndarray, affine: np.ndarray, codes: tuple[int, int] = (1, 1)) -> Path:
        image = nib.Nifti1Image(data, None, dtype=data.dtype)
        image.set_sform(affine, codes[0])
        image.set_qform(affine, codes[1])
        image.header.set_xyzt_units("mm", "sec")
        image.to_filename(tmp_path / name)
        return tmp_path / name

    return save


@pytest.fixture
def assert_same_geometry() -> Callable[[Path, Path], None]:
    """Give ``assert_same_geometry(written, source)``: every number that places the voxels is the same."""

    def check(written: Path, source: Path) -> None:
        new, old = nib.load(written), nib.load(source)
        assert new.shape[:3] == old.shape[:3]
        np.testing.assert_array_equal(new.affine, old.affine)
        for field in _GEOMETRY_FIELDS:
            np.testing.assert_array_equal(new.header[field], old.header[field], err_msg=field)
        np.testing.assert_array_equal(new.header["pixdim"][:4], old.header["pixdim"][:4])
        assert new.header.get_xyzt_units()[0] == old.header.get_xyzt_units()[0]

    return check
