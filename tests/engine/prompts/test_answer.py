"""The answer so far: what windows see of it and how they change it; parts, reach and focus."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.engine.prompts import parts
from napari_scd.engine.prompts.answer import Answer, Draft
from napari_scd.engine.prompts.focus import border_places, plan_focus
from napari_scd.engine.prompts.parts import drop_strays, nearest_mm, without_strays
from napari_scd.engine.prompts.reach import Reach, fading, goes_on
from napari_scd.engine.prompts.window import ScanWindow, Space
from tests.promptable_network import ball

ROI = (16, 16, 16)
SPACE = Space((60, 60, 60), (1.0, 1.0, 1.0))
ONES = np.ones(ROI, np.float32)


def draft_of(mask, low=(0, 0, 0), space=SPACE) -> Draft:
    return Draft(space, Answer(low, np.where(mask, 255, 0).astype(np.uint8), 1.0, 1.0))


def whole(draft: Draft) -> np.ndarray:
    full = np.zeros(draft.space.shape, np.uint8)
    z, y, x = (slice(a, a + n) for a, n in zip(draft.low, draft.shares.shape, strict=True))
    full[z, y, x] = draft.shares
    return full


def test_a_window_sees_the_answer_at_its_own_spacing() -> None:
    draft = draft_of(np.ones((8, 8, 8), bool), (20, 20, 20))
    fine = draft.seen_by(ScanWindow.around((24, 24, 24), 1.0, ROI, SPACE))
    assert fine.sum() == 8**3 and set(np.unique(fine)) == {0.0, 1.0}
    coarse = draft.seen_by(ScanWindow.around((24, 24, 24), 2.0, ROI, SPACE))
    assert abs(coarse.sum() - 4**3) < 1
    assert draft.seen_by(ScanWindow.around((50, 50, 50), 1.0, ROI, SPACE)).sum() == 0
    assert Draft(SPACE).seen_by(ScanWindow.around((0, 0, 0), 1.0, ROI, SPACE)).sum() == 0


@pytest.mark.parametrize("spacing_mm", [0.5, 1.0, 2.0])
def test_a_first_window_is_taken_as_it_is(spacing_mm) -> None:
    window = ScanWindow.around((30, 30, 30), spacing_mm, ROI, SPACE)
    found = np.zeros(ROI, np.float32)
    found[4:12, 5:11, 6:10] = 1.0
    draft = Draft(SPACE)
    draft.merge(window, found, draft.seen_by(window), ONES)
    np.testing.assert_allclose(draft.shares.sum() / 255, found.sum() * spacing_mm**3, rtol=0.02)
    centre = np.argwhere(whole(draft) >= 128).mean(axis=0)
    np.testing.assert_allclose(centre, window.places_of(np.argwhere(found)).mean(axis=0), atol=0.5)


def test_what_a_window_finds_as_it_was_keeps_details_it_cannot_see() -> None:
    comb = np.zeros((24, 24, 24), bool)
    comb[::2] = True
    draft = draft_of(comb, (18, 18, 18))
    before = whole(draft)
    window = ScanWindow.around((30, 30, 30), 3.0, ROI, SPACE)
    seen = draft.seen_by(window)
    draft.merge(window, seen, seen, ONES)
    np.testing.assert_array_equal(whole(draft), before)
    found = seen.copy()
    found[:, :, 8:] = 0.0
    draft.merge(window, found, seen, ONES)
    after = whole(draft)
    np.testing.assert_array_equal(after[:, :, :25], before[:, :, :25])
    assert not after[:, :, 33:].any()


def test_nothing_changes_beyond_the_reach() -> None:
    rng = np.random.default_rng(0)
    draft = draft_of(rng.random((60, 60, 60)) > 0.5)
    before = whole(draft)
    window = ScanWindow.around((30, 5, 30), 2.0, ROI, SPACE)
    reach = Reach.of((30.0, 5.0, 30.0), window)
    found = rng.random(ROI).astype(np.float32)
    draft.merge(window, found, draft.seen_by(window), reach.weights(window, SPACE))
    changed = np.argwhere(whole(draft) != before)
    away = np.abs(changed - [30, 5, 30]).max(axis=0)
    assert (away <= reach.half_mm + 1).all() and away.max() > reach.half_mm - reach.fade_mm
    low, high = reach.box(SPACE)
    assert low == (16, 0, 16) and high == (45, 20, 45)


def test_windows_fade_where_the_scan_goes_on_only() -> None:
    weights = fading(ScanWindow.around((0, 30, 30), 1.0, ROI, SPACE), SPACE)
    assert weights[0, 8, 8] == 1 and weights[-1, 8, 8] == 0
    assert weights[8, 0, 8] == weights[8, -1, 8] == 0


@pytest.mark.parametrize(("place", "open_"), [((30, 30, 30), True), ((0, 30, 30), False)])
def test_a_change_goes_on_behind_a_border_of_the_window_not_of_the_scan(place, open_) -> None:
    window = ScanWindow.around(place, 1.0, ROI, SPACE)
    change = np.zeros(ROI, bool)
    change[:4, 4:9, 4:9] = True
    assert goes_on(change, window, SPACE, None) is open_
    assert not goes_on(np.roll(change, 5, axis=0), window, SPACE, None)


def test_with_a_reach_a_trembling_border_does_not_count() -> None:
    window = ScanWindow.around((30, 30, 30), 1.0, ROI, SPACE)
    reach = Reach.of((30.0, 30.0, 30.0), window)
    sheet = np.zeros(ROI, bool)
    sheet[:, :, 8] = True
    assert not goes_on(sheet, window, SPACE, reach)
    assert goes_on(np.ones(ROI, bool), window, SPACE, reach)
    at_edge = ScanWindow.around((0, 30, 30), 1.0, ROI, SPACE)
    block = np.zeros(ROI, bool)
    block[:5, 6:10, 6:10] = True
    assert not goes_on(block, at_edge, SPACE, Reach.of((0.0, 30.0, 30.0), at_edge))


def test_an_answer_is_cut_to_its_box_and_frozen() -> None:
    draft = draft_of(np.pad(np.ones((2, 3, 4), bool), 5), (10, 11, 12))
    answer = draft.finished(2.0, 1.0)
    assert (answer.low, answer.shares.shape, answer.high) == ((15, 16, 17), (2, 3, 4), (17, 19, 21))
    with pytest.raises(ValueError, match="read-only"):
        answer.shares[:] = 0
    assert Draft(SPACE).finished(2.0, 1.0).is_empty


def test_clipping_to_a_box() -> None:
    draft = draft_of(np.ones((10, 10, 10), bool), (10, 10, 10))
    draft.clip((0, 15, 12), (60, 60, 14))
    assert draft.finished(1, 1).low == (10, 15, 12) and draft.finished(1, 1).high == (20, 20, 14)
    draft.clip((0, 0, 0), (5, 5, 5))
    assert draft.finished(1, 1).is_empty


@pytest.mark.parametrize("most", [2**21, 200])
def test_parts_that_nothing_points_at_go(monkeypatch, most) -> None:
    monkeypatch.setattr(parts, "MOST_BLOCKS", most)
    near, far = ball((60, 60, 60), (15, 15, 15), 8), ball((60, 60, 60), (44, 44, 44), 9)
    draft = draft_of(near | far)
    drop_strays(draft, [(15, 15, 15)], (3, 3, 3))
    np.testing.assert_array_equal(whole(draft) > 0, near)
    draft = draft_of(near | far)
    drop_strays(draft, [(15, 15, 15), (44, 44, 37)], (3, 3, 3))
    np.testing.assert_array_equal(whole(draft) > 0, near | far)
    draft = draft_of(near | far)
    drop_strays(draft, [], (3, 3, 3))
    np.testing.assert_array_equal(whole(draft) > 0, far), "the largest, when nothing is pointed at"


def test_parts_beyond_a_box_or_of_a_kept_mask_stay() -> None:
    near, far = ball((60, 60, 60), (15, 15, 15), 5), ball((60, 60, 60), (44, 44, 44), 5)
    draft = draft_of(near | far)
    drop_strays(draft, [(15, 15, 15)], (3, 3, 3), within=((0, 0, 0), (45, 60, 60)))
    np.testing.assert_array_equal(whole(draft) > 0, near | far)
    drop_strays(draft, [(15, 15, 15)], (3, 3, 3), within=((0, 0, 0), (60, 60, 60)), kept=draft_of(far))
    np.testing.assert_array_equal(whole(draft) > 0, near | far)
    drop_strays(draft, [(15, 15, 15)], (3, 3, 3), within=((0, 0, 0), (60, 60, 60)))
    np.testing.assert_array_equal(whole(draft) > 0, near)


def test_a_seed_beside_a_part_points_at_it() -> None:
    near, far = ball((60, 60, 60), (15, 15, 15), 5), ball((60, 60, 60), (44, 44, 44), 5)
    draft = draft_of(near | far)
    drop_strays(draft, [(15, 15, 22)], (3, 3, 3))
    np.testing.assert_array_equal(whole(draft) > 0, near)
    draft = draft_of(near | far)
    drop_strays(draft, [(30, 30, 30)], (3, 3, 3))
    assert not whole(draft).any(), "a seed far from everything points at nothing"


def test_distances_to_the_border() -> None:
    space = Space((60, 60, 60), (2.0, 1.0, 1.0))
    draft = draft_of(np.ones((10, 20, 20), bool), (20, 20, 20), space)
    assert nearest_mm(draft, (25, 30, 50), inside=True) == pytest.approx(11)
    assert nearest_mm(draft, (10, 30, 30), inside=True) == pytest.approx(20)
    assert nearest_mm(draft, (25, 30, 30), inside=True) == 0
    assert nearest_mm(draft, (25, 30, 22), inside=False) == pytest.approx(3)
    assert nearest_mm(draft, (5, 30, 30), inside=False) == 0
    assert nearest_mm(Draft(space), (5, 5, 5), inside=True) == np.inf


def test_a_small_object_gets_one_fine_window() -> None:
    space = Space((200, 200, 200), (0.5, 0.5, 0.5))
    coarse = ScanWindow.around((100, 100, 100), 4.0, ROI, space)
    border = np.argwhere(ball(space.shape, (60, 50, 50), 4, space.spacing_mm))
    focus = plan_focus(border.astype(float), coarse, space, finest_mm=0.5, most=4)
    assert len(focus.windows) == 1 and focus.n_left_out == 0
    assert 0.5 <= focus.spacing_mm < 0.8
    window = focus.windows[0]
    assert (window.index_of(border) > 1).all() and (window.index_of(border) < 14).all()


def test_nothing_is_finer_than_the_scan() -> None:
    coarse = ScanWindow.around((30, 30, 30), 1.1, ROI, SPACE)
    border = np.array([[28.0, 28, 28], [32, 32, 32]])
    assert plan_focus(border, coarse, SPACE, finest_mm=1.0, most=4).windows == ()
    assert plan_focus(np.zeros((0, 3)), coarse, SPACE, finest_mm=0.1, most=4).windows == ()


def test_a_large_border_gets_windows_side_by_side_as_far_as_they_go() -> None:
    space = Space((160, 160, 160), (1.0, 1.0, 1.0))
    coarse = ScanWindow.around((80, 80, 80), 10.0, ROI, space)
    surface = np.argwhere(ball(space.shape, (80, 80, 80), 70) & ~ball(space.shape, (80, 80, 80), 66))
    every = plan_focus(surface.astype(float), coarse, space, finest_mm=1.0, most=100)
    assert every.n_left_out == 0 and len(set(every.windows)) == len(every.windows) > 4
    indices = [window.index_of(surface.astype(float)) for window in every.windows]
    covered = np.any([((i >= 0) & (i <= 15)).all(axis=1) for i in indices], axis=0)
    assert covered.mean() > 0.98
    few = plan_focus(surface.astype(float), coarse, space, finest_mm=1.0, most=3)
    assert len(few.windows) == 3 and few.n_left_out > 0
    assert few.spacing_mm == pytest.approx(8.0), "somewhat coarser, so that fewer are needed"


def test_only_new_border_is_looked_at() -> None:
    window = ScanWindow.around((30, 30, 30), 1.0, ROI, SPACE)
    before, after = np.zeros(ROI, np.float32), np.zeros(ROI, np.float32)
    before[2:8, 2:14, 2:14] = 1
    after[2:8, 2:14, 2:14] = 1
    after[8:12, 6:9, 6:9] = 1
    before[8, 2, 2], after[8, 2, 2] = 0.49, 0.51
    places = border_places(after, before, window)
    assert (window.index_of(places)[:, 0] >= 6).all() and len(places)
    everything = border_places(after, np.zeros(ROI, np.float32), window)
    assert len(everything) > 3 * len(places)
    gone = border_places(np.zeros(ROI, np.float32), after - before, window)
    assert len(gone) == 4 * 3 * 3


def test_a_window_keeps_the_parts_that_are_pointed_at_or_were_there() -> None:
    window = ScanWindow.around((30, 30, 30), 1.0, ROI, SPACE)
    found = np.full(ROI, 0.1, np.float32)
    found[2:5, 2:5, 2:5] = found[10:15, 10:15, 10:15] = 0.9
    nothing = np.zeros(ROI, np.float32)
    seed = tuple(np.rint(window.places_of(np.array([[3, 3, 6]]))[0]).astype(int).tolist())
    pointed = without_strays(found, nothing, window, [seed])
    assert pointed[3, 3, 3] > 0.5 and not pointed[8:].any()
    assert without_strays(found, nothing, window, [])[12, 12, 12] > 0.5, "the largest"
    assert not without_strays(found, nothing, window, [(0, 0, 0)]).any()
    seen = nothing.copy()
    seen[12:14, 12:14, 12:14] = 1.0
    both = without_strays(found, seen, window, [seed])
    np.testing.assert_array_equal(both, found)
    one = without_strays(found, seen, window, [])
    assert one[12, 12, 12] > 0.5 and one[3, 3, 3] == 0 and one[0, 0, 0] == found[0, 0, 0]
