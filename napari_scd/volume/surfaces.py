"""The surface of a structure as a mesh, in millimetres of the patient, and as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_scd.volume.volume import Volume

SURFACE_SUFFIXES = (".stl", ".obj", ".ply")
_COMMENT = "SPACE=LPS"  # 3D Slicer reads this, so it need not ask
_SMOOTHING_STEPS = 15
_SHRINK, _SWELL = 0.5, 0.53


class Surface(NamedTuple):
    """A closed surface of triangles.

    Attributes
    ----------
    vertices_spl_mm : ``(n, 3)`` float64
        Places in (Superior, Posterior, Left) mm, as the affine of a `Volume` gives them.
    faces : ``(m, 3)`` int64
        Three vertices each, counter-clockwise when seen from outside in a right-handed system.
    """

    vertices_spl_mm: NDArray[np.float64]
    faces: NDArray[np.int64]

    @property
    def vertices_lps_mm(self) -> NDArray[np.float64]:
        """Places in (Left, Posterior, Superior) mm, the patient coordinates of DICOM."""
        return self.vertices_spl_mm[:, ::-1]


def surface_of(labels: Volume, index: int, *, smooth: bool = True) -> Surface:
    """Find the surface of one label with marching cubes.

    Parameters
    ----------
    labels : Volume
        ``(z, y, x)`` whole numbers, in any orientation.
    index : int
        The label's number.
    smooth : bool
        Even out the steps between voxels with Taubin's filter, which keeps the volume.

    Raises
    ------
    InputError
        When no voxel has the label.
    """
    from skimage.measure import marching_cubes

    there = np.argwhere(labels.array == index)
    if not len(there):
        raise InputError(f"There is no voxel of label {index}, so it has no surface.")
    low, high = there.min(axis=0), there.max(axis=0) + 1
    box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    mask = np.pad(labels.array[box] == index, 1)
    corners, faces, _, _ = marching_cubes(mask.astype(np.float32), 0.5)
    vertices = (corners + low - 1) @ labels.affine[:3, :3].T + labels.affine[:3, 3]
    if smooth:
        vertices = _smoothed(vertices, faces)
    if _signed_mm3(vertices[:, ::-1], faces) < 0:
        faces = faces[:, ::-1]
    return Surface(vertices, np.ascontiguousarray(faces, np.int64))


def write_surface(path: Path, surface: Surface) -> None:
    """Write a surface in (Left, Posterior, Superior) mm as STL, OBJ or PLY, by the ending of the name.

    Raises
    ------
    InputError
        For another ending.
    """
    from trimesh import Trimesh
    from trimesh.exchange import obj, ply, stl

    suffix = path.suffix.lower()
    if suffix not in SURFACE_SUFFIXES:
        raise InputError(f"'{path}' cannot be written as a surface: use {', '.join(SURFACE_SUFFIXES)}.")
    mesh = Trimesh(surface.vertices_lps_mm, surface.faces, process=False)
    if suffix == ".stl":
        data = stl.export_stl(mesh)
        path.write_bytes(f"{_COMMENT:<80}".encode("ascii") + data[80:])  # the first 80 bytes are a comment
    elif suffix == ".obj":
        path.write_text(obj.export_obj(mesh, header=_COMMENT), encoding="utf-8")
    else:
        data = ply.export_ply(mesh)
        path.write_bytes(data.replace(b"\nelement", f"\ncomment {_COMMENT}\nelement".encode("ascii"), 1))


def _smoothed(vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> NDArray[np.float64]:
    """Move each vertex towards the middle of its neighbours and back, a little further, several times."""
    from scipy.sparse import csr_array

    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    n = len(vertices)
    neighbours = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    neighbours = ((neighbours + neighbours.T) > 0).astype(np.float64)
    counts = np.maximum(neighbours.sum(axis=1), 1)[:, None]
    for _ in range(_SMOOTHING_STEPS):
        for weight in (_SHRINK, -_SWELL):
            vertices = vertices + weight * (neighbours @ vertices / counts - vertices)
    return vertices


def _signed_mm3(vertices: NDArray[np.float64], faces: NDArray[np.int32]) -> float:
    """Volume inside; negative when the faces are clockwise seen from outside."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
