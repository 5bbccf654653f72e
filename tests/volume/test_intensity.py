"""Intensities come out as a recipe says, channel by channel."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.volume import Recipe, normalise


def _noise(n_channels: int = 1, dtype: str = "float32") -> np.ndarray:
    return np.random.default_rng(5).normal(50, 20, (n_channels, 6, 7, 8)).astype(dtype)


def test_range_maps_the_clip_onto_minus_one_to_one() -> None:
    recipe = Recipe("CT", clip=(-125, 275), normalisation="range")
    array = np.array([-1000, -125, 75, 275, 3000], np.int16).reshape(1, 1, 1, 5)
    np.testing.assert_allclose(normalise(array, recipe).ravel(), [-1, -1, 0, 1, 1], atol=1e-6)
    # the range is the clip's, whatever the scan holds
    np.testing.assert_allclose(normalise(array[..., 2:3], recipe).ravel(), [0], atol=1e-6)


def test_range_without_clip_takes_the_scan_s_own_range() -> None:
    result = normalise(_noise(2), Recipe("MR", normalisation="range"))
    np.testing.assert_allclose(result.min(axis=(1, 2, 3)), -1, atol=1e-5)
    np.testing.assert_allclose(result.max(axis=(1, 2, 3)), 1, atol=1e-5)


def test_range_with_percentiles() -> None:
    array = np.arange(1001, dtype=np.float32).reshape(1, 7, 11, 13)
    result = normalise(array, Recipe("MR", clip_percentiles=(10, 90), normalisation="range"))
    np.testing.assert_allclose(result.ravel()[[0, 100, 500, 900, 1000]], [-1, -1, 0, 1, 1], atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8", "float64"])
def test_zscore_has_mean_zero_and_deviation_one_per_channel(dtype: str) -> None:
    array = np.concatenate([_noise(dtype=dtype), _noise(dtype=dtype) // 2])
    result = normalise(array, Recipe("MR"))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result.mean(axis=(1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(result.std(axis=(1, 2, 3)), 1, atol=1e-5)


def test_zscore_of_huge_intensities() -> None:
    result = normalise(_noise() * 1e6, Recipe("MR"))
    np.testing.assert_allclose(result, normalise(_noise(), Recipe("MR")), atol=1e-4)


def test_zscore_nonzero_leaves_zeros_alone() -> None:
    array = _noise(2)
    array[0, :3] = 0
    array[1] = 0
    result = normalise(array, Recipe("MR", normalisation="zscore-nonzero", clip_percentiles=(1, 99)))
    assert (result[0, :3] == 0).all()
    assert result[0, 3:].mean() == pytest.approx(0, abs=1e-5)
    assert result[0, 3:].std() == pytest.approx(1, abs=1e-5)
    assert (result[1] == 0).all()


def test_percentiles_cut_outliers() -> None:
    array = _noise()
    array[0, 0, 0, 0] = 1e6
    spiked = normalise(array, Recipe("MR", clip_percentiles=(0.5, 99.5)))
    assert spiked.max() < 4


def test_none_only_clips() -> None:
    array = _noise()
    np.testing.assert_array_equal(normalise(array, Recipe("MR", normalisation="none")), array)
    clipped = normalise(array, Recipe("CT", clip=(40, 60), normalisation="none"))
    np.testing.assert_array_equal(clipped, array.clip(40, 60))


@pytest.mark.parametrize("normalisation", ["range", "zscore", "zscore-nonzero"])
@pytest.mark.parametrize("value", [0.0, 7.0, -1e6, 0.1])
def test_a_constant_channel_becomes_zero(normalisation: str, value: float) -> None:
    result = normalise(np.full((1, 5, 5, 5), value), Recipe("MR", normalisation=normalisation))
    assert (result == 0).all()


def test_the_input_is_not_changed() -> None:
    array = _noise()
    before = array.copy()
    normalise(array, Recipe("CT", clip=(0, 1), normalisation="range"))
    np.testing.assert_array_equal(array, before)
    assert normalise(array[:, ::-1], Recipe("MR")).flags["C_CONTIGUOUS"]
