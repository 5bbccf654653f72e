"""Changing the voxel size: right geometry, no aliasing, and an exact way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_scd.errors import InputError
from napari_scd.volume import Volume, make_phantom, resample, spl_from_ras

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = st.floats(0.4, 6.0)
LENGTHS = st.integers(1, 14)


def _volume(array: np.ndarray, spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Volume:
    return Volume(array, np.diag([*spacing_mm, 1.0]))


def _centre_mm(volume: Volume) -> np.ndarray:
    return volume.ras_mm_of([(n - 1) / 2 for n in volume.spatial_shape])


@settings(max_examples=60, deadline=None)
@given(st.tuples(LENGTHS, LENGTHS, LENGTHS), st.tuples(SIZES, SIZES, SIZES), st.tuples(SIZES, SIZES, SIZES))
def test_geometry_and_way_back_for_any_sizes(
    shape: tuple[int, int, int], old: tuple[float, float, float], new: tuple[float, float, float]
) -> None:
    volume = _volume(np.full(shape, 7, np.int16), old)
    resampled, undo = resample(volume, new)
    for size, wanted in zip(resampled.spacing_mm, new, strict=True):
        assert size == pytest.approx(wanted, rel=0.0101)
    np.testing.assert_allclose(_centre_mm(resampled), _centre_mm(volume), atol=1e-9)
    for n, size, n_old, size_old in zip(resampled.spatial_shape, new, shape, old, strict=True):
        assert n == 1 or abs(n * size - n_old * size_old) <= 0.51 * size + 0.011 * n * size
    np.testing.assert_allclose(resampled.array, 7.0, rtol=1e-6)
    labels = np.random.default_rng(0).integers(0, 9, resampled.spatial_shape, dtype=np.uint8)
    back = undo(labels)
    assert back.shape == shape
    assert back.dtype == np.uint8
    assert set(np.unique(back)) <= set(np.unique(labels))
    assert undo.linear(resampled.array).shape == shape
    np.testing.assert_allclose(undo.linear(resampled.array), 7.0, rtol=1e-6)


def test_matching_sizes_copy_nothing() -> None:
    volume = _volume(np.zeros((4, 5, 6), np.int16), (1.005, 1.0, 0.995))
    resampled, undo = resample(volume, (1.0, 1.0, 1.0))
    assert resampled is volume
    labels = np.ones((4, 5, 6), np.uint8)
    assert undo(labels) is labels
    assert resample(volume, (1.0, 1.0, 1.03))[0] is not volume


def test_an_axis_that_matches_is_not_interpolated() -> None:
    array = np.random.default_rng(0).random((6, 8, 8), dtype=np.float32)
    resampled, _ = resample(_volume(array), (1.0, 2.0, 2.0))
    expected = [resample(_volume(plane[None]), (1.0, 2.0, 2.0))[0].array[0] for plane in array]
    np.testing.assert_array_equal(resampled.array, expected)


@pytest.mark.parametrize("spacing_mm", [(0.5, 0.9, 2.2), (2.0, 1.7, 4.0), (1.3, 3.0, 0.8)])
def test_a_ramp_stays_where_it_was(
    ras_affine: Callable[..., np.ndarray], some_axes: str, spacing_mm: tuple[float, float, float]
) -> None:
    """A linear function of mm is the same function after resampling, away from the border, oblique or not."""
    affine = spl_from_ras(ras_affine(some_axes, 17.0))
    index = np.stack(np.meshgrid(*map(np.arange, (14, 15, 16)), indexing="ij"), axis=-1)
    weights = affine[:3, :3].T @ [0.3, -0.7, 1.1]
    volume = Volume((index @ weights).astype(np.float32), affine)
    offset = np.array([0.3, -0.7, 1.1]) @ affine[:3, 3]
    resampled, undo = resample(volume, spacing_mm)
    new_index = np.stack(np.meshgrid(*map(np.arange, resampled.spatial_shape), indexing="ij"), axis=-1)
    expected = new_index @ (resampled.affine[:3, :3].T @ [0.3, -0.7, 1.1])
    expected += np.array([0.3, -0.7, 1.1]) @ resampled.affine[:3, 3] - offset
    margins = [int(np.ceil(2 * max(1.0, o / n))) for o, n in zip(volume.spacing_mm, spacing_mm, strict=True)]
    inner = tuple(slice(margin, -margin) for margin in margins)
    np.testing.assert_allclose(resampled.array[inner], expected[inner], atol=2e-4)
    assert undo.linear(resampled.array).shape == volume.spatial_shape


def test_shrinking_averages_stripes_instead_of_picking_some() -> None:
    stripes = np.zeros((32, 32, 32), np.float32)
    stripes[::2] = 1.0
    resampled, _ = resample(_volume(stripes), (4.0, 4.0, 4.0))
    np.testing.assert_allclose(resampled.array[1:-1], 0.5, atol=0.01)


def test_growing_is_trilinear() -> None:
    resampled, _ = resample(_volume(np.array([0.0, 1.0], np.float32).reshape(2, 1, 1)), (0.5, 1.0, 1.0))
    np.testing.assert_allclose(resampled.array.ravel(), [0.0, 0.25, 0.75, 1.0])


def test_doubled_labels_come_back_exactly() -> None:
    labels = np.random.default_rng(0).integers(0, 5, (5, 6, 7), dtype=np.uint8)
    finer, undo = resample(_volume(labels, (2.0, 2.0, 2.0)), (1.0, 1.0, 1.0))
    doubled = labels.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    assert finer.spatial_shape == doubled.shape
    np.testing.assert_array_equal(undo(doubled), labels)


def test_organs_survive_the_round_trip() -> None:
    _, labels, table = make_phantom(shape=(24, 40, 40), spacing_mm=(10.0, 6.0, 6.0), n_structures=3)
    coarse, undo = resample(labels, (7.0, 7.0, 7.0))
    for label in table.labels:
        truth = labels.array == label.index
        share, _ = resample(labels.with_array(truth.astype(np.float32)), (7.0, 7.0, 7.0))
        for back in (undo(share.array > 0.5), undo.linear(share.array) > 0.5):
            dice = 2 * (back & truth).sum() / (back.sum() + truth.sum())
            assert dice > 0.8
    assert coarse.array.dtype == np.float32


def test_channels_are_resampled_one_by_one() -> None:
    array = np.random.default_rng(0).random((2, 5, 6, 7), dtype=np.float32)
    both, undo = resample(_volume(array), (1.7, 0.6, 2.0))
    for channel, resampled in zip(array, both.array, strict=True):
        alone, _ = resample(_volume(channel), (1.7, 0.6, 2.0))
        np.testing.assert_allclose(resampled, alone.array, rtol=1e-5)
    assert undo(both.array).shape == array.shape
    assert undo.linear(both.array).shape == array.shape


def test_integers_and_flipped_views_are_fine() -> None:
    array = np.arange(60, dtype=np.int16).reshape(3, 4, 5)[::-1]
    one, _ = resample(_volume(array), (1.0, 2.0, 1.0))
    other, _ = resample(_volume(array.astype(np.float64).copy()), (1.0, 2.0, 1.0))
    np.testing.assert_array_equal(one.array, other.array)


def test_bad_sizes_and_arrays() -> None:
    volume = _volume(np.zeros((8, 8, 8), np.float32))
    for size in (0.0, -1.0, np.nan):
        with pytest.raises(InputError, match="above zero"):
            resample(volume, (1.0, size, 1.0))
    with pytest.raises(InputError, match="voxels; check its voxel size"):
        resample(volume, (0.001, 0.001, 0.001))
    _, undo = resample(volume, (2.0, 2.0, 2.0))
    for back in (undo, undo.linear):
        with pytest.raises(ValueError, match="resampled grid"):
            back(np.zeros((8, 8, 8), np.uint8))
