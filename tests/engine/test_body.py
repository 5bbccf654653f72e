"""Windows follow the body: the air around it is left out where that saves windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_scd.engine import Request
from napari_scd.engine.body import body_box
from napari_scd.engine.windows import PatchGrid
from napari_scd.errors import InputError
from napari_scd.volume import Recipe, Volume

LOW, HIGH = (6, 20, 10), (34, 42, 50)


@pytest.fixture
def scan() -> Volume:
    """A body over a thin table, something small beside it, and noise in the air."""
    rng = np.random.default_rng(0)
    array = rng.uniform(0, 0.03, (40, 80, 60)).astype(np.float32)
    array[6:34, 20:42, 10:50] = rng.uniform(0.2, 1, (28, 22, 40))
    array[:, 52:55, :] = 0.9
    array[18:24, 66:74, 5:13] = 0.9
    return Volume(array, np.eye(4))


@pytest.fixture
def session(thresholder, scan):
    made = thresholder(Recipe("CT", look_at="body", normalisation="none"), roi=(24, 24, 24))
    made.set_volume(scan)
    return made


def box_of(array):
    image = torch.from_numpy(np.asarray(array, np.float32))[None]
    return body_box(image, image.flatten(1).amin(1))


def test_table_noise_and_small_things_are_not_body(scan) -> None:
    assert box_of(scan.array) == (LOW, HIGH)


def test_a_second_large_part_belongs_to_the_body(scan) -> None:
    array = np.array(scan.array)
    array[10:30, 60:76, 5:40] = 0.5
    assert box_of(array) == ((6, 20, 4), (34, 76, 50))


def test_a_body_that_fills_the_scan_is_whole() -> None:
    array = np.random.default_rng(0).uniform(0.5, 1, (21, 15, 33))
    array[0, 0, 0] = 0
    assert box_of(array) == ((0, 0, 0), (21, 15, 33))


@pytest.mark.parametrize("value", [0, 7])
def test_an_even_image_is_taken_as_a_whole(value) -> None:
    assert box_of(np.full((9, 8, 7), value)) == ((0, 0, 0), (9, 8, 7))


def test_any_channel_can_show_the_body() -> None:
    image = torch.zeros(2, 30, 30, 30)
    image[0, 4:14, 4:14, 4:14], image[1, 16:26, 4:14, 4:14] = 1, 50
    assert body_box(image, image.flatten(1).amin(1)) == ((4, 4, 4), (26, 14, 14))


@pytest.mark.parametrize("size", [(50, 61, 70), (13, 97, 40), (64, 64, 64)])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_windows_show_all_of_the_body_on_one_patch_grid(size, share) -> None:
    rng = np.random.default_rng(1)
    for _ in range(40):
        edges = [max(int(share * n), 1) for n in size]
        low = tuple(int(rng.integers(0, n - edge + 1)) for n, edge in zip(size, edges, strict=True))
        high = tuple(a + edge for a, edge in zip(low, edges, strict=True))
        grid, plain = PatchGrid(size, (24, 32, 24), 4, (low, high)), PatchGrid(size, (24, 32, 24), 4)
        stride = grid.stride_for(None)
        starts, seen = grid.starts(stride), np.zeros(size, int)
        for start in starts:
            a, b = grid.image_box(start)
            seen[a[0] : b[0], a[1] : b[1], a[2] : b[2]] += 1
        assert seen[tuple(slice(a, b) for a, b in zip(low, high, strict=True))].all()
        assert len(starts) <= len(plain.starts(stride))
        assert all(at % 4 == 0 and at + edge <= n for start in starts
                   for at, edge, n in zip(start, grid.roi, grid.shape, strict=True))  # fmt: skip
        cells = np.zeros(grid.shape, int)
        for start, (a, b) in grid.cells(stride).items():
            cells[tuple(slice(at + c, at + d) for at, c, d in zip(start, a, b, strict=True))] += 1
        lead = grid.lead
        body = tuple(slice(a + by, b + by) for a, b, by in zip(low, high, lead, strict=True))
        assert (cells[body] == 1).all() and cells.max() == 1


def test_less_overlap_takes_fewer_windows() -> None:
    half, less = (PatchGrid((96, 96, 150), (96, 96, 96), 8, overlap=share) for share in (0.5, 0.4))
    assert (half.stride_for(None), less.stride_for(None)) == ((48, 48, 48), (56, 56, 56))
    assert [len(grid.starts(grid.stride_for(None))) for grid in (half, less)] == [3, 2]
    assert less.starts(less.stride_for(48)) == half.starts(half.stride_for(None))
    body = ((0, 0, 0), (96, 96, 149))
    assert PatchGrid((96, 96, 170), (96, 96, 96), 8, body, 0.4).starts((56, 56, 56)) == (
        (0, 0, 0),
        (0, 0, 56),
    )


def test_a_body_that_saves_no_window_changes_nothing() -> None:
    plain = PatchGrid((30, 50, 47), (24, 32, 24), 4)
    grid = PatchGrid((30, 50, 47), (24, 32, 24), 4, ((2, 0, 1), (29, 49, 46)))
    assert (grid.lead, grid.shape) == (plain.lead, plain.shape)
    assert grid.starts((12, 16, 12)) == plain.starts((12, 16, 12))


def test_outside_the_windows_all_is_background(session, scan) -> None:
    plan, result = session.plan(), session.segment(Request(masks=True, confidence=True, probability=True))
    all_of_it = session.segment(Request(air=True))
    assert result.complete and plan.n_windows == result.report.n_windows == 6
    assert all_of_it.report.n_windows == session.plan(Request(air=True)).n_windows > 70
    body = tuple(slice(a, b) for a, b in zip(LOW, HIGH, strict=True))
    bright = scan.array > 0.5
    assert np.array_equal(result.labels.array[body] > 0, bright[body])
    assert np.array_equal(all_of_it.labels.array > 0, bright)
    assert not result.labels.array[18:24, 66:74].any() and not result.masks.array[:, :, 66:].any()
    assert not result.confidence.array[:, 66:].any()
    assert (result.tokens.array == 0).any() and (all_of_it.tokens.array > 0).all()


@pytest.mark.parametrize("rows", [slice(70, 80), slice(30, 31), slice(38, 60)])
def test_a_part_is_what_the_whole_answer_holds_there(session, rows) -> None:
    whole, part = session.segment(), (slice(0, 40), rows, slice(0, 60))
    found = session.segment(within=part)
    assert found.complete
    assert np.array_equal(found.labels.array[part], whole.labels.array[part])


def test_a_preview_in_the_air_is_that_of_the_nearest_window(session) -> None:
    found = session.preview(centre_index=(20, 78, 5))
    assert found.labels.array.any() and found.report.n_windows == 1


def test_other_recipes_look_at_the_whole_scan(thresholder, scan) -> None:
    session = thresholder(Recipe("CT", normalisation="none"), roi=(24, 24, 24))
    session.set_volume(scan)
    assert session.plan().n_windows == 72


def test_the_body_is_for_whole_scans() -> None:
    with pytest.raises(InputError, match="look_at"):
        Recipe("CT", field="click", look_at="body")
