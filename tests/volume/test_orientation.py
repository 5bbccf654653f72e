"""Turning axes moves voxels and nothing else, and every turn has its way back."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.volume import Undo, Volume, axis_directions, ras_from_spl, reorient, spl_from_ras

TURNS = [
    Undo(order, flips)
    for order in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]


Make = Callable[..., Volume]


@pytest.fixture
def volume_along(ras_affine: Callable[..., np.ndarray]) -> Make:
    """Give ``volume_along(axes, tilt_deg=0)``."""

    def make(axes: str, tilt_deg: float = 0.0) -> Volume:
        array = np.random.default_rng(3).integers(0, 1000, (4, 5, 6))
        return Volume(array, spl_from_ras(ras_affine(axes, tilt_deg)))

    return make


def test_there_are_48_turns() -> None:
    assert len(set(TURNS)) == 48


def test_ras_and_spl_are_exact_inverses_and_keep_left_and_right(
    ras_affine: Callable[..., np.ndarray],
) -> None:
    affine = ras_affine("RAS", 12.0)
    np.testing.assert_array_equal(ras_from_spl(spl_from_ras(affine)), affine)
    # an axis that runs to Right runs against Left, and so on
    np.testing.assert_array_equal(spl_from_ras(np.eye(4))[:3, :3], [[0, 0, 1], [0, -1, 0], [-1, 0, 0]])
    assert not np.signbit(spl_from_ras(np.eye(4))).flat[0]


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0])
def test_every_voxel_stays_where_it_was(volume_along: Make, axes: str, tilt_deg: float) -> None:
    volume = volume_along(axes, tilt_deg)
    assert axis_directions(volume.affine) == axes
    turned, undo = reorient(volume, "SPL")
    assert axis_directions(turned.affine) == "SPL"
    for index in np.ndindex(*volume.spatial_shape):
        there = turned.index_of(volume.ras_mm_of(index))
        whole = np.rint(there).astype(int)
        np.testing.assert_allclose(there, whole, atol=1e-9)
        assert turned.array[tuple(whole)] == volume.array[index]
    np.testing.assert_array_equal(undo(turned.array), volume.array)


def test_undo_is_bit_exact_for_labels_and_channels(volume_along: Make, axes: str) -> None:
    volume = volume_along("LPI", 7.0)
    turned, undo = reorient(volume, axes)
    assert axis_directions(turned.affine) == axes
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 255, turned.spatial_shape, dtype=np.uint8)
    scores = rng.standard_normal((3, *turned.spatial_shape), dtype=np.float32)
    back_again, _ = reorient(volume.with_array(undo(labels)), axes)
    np.testing.assert_array_equal(back_again.array, labels)
    assert back_again.array.dtype == np.uint8
    for channel, back in zip(scores, undo(scores), strict=True):
        np.testing.assert_array_equal(back, undo(channel))


@pytest.mark.parametrize("turn", TURNS)
def test_turns_invert_compose_and_map_indices(turn: Undo) -> None:
    array = np.random.default_rng(1).random((2, 3, 4))
    np.testing.assert_array_equal(turn.inverse()(turn(array)), array)
    other = Undo((2, 0, 1), (True, False, True))
    np.testing.assert_array_equal(turn.then(other)(array), other(turn(array)))
    turned, matrix = turn(array), turn.matrix(array.shape)
    for index in np.ndindex(turned.shape):
        origin = (matrix @ [*index, 1])[:3].astype(int)
        assert turned[index] == array[tuple(origin)]


def test_the_right_marker_comes_to_low_x() -> None:
    # nibabel's axes: the first voxel axis runs to the Right; a spot on the right is at a high index
    array = np.zeros((10, 4, 4), np.uint8)
    array[9, 0, 0] = 1
    turned, _ = reorient(Volume(array, spl_from_ras(np.eye(4))), "SPL")
    z, y, x = (int(place[0]) for place in np.nonzero(turned.array))
    assert (z, y, x) == (0, 3, 0)  # inferior, anterior turned to posterior-growing y, right


def test_axes_in_small_letters_are_fine_and_bad_ones_are_not(volume_along: Make) -> None:
    volume = volume_along("RAS")
    np.testing.assert_array_equal(reorient(volume, "spl")[0].array, reorient(volume, "SPL")[0].array)
    for axes in ("SPX", "SSP", "SIL", "SP", "", "SPLR"):
        with pytest.raises(InputError, match="three directions"):
            reorient(volume, axes)


def test_a_turn_that_changes_nothing_copies_nothing(volume_along: Make) -> None:
    volume = volume_along("SPL")
    turned, undo = reorient(volume, "SPL")
    assert np.shares_memory(turned.array, volume.array)
    assert undo == Undo()
