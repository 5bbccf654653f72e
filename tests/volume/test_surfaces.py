"""Surfaces of structures: where they lie, how large they are, and as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import trimesh

from napari_scd.errors import InputError
from napari_scd.volume import Volume, reorient
from napari_scd.volume.surfaces import surface_of, write_surface

if TYPE_CHECKING:
    from pathlib import Path


def ball() -> Volume:
    """A ball of 12 mm around (S, P, L) = (10, -20, 30) mm, at the edge of nothing."""
    affine = np.diag([1.5, 1.0, 1.0, 1.0])
    affine[:3, 3] = (-20, -45, 10)
    z, y, x = np.mgrid[:40, :50, :40]
    mm = np.stack([z, y, x], -1) * (1.5, 1, 1) + affine[:3, 3]
    return Volume((((mm - (10, -20, 30)) ** 2).sum(-1) <= 144).astype(np.uint8), affine)


def mesh_of(labels: Volume, **options: bool) -> trimesh.Trimesh:
    surface = surface_of(labels, 1, **options)
    return trimesh.Trimesh(surface.vertices_lps_mm, surface.faces, process=False)


@pytest.mark.parametrize("axes", ["SPL", "RAS", "LIA"])
@pytest.mark.parametrize("smooth", [True, False])
def test_a_ball_in_any_orientation(axes: str, *, smooth: bool) -> None:
    labels, _ = reorient(ball(), axes)
    mesh = mesh_of(labels, smooth=smooth)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 12**3, rel=0.03)  # positive: faces look outwards
    assert mesh.center_mass == pytest.approx((30, -20, 10), abs=0.1)


def test_smoothing_takes_the_steps_away_and_keeps_the_volume() -> None:
    rough, smooth = mesh_of(ball(), smooth=False), mesh_of(ball())
    assert smooth.volume == pytest.approx(rough.volume, rel=0.01)
    truth = 4 * np.pi * 12**2
    assert abs(smooth.area - truth) < 0.02 * truth < abs(rough.area - truth)


def test_a_structure_that_the_scan_cuts_off_is_closed() -> None:
    array = np.zeros((8, 8, 8), np.uint8)
    array[:4] = 1
    mesh = mesh_of(Volume(array, np.eye(4)), smooth=False)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(256, rel=0.1)


@pytest.mark.parametrize("suffix", [".stl", ".obj", ".ply", ".STL"])
def test_a_file_holds_patient_coordinates(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ball{suffix}"
    write_surface(path, surface_of(ball(), 1))
    mesh = trimesh.load_mesh(path, process=True)
    assert mesh.center_mass == pytest.approx((30, -20, 10), abs=0.1)
    assert mesh.volume > 0
    assert b"SPACE=LPS" in path.read_bytes()[:200]


def test_what_is_not_there_has_no_surface(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no voxel of label 2"):
        surface_of(ball(), 2)
    with pytest.raises(InputError, match="use .stl"):
        write_surface(tmp_path / "ball.gltf", surface_of(ball(), 1))
