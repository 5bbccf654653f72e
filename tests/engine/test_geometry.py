"""Labels and tokens lie where the anatomy lies, however the array is turned, flipped, tilted or sampled."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_scd.engine import Request
from napari_scd.volume import Recipe, Volume

AXES = [
    "".join(letters)
    for order in itertools.permutations([("S", "I"), ("P", "A"), ("L", "R")])
    for letters in itertools.product(*order)
]
ORDER = {"S": 0, "I": 0, "P": 1, "A": 1, "L": 2, "R": 2}


def affine_of(axes, spacing_mm=(1.5, 1.0, 2.0), origin=(-7.0, 11.0, 3.0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, letter in enumerate(axes):
        affine[ORDER[letter], axis] = spacing_mm[axis] * (1 if letter in "SPL" else -1)
    affine[:3, 3] = origin
    return affine


def tilted(affine, degrees=12.0) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(4)
    turn[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return turn @ affine


def cube(shape=(21, 26, 30)) -> np.ndarray:
    array = np.zeros(shape, np.float32)
    array[4:11, 9:13, 20:29] = 1
    return array


@pytest.mark.parametrize("axes", AXES)
def test_a_bright_cube_comes_back_on_the_same_voxels(thresholder, axes) -> None:
    session = thresholder()
    volume = Volume(cube(), affine_of(axes))
    session.set_volume(volume)
    result = session.segment()
    np.testing.assert_array_equal(result.labels.array, volume.array)
    np.testing.assert_array_equal(result.labels.affine, volume.affine)
    assert result.labels.array.dtype == np.uint8
    check_tokens(result, volume)


@pytest.mark.parametrize("model_axes", ["RAS", "LPI", "PSR"])
@pytest.mark.parametrize("axes", ["SPL", "AIR", "LPS"])
def test_models_with_other_axes(thresholder, axes, model_axes) -> None:
    session = thresholder(Recipe("MR", normalisation="none", axes=model_axes))
    volume = Volume(cube(), tilted(affine_of(axes)))
    session.set_volume(volume)
    result = session.segment()
    np.testing.assert_array_equal(result.labels.array, volume.array)
    check_tokens(result, volume)


@pytest.mark.parametrize("shape", [(16, 16, 16), (5, 40, 17), (1, 16, 33), (32, 24, 48)])
def test_sizes_around_the_window(thresholder, shape) -> None:
    array = (np.random.default_rng(0).random(shape) > 0.7).astype(np.float32)
    session = thresholder()
    session.set_volume(Volume(array, affine_of("SPL")))
    for request in (Request(), Request(stride=4), Request(stride=16, blending="constant")):
        np.testing.assert_array_equal(session.segment(request).labels.array, array)


@pytest.mark.parametrize("axes", ["SPL", "RAS", "IRP"])
@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (3.0, 2.0, 1.5), (1.5, 1.0, 0.7)])
def test_resampled_labels_lie_on_the_anatomy(thresholder, axes, spacing_mm) -> None:
    session = thresholder(Recipe("MR", normalisation="none", spacing_mm=spacing_mm))
    volume = Volume(ball((24, 30, 28), affine := tilted(affine_of(axes), 5.0)), affine)
    session.set_volume(volume)
    result = session.segment()
    truth = volume.array > 0.5
    found = result.labels.array > 0
    assert 2 * (truth & found).sum() / (truth.sum() + found.sum()) > 0.93
    centres = [np.argwhere(mask).mean(axis=0) for mask in (truth, found)]
    np.testing.assert_allclose(*centres, atol=0.2)


def ball(shape, affine, radius_mm=11.0) -> np.ndarray:
    index = np.stack(np.indices(shape), axis=-1).reshape(-1, 3)
    place = index @ affine[:3, :3].T
    distance = np.linalg.norm(place - place.mean(axis=0), axis=1)
    return np.clip(0.5 + (radius_mm - distance) / 3, 0, 1).reshape(shape).astype(np.float32)


def test_interpolated_logits_beat_nearest_labels_and_a_shortcut_changes_nothing(thresholder) -> None:
    """Only cells on a border are interpolated; the labels are those of interpolating everywhere."""
    session = thresholder(Recipe("MR", normalisation="none", spacing_mm=(2.5, 2.5, 2.5)))
    affine = affine_of("SPL", (1.0, 1.0, 1.0))
    volume = Volume(ball((30, 30, 30), affine), affine)
    session.set_volume(volume)
    result = session.segment(Request(probability=True))
    everywhere = result.probability.array.astype(np.float32).argmax(axis=0)
    differ = everywhere != result.labels.array
    margin = np.abs(result.probability.array[1].astype(float) - 0.5)
    assert (margin[differ] < 1e-3).all()
    truth = volume.array > 0.5
    assert (truth != (result.labels.array > 0)).mean() < 0.02


def check_tokens(result, volume) -> None:
    """Each token covers exactly the voxels that its affine says, and carries their mean brightness."""
    tokens, scores, patch = result.tokens, result.scores, 4
    corners = np.argwhere(np.ones(tokens.array.shape, bool))
    to_source = np.linalg.inv(volume.affine) @ tokens.affine
    middles = corners @ to_source[:3, :3].T + to_source[:3, 3]
    offsets = np.stack(np.meshgrid(*[np.arange(patch) - (patch - 1) / 2] * 3), axis=-1).reshape(-1, 3)
    places = np.rint(middles[:, None] + offsets).astype(int)
    np.testing.assert_allclose(places, middles[:, None] + offsets, atol=1e-6)
    inside = ((places >= 0) & (places < volume.array.shape)).all(axis=-1)
    assert inside.any(axis=1).all(), "a token outside the image was kept"
    assert inside.sum() == volume.array.size, "tokens do not cover the image"
    clipped = np.clip(places, 0, np.array(volume.array.shape) - 1)
    means = (volume.array[tuple(np.moveaxis(clipped, -1, 0))] * inside).mean(axis=1)
    np.testing.assert_allclose(scores.array.ravel(), -means, atol=1e-2)
    expected = 1 + (means > 0.25).astype(int) + (means > 0.75)
    np.testing.assert_array_equal(tokens.array.ravel(), expected)
