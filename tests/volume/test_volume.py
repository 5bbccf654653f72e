"""A volume knows where its voxels lie."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import Volume

AFFINE = np.array([[2.0, 0, 0, -10], [0, 1, 0, 5], [0, 0, 0.5, 20], [0, 0, 0, 1]])


def test_spacing_shape_and_channels() -> None:
    volume = Volume(np.zeros((3, 4, 5)), AFFINE)
    assert volume.spatial_shape == (3, 4, 5)
    assert volume.n_channels == 1
    assert volume.spacing_mm == (2.0, 1.0, 0.5)
    assert volume.voxel_ml == pytest.approx(0.001)
    assert volume.with_array(np.zeros((2, 3, 4, 5))).n_channels == 2


def test_points_in_ras_and_back() -> None:
    volume = Volume(np.zeros((3, 4, 5)), AFFINE)
    # index (1, 2, 3) lies at S = -8, P = 7, L = 21.5
    np.testing.assert_allclose(volume.ras_mm_of((1, 2, 3)), (-21.5, -7.0, -8.0))
    np.testing.assert_allclose(volume.index_of((-21.5, -7.0, -8.0)), (1, 2, 3))


def test_with_array_keeps_geometry_and_refuses_another_shape() -> None:
    volume = Volume(np.zeros((3, 4, 5)), AFFINE, warnings=("doubtful",))
    other = volume.with_array(np.ones((3, 4, 5), np.uint8))
    np.testing.assert_array_equal(other.affine, AFFINE)
    assert other.warnings == ("doubtful",)
    assert other.same_grid(volume)
    with pytest.raises(InputError, match="does not lie on a grid of 3 x 4 x 5"):
        volume.with_array(np.zeros((3, 4, 6)))


def test_affine_is_a_copy_that_cannot_be_changed() -> None:
    affine = AFFINE.copy()
    volume = Volume(np.zeros((3, 4, 5)), affine)
    affine[0, 0] = 9.0
    assert volume.spacing_mm[0] == 2.0
    with pytest.raises(ValueError, match="read-only"):
        volume.affine[0, 0] = 1.0


def _affine(**changes: float) -> np.ndarray:
    affine = AFFINE.copy()
    for place, value in changes.items():
        affine[int(place[1]), int(place[2])] = value
    return affine


@pytest.mark.parametrize(
    ("array", "affine", "words"),
    [
        (np.zeros((3, 4)), AFFINE, "3D volume"),
        (np.zeros((1, 2, 3, 4, 5)), AFFINE, "3D volume"),
        (np.zeros((3, 0, 5)), AFFINE, "empty"),
        (np.zeros((3, 4, 5), complex), AFFINE, "real numbers"),
        (np.zeros((3, 4, 5), "U3"), AFFINE, "real numbers"),
        (np.zeros((3, 4, 5), [("R", "u1"), ("G", "u1"), ("B", "u1")]), AFFINE, "colours"),
        (np.zeros((3, 4, 5)), np.eye(3), "4 x 4"),
        (np.zeros((3, 4, 5)), _affine(a00=np.nan), "NaN"),
        (np.zeros((3, 4, 5)), _affine(a11=0.0), "above zero"),
        (np.zeros((3, 4, 5)), _affine(a11=0.0, a01=1.0), "singular"),
    ],
)
def test_bad_volumes_are_refused_in_one_sentence(array: np.ndarray, affine: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        Volume(array, affine)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
