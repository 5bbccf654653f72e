"""Clicks: the component under them, its group, the nearest one, none, and structures larger than a window."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_scd.engine import CancelToken, Request
from napari_scd.engine.clicks import component, find_structure, open_border
from napari_scd.errors import InputError
from napari_scd.volume import LabelTable, Recipe, Volume

GROUPS = {"front": "body", "back": "body"}
TABLE = LabelTable.from_names(["front", "back", "other"], GROUPS)
MM = (1.0, 1.0, 1.0)


def picture(rows: list[str]) -> np.ndarray:
    return np.array([[[int(c) if c != "." else 0 for c in row] for row in rows]], np.uint8)


def test_the_group_under_the_click_and_nothing_else() -> None:
    labels = picture(["112..1", "1.2...", "..33.."])
    found = find_structure(labels, (0, 0, 0), MM, TABLE)
    assert (found.label, found.members) == (1, (1, 2))
    np.testing.assert_array_equal(found.mask, picture(["111...", "1.1...", "......"]) > 0)
    assert find_structure(labels, (0, 2, 3), MM, TABLE).members == (3,)


def test_corners_hold_together() -> None:
    mask = picture(["1..", ".1.", "..1"]) > 0
    assert component(mask, (0, 0, 0)).all() == mask.all()
    assert component(mask, (0, 0, 0)).sum() == 3
    assert not component(mask, (0, 0, 1)).any()


@pytest.mark.parametrize(("spacing", "label"), [(1.0, 3), (2.4, 3), (2.6, 0)])
def test_the_nearest_structure_within_ten_millimetres(spacing, label) -> None:
    labels = picture([".......", "....3.1", "......."])
    found = find_structure(labels, (0, 1, 0), (1.0, 1.0, spacing), TABLE)
    assert (found.label if found else 0) == label


def test_an_open_border_is_where_the_image_goes_on() -> None:
    mask = np.zeros((4, 4, 4), bool)
    mask[:, 1:3, 1] = True
    seen = np.ones_like(mask)
    assert open_border(mask, seen, (0, 0, 0), (4, 4, 4)) is None
    assert open_border(mask, seen, (0, 0, 0), (9, 4, 4))[0] == 3
    assert open_border(mask, seen, (5, 0, 0), (9, 4, 4))[0] == 5
    assert open_border(mask, seen, (0, 3, 3), (4, 9, 9)) is None
    seen[:, 3] = False
    z, y, x = open_border(mask, seen, (0, 0, 0), (4, 4, 4))
    assert (y, x) == (2, 1) and z in (1, 2)


def test_borders_are_the_same_wherever_the_structure_lies() -> None:
    """Only a box around the structure is looked at: compared with looking everywhere."""
    random = np.random.default_rng(0)
    answers = []
    for _ in range(60):
        low = tuple(random.integers(0, 4, 3).tolist())
        mask, seen = np.zeros((9, 8, 7), bool), random.random((9, 8, 7)) < 0.9
        corner, edges = random.integers(0, 5, 3), random.integers(1, 5, 3)
        box = tuple(slice(a, a + n) for a, n in zip(corner.tolist(), edges.tolist(), strict=True))
        mask[box] = random.random(mask[box].shape) < 0.7
        size = tuple((np.array(low) + mask.shape + random.integers(0, 2, 3)).tolist())
        border = open_border(mask, seen, low, size)
        assert border == border_of_all(mask, seen, low, size)
        answers.append(border)
        seed = tuple(np.argwhere(mask)[0].tolist()) if mask.any() else (0, 0, 0)
        parts, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)))
        expected = (parts == parts[seed]) & mask
        np.testing.assert_array_equal(component(mask, seed), expected)
    assert None in answers and len(set(answers)) > 20


def border_of_all(mask: np.ndarray, seen: np.ndarray, low, size):
    sides = []
    for axis in range(3):
        for step in (-1, 1):
            open_voxels = []
            for voxel in np.argwhere(mask).tolist():
                there = list(voxel)
                there[axis] += step
                in_image = 0 <= there[axis] + low[axis] < size[axis]
                held = 0 <= there[axis] < seen.shape[axis]
                if in_image and not (held and seen[tuple(there)]):
                    open_voxels.append(voxel)
            sides.append(open_voxels)
    widest = np.array(max(sides, key=len))
    if not len(widest):
        return None
    nearest = np.abs(widest - widest.mean(axis=0)).sum(axis=1).argmin()
    return tuple((widest[nearest] + low).tolist())


def scene(shape=(60, 60, 60)) -> np.ndarray:
    """Two small boxes of one group side by side, another of its own, a long bar."""
    array = np.zeros(shape, np.float32)
    array[4:7, 4:8, 4:8] = 0.6
    array[7:10, 4:8, 4:8] = 0.9
    array[5:8, 14:18, 4:8] = 0.6
    array[30:33, 30:33, 2:58] = 0.9
    return array


def bar() -> np.ndarray:
    mask = scene() > 0.8
    mask[:20] = False
    return mask


@pytest.fixture
def session(thresholder):
    recipe = Recipe("MR", normalisation="none", field="click")
    session = thresholder(recipe, ("front", "back"), GROUPS, levels=(0.5, 0.8))
    session.set_volume(Volume(scene(), np.eye(4)))
    return session


def test_a_click_takes_the_whole_group(session) -> None:
    click = session.click((5, 5, 5))
    assert (click.label, click.name, click.windows) == (1, "body", 1)
    assert click.message == "body, 0.10 ml"
    expected = np.zeros(scene().shape, np.uint8)
    expected[4:7, 4:8, 4:8], expected[7:10, 4:8, 4:8] = 1, 2
    np.testing.assert_array_equal(click.segmentation.labels.array, expected)
    assert click.segmentation.complete
    assert click.segmentation.report.volumes_ml == {"front": 0.048, "back": 0.048}


def test_everything_keeps_all_labels_of_the_window(session) -> None:
    click = session.click((6, 10, 6), everything=True)
    assert click.windows == 1
    found = np.zeros(scene().shape, bool)
    found[click.segmentation.region] = scene()[click.segmentation.region] > 0.5
    np.testing.assert_array_equal(click.segmentation.labels.array > 0, found)
    assert found.sum() > 48


def test_a_click_beside_a_structure_takes_the_nearest(session) -> None:
    assert session.click((5, 5, 11.4)).segmentation.labels.array.sum() == 48 + 2 * 48
    assert session.click((5, 11, 5)).label == 1


def test_a_click_into_nothing_says_what_is_most_likely(session) -> None:
    click = session.click((50, 8, 50))
    assert (click.label, click.name) == (0, "")
    assert click.message == "nothing found here (most likely: front 0.02)"
    assert not click.segmentation.labels.array.any()
    assert click.segmentation.tokens.array.any()


def test_a_structure_longer_than_the_window_is_followed(session) -> None:
    click = session.click((31, 31, 30))
    np.testing.assert_array_equal(click.segmentation.labels.array, 2 * bar())
    assert 3 < click.windows <= 9
    assert click.segmentation.report.n_windows == click.windows
    tokens = click.segmentation.tokens.array
    assert tokens.shape == (15, 15, 15) and (tokens[8, 8] > 0).all()


def test_a_cancel_while_following_keeps_what_was_found(session) -> None:
    token = CancelToken()
    click = session.click((31, 31, 30), progress=lambda progress: token.cancel(), cancel=token)
    assert click.windows == 1 and click.label == 2
    assert not click.segmentation.complete
    found = click.segmentation.labels.array > 0
    assert found.any() and not (found & ~bar()).any()


def test_following_ends_after_eight_more_windows(thresholder) -> None:
    session = thresholder(Recipe("MR", normalisation="none"))
    array = np.zeros((4, 4, 400), np.float32)
    array[1:3, 1:3] = 1
    session.set_volume(Volume(array, np.eye(4)))
    click = session.click((2, 2, 200))
    assert click.windows == 9
    assert 9 * 8 <= click.segmentation.labels.array[1, 1].sum() < 400


def test_a_repeated_click_answers_from_memory(session) -> None:
    first = session.click((31, 31, 30))
    network = session._model.network
    n_prefix, n_rest = network.n_prefix, network.n_rest
    again = session.click((31, 31, 30))
    assert (network.n_prefix, network.n_rest) == (n_prefix, n_rest)
    np.testing.assert_array_equal(again.segmentation.labels.array, first.segmentation.labels.array)
    session.click((31, 31, 30), Request(keep=0.25))
    assert network.n_prefix == n_prefix and network.n_rest == n_rest + first.windows


def test_resampled_clicks_keep_their_component_only(thresholder) -> None:
    recipe = Recipe("MR", normalisation="none", spacing_mm=(1.5, 1.5, 1.5))
    session = thresholder(recipe, ("front", "back"), GROUPS, levels=(0.5, 0.8))
    session.set_volume(Volume(scene()[:, ::-1], np.diag([1.0, -1.0, 1.0, 1.0])))
    click = session.click((5, 54, 5))
    found = click.segmentation.labels.array[:, ::-1] > 0
    assert found[5:9, 5:7, 5:7].all()
    assert not found[:, 12:].any() and not found[12:].any()


def test_a_preview_of_a_click_model_is_the_window_of_the_click(session) -> None:
    session.click((5, 5, 5))
    n_prefix = session._model.network.n_prefix
    preview = session.preview(Request(keep=0.25), centre_index=(5, 5, 5))
    assert session._model.network.n_prefix == n_prefix
    assert preview.labels.array[5, 5, 5] == 1


@pytest.mark.parametrize("index", [(-1, 0, 0), (0, 60, 0), (0, 0, 59.6), (0, 0), (0, 0, np.nan)])
def test_a_click_outside_is_refused(session, index) -> None:
    with pytest.raises(InputError):
        session.click(index)


def test_clicks_work_on_flipped_and_tilted_volumes(thresholder) -> None:
    session = thresholder(Recipe("MR", normalisation="none"), ("front", "back"), levels=(0.5, 0.8))
    c, s = np.cos(0.2), np.sin(0.2)
    affine = np.array([[0, -c, s, 5], [0, s, c, -9], [-1.3, 0, 0, 2], [0, 0, 0, 1.0]])
    session.set_volume(Volume(scene(), affine))
    click = session.click((31, 31, 5))
    np.testing.assert_array_equal(click.segmentation.labels.array == 2, bar())


def test_only_wanted_structures_of_a_group(session) -> None:
    click = session.click((5, 5, 5), Request(structures=(2,)))
    assert set(np.unique(click.segmentation.labels.array)) == {0, 2}
    assert click.label == 1
