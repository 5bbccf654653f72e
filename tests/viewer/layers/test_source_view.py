from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.viewer import layers as geometry
from napari_scd.viewer.layers import axes
from napari_scd.viewer.layers.build import labels_layer, token_colours, tokens_layer
from napari_scd.volume import Volume

from ..conftest import TABLE, blob

ROTATION = [[0.98, -0.199, 0.0], [0.199, 0.98, 0.0], [0.0, 0.0, 1.0]]
PERMUTED = [[0, 0, 2, 5], [0, 1, 0, -3], [0.5, 0, 0, 7], [0, 0, 0, 1]]
SHEARED = [[2, 0.3, 0, 1], [0, 1, 0.2, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
PLACES: dict[str, dict[str, Any]] = {
    "plain": {"scale": (2, 1, 0.5), "translate": (-10, 3, 4)},
    "flipped": {"scale": (2, -1, 0.5), "translate": (-10, 3, 4)},
    "negative affine": {"affine": np.diag([-2.0, -1, -0.5, 1])},
    "permuted": {"affine": np.asarray(PERMUTED, float)},
    "rotated": {"scale": (2, 1, 1), "rotate": ROTATION},
    "sheared": {"affine": np.asarray(SHEARED, float)},
}


def corners(layer: Any) -> np.ndarray:
    """World places of a layer's outer corners, (8, ndim)."""
    shape = np.asarray(layer.data.shape)
    ends = np.array(list(np.ndindex(*(2,) * len(shape)))) * shape - 0.5
    return np.array([layer.data_to_world(end) for end in ends])


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_the_matrix_is_where_napari_draws_voxels(model: Any, place: dict[str, Any]) -> None:
    layer = model.add_image(blob(), units="mm", **place)
    view = geometry.look_at(layer)
    for index in [(0, 0, 0), (3, 4, 5), (20, 1, 30)]:
        assert np.allclose((view.affine @ [*index, 1])[:3], layer.data_to_world(index))


@pytest.mark.parametrize("place", PLACES.values(), ids=list(PLACES))
def test_labels_and_tokens_lie_exactly_on_the_image(model: Any, place: dict[str, Any]) -> None:
    layer = model.add_image(blob(), units="mm", **place)
    view = geometry.look_at(layer)
    data, keywords, _ = labels_layer(np.zeros(view.shape, np.uint8), view, TABLE, kind="preview", report={})
    labels = model.add_labels(data, **keywords)
    assert np.allclose(corners(labels), corners(layer), atol=1e-9)
    to_tokens = np.diag([4.0, 4, 4, 1])
    to_tokens[:3, 3] = 1.5
    grid = Volume(np.ones((6, 7, 8), np.uint8), view.affine @ to_tokens)
    data, keywords, _ = tokens_layer(grid, view, token_colours("dim", 3), {"n_stages": 3})
    tokens = model.add_labels(data, **keywords)
    assert np.allclose(corners(tokens), corners(layer), atol=1e-9), "24x28x32 voxels are 6x7x8 tokens"
    assert tokens.units == labels.units == layer.units


def test_a_4d_layer_is_seen_at_the_viewers_frame(model: Any) -> None:
    data = np.stack([blob() + frame for frame in range(5)])
    layer = model.add_image(
        data, scale=(3, 2, 1, 1), translate=(1, 0, 0, 0), units=("pixel", "mm", "mm", "mm")
    )
    view = geometry.look_at(layer, world_point=(1 + 3 * 2, 0, 0, 0))
    assert view.frame == (2,)
    assert np.array_equal(view.volume().array, data[2])
    assert view.spacing_mm == (2, 1, 1)
    affine = view.layer_affine(view.affine)
    assert affine.shape == (5, 5)
    tokens = model.add_labels(np.ones((1, 24, 28, 32), np.uint8), affine=affine)
    assert np.allclose(tokens.data_to_world((0, 3, 4, 5)), layer.data_to_world((2, 3, 4, 5)))


def test_units_become_millimetres(model: Any) -> None:
    layer = model.add_image(blob(), scale=(2000, 1000, 1000), units="um")
    view = geometry.look_at(layer)
    assert np.allclose(view.spacing_mm, (2, 1, 1))
    assert np.allclose(view.layer_affine(view.affine), geometry.layer_matrix(layer))


def test_without_units_or_scale_the_voxel_size_is_unknown(model: Any) -> None:
    assert not geometry.look_at(model.add_image(blob())).voxel_size_known
    assert geometry.look_at(model.add_image(blob(), scale=(2, 1, 1))).voxel_size_known
    assert geometry.look_at(model.add_image(blob(), units="mm")).voxel_size_known


def test_the_user_can_say_where_the_axes_point(model: Any) -> None:
    layer = model.add_image(blob(), scale=(2, 1, 1), units="mm")
    assert not geometry.look_at(layer).orientation_known
    view = geometry.look_at(layer, world_axes="SAR")
    assert view.orientation_known
    assert np.allclose(view.affine[:3, :3], np.diag([2, -1, -1]))
    assert np.allclose(view.layer_affine(view.affine), geometry.layer_matrix(layer))


def test_axes_in_another_order() -> None:
    matrix = axes.axes_matrix("RAS")
    assert np.allclose(matrix @ [1, 2, 3, 1], [3, -2, -1, 1]), "(S, P, L) of R = 1, A = 2, S = 3"


@pytest.mark.parametrize("letters", ["", "SS", "SPI", "SPLX", "ABC", "SPP"])
def test_nonsense_axes_are_refused(letters: str) -> None:
    with pytest.raises(InputError, match="one letter of each pair"):
        axes.axes_matrix(letters)


@pytest.mark.parametrize(
    ("data", "options", "words"),
    [
        (np.zeros((8, 8)), {}, "is 2D"),
        (np.zeros((8, 8, 8, 3), np.uint8), {"rgb": True}, "colour"),
        (np.zeros((2, 2, 8, 8, 8)), {}, "5 axes"),
        (np.zeros((1, 8, 8)), {}, "single slice"),
    ],
)
def test_unusable_layers_get_a_sentence(model: Any, data: np.ndarray, options: Any, words: str) -> None:
    sentence = geometry.problem_of(model.add_image(data, name="x", **options))
    assert sentence is not None and words in sentence and sentence.startswith("'x'")


def test_complex_values_get_a_sentence() -> None:
    layer = SimpleNamespace(name="k-space", rgb=False, multiscale=False, data=np.zeros((8, 8, 8), complex))
    assert "complex128" in str(geometry.problem_of(layer))


def test_frames_mixed_with_space_are_refused(model: Any) -> None:
    affine = np.eye(5)
    affine[0, 2] = 0.5
    layer = model.add_image(np.zeros((3, 8, 8, 8)), affine=affine)
    assert "mixes" in str(geometry.problem_of(layer))


def test_multiscale_layers_count_at_full_size(model: Any) -> None:
    data = blob((32, 32, 32))
    layer = model.add_image([data, data[::2, ::2, ::2]], multiscale=True)
    assert geometry.look_at(layer).shape == (32, 32, 32)


def test_channels_must_lie_on_one_grid(model: Any) -> None:
    first = model.add_image(blob(), scale=(2, 1, 1), name="t1")
    second = model.add_image(blob(), scale=(2, 1, 1), name="t2")
    other = model.add_image(blob(), name="far", translate=(5, 0, 0))
    view = geometry.look_at(first)
    assert geometry.with_channels(view, [second]).volume().array.shape == (2, 24, 28, 32)
    with pytest.raises(InputError, match="another grid"):
        geometry.with_channels(view, [other])
    with pytest.raises(InputError, match="no image"):
        geometry.with_channels(view, [None])


def test_a_4d_layer_can_hold_the_channels(model: Any) -> None:
    layer = model.add_image(np.stack([blob()] * 4), scale=(1, 2, 1, 1), translate=(0, 5, 6, 7), name="brats")
    view = geometry.as_channels(geometry.look_at(layer))
    assert view.volume().array.shape == (4, 24, 28, 32) and view.layer_shape == (24, 28, 32)
    data, keywords, _ = labels_layer(np.zeros(view.shape, np.uint8), view, TABLE, kind="seg", report={})
    labels = model.add_labels(data, **keywords)
    assert np.allclose(labels.data_to_world((1, 2, 3)), layer.data_to_world((0, 1, 2, 3))[1:])


@pytest.mark.parametrize("leading", [(1, 1), (1, 3), (3, 1), (1, 1, 1)])
def test_leading_axes_of_length_one_are_as_good_as_none(model: Any, leading: tuple[int, ...]) -> None:
    data = np.broadcast_to(blob(), (*leading, *blob().shape)).copy()
    scale = (*(1,) * len(leading), 2, 1, 1)
    layer = model.add_image(data, scale=scale)
    assert geometry.problem_of(layer) is None
    view = geometry.look_at(layer)
    np.testing.assert_array_equal(view.volume().array, blob())
    assert view.n_frames == max(leading) and view.spacing_mm == (2, 1, 1)


def test_channels_behind_an_axis_of_length_one(model: Any) -> None:
    data = np.stack([blob(), blob() + 1, blob() + 2])[None]
    view = geometry.as_channels(geometry.look_at(model.add_image(data, scale=(1, 1, 2, 1, 1))))
    assert view.volume().array.shape == (3, *blob().shape) and view.layer_shape == blob().shape
    assert view.n_frames == 1 and view.spacing_mm == (2, 1, 1)


@pytest.mark.parametrize("turn", [slice(None, None, -1), "one voxel", "swap"])
def test_voxels_changed_in_place_are_noticed(model: Any, turn: Any) -> None:
    layer = model.add_image(blob())
    view = geometry.look_at(layer)
    before = view.fingerprint()
    assert view.fingerprint() == before
    if turn == "one voxel":
        layer.data[3, 4, 5] += 1
    elif turn == "swap":
        layer.data[0, 0, :2] = layer.data[0, 0, 1::-1].copy()
    else:
        layer.data[:] = layer.data[turn, turn, turn].copy()
    assert view.fingerprint() != before


def test_only_the_frame_in_use_counts(model: Any) -> None:
    layer = model.add_image(np.stack([blob(), blob()]))
    view = geometry.look_at(layer)
    before = view.fingerprint()
    layer.data[1] = 0
    assert view.fingerprint() == before
