"""Prompts answered: zoom, focus, locality, undo, memory, tokens, report."""

from __future__ import annotations

import json
import math
import tracemalloc

import numpy as np
import pytest

from napari_scd.engine import CancelToken, PreviousMask, Prompts, Request, Session
from napari_scd.engine.prompts import OnePlane, OneValue, PointOutside, TakesNoPrompts
from napari_scd.errors import InputError, NeedsPoint
from napari_scd.model import EXCLUDE, INCLUDE, PREVIOUS
from napari_scd.volume import LabelTable, Recipe, Volume
from tests.promptable_network import Likeness, ball, dice, make_promptable, scan

EXACT = Request(precision="float32")
SMALL = ball((160, 160, 160), (50, 90, 80), 12)
LARGE = ball((160, 160, 160), (80, 80, 80), 70)


def ask(session: Session, prompts: Prompts, **options):
    return session.prompt(prompts, EXACT, **options)


def test_a_small_object_is_looked_at_from_nearer_and_comes_back_exactly() -> None:
    session = make_promptable(scan(SMALL))
    result = ask(session, Prompts().include((50, 90, 80)))
    np.testing.assert_array_equal(result.labels.array == 1, SMALL)
    notes = result.report.prompts
    first, nearer, finest = notes.spacings_mm
    assert notes.n_windows == (3,) and (first, finest) == (3.75, 1.0)
    assert first > nearer > finest
    assert (session._model.network.windows[1][PREVIOUS] == 0).all(), "anew, not from the first answer"
    assert notes.reach_mm is None and notes.n_left_out == 0
    assert result.complete and result.report.warnings == ()
    assert result.report.voxels == {"background": 160**3 - SMALL.sum(), "object": SMALL.sum()}
    assert result.report.volumes_ml == {"object": pytest.approx(SMALL.sum() / 1000, abs=1e-3)}
    z, y, x = result.region
    assert not np.delete(SMALL, np.s_[z], axis=0).any() and SMALL[z, y, x].sum() == SMALL.sum()


def test_an_object_of_middling_size_takes_two_windows() -> None:
    mask = ball((160, 160, 160), (80, 80, 80), 22)
    result = ask(make_promptable(scan(mask)), Prompts().include((80, 85, 80)))
    assert result.report.prompts.n_windows == (2,)
    assert result.report.prompts.spacings_mm == (3.75, pytest.approx(1.3 * 45 / 32, abs=0.15))
    assert dice(result.labels.array == 1, mask) > 0.97


def test_the_first_look_at_a_trunk_is_the_mean_of_two_windows() -> None:
    mask = ball((160, 160, 160), (80, 80, 80), 22)
    one = make_promptable(scan(mask))
    two = make_promptable(scan(mask, spacing_mm=(2.0, 2.0, 2.0)))
    click = Prompts().include((80, 85, 80))
    assert ask(one, click).report.prompts.spacings_mm[0] == 3.75, "160 mm: a head"
    result = ask(two, click)
    assert result.report.prompts.spacings_mm[:2] == (7.875, 5.625), "1.4 times as wide, then 180 mm"
    assert dice(result.labels.array == 1, mask) > 0.97
    network = two._model.network
    n_before = len(network.windows)
    further = ask(two, click.exclude((80, 102, 80)))
    assert len(network.windows) - n_before == further.report.prompts.n_windows[1]
    assert max(further.report.prompts.spacings_mm) < 7.875, "a correction has an answer to go by"


def test_windows_zoom_out_while_the_object_goes_on() -> None:
    session = make_promptable(scan(LARGE))
    result = ask(session, Prompts().include((70, 100, 80)))
    assert result.report.prompts.spacings_mm[:2] == (3.75, 5.0), "the whole scan at last"
    assert dice(result.labels.array == 1, LARGE) > 0.985
    assert result.report.prompts.n_left_out > 0
    assert "as coarse as 5.0 mm" in result.report.warnings[0]
    assert result.report.n_windows_planned == result.report.n_windows + result.report.prompts.n_left_out


def test_an_object_at_the_edge_of_the_scan_needs_no_zoom_but_a_word() -> None:
    mask = ball((160, 160, 160), (0, 80, 80), 30)
    result = ask(make_promptable(scan(mask)), Prompts().include((4, 80, 80)))
    assert result.report.prompts.spacings_mm[0] == 3.75
    assert result.report.prompts.spacings_mm[1] < 3.75
    assert dice(result.labels.array == 1, mask) > 0.97
    assert any("reaches the edge of the scan" in sentence for sentence in result.report.warnings)


def test_a_scan_smaller_than_the_first_window_is_seen_whole() -> None:
    mask = ball((40, 50, 36), (20, 25, 18), 9)
    session = make_promptable(scan(mask))
    result = ask(session, Prompts().include((20, 25, 18)))
    assert result.report.prompts.spacings_mm[0] == pytest.approx(50 / 32, abs=1e-3)
    np.testing.assert_array_equal(result.labels.array == 1, mask)


def test_only_what_is_clicked_is_kept() -> None:
    near, far = ball((80, 80, 80), (20, 40, 40), 10), ball((80, 80, 80), (60, 40, 40), 10)
    session = make_promptable(scan(near | far))
    one = ask(session, Prompts().include((20, 40, 40)))
    np.testing.assert_array_equal(one.labels.array == 1, near)
    both = ask(session, Prompts().include((20, 40, 40)).include((60, 40, 40)))
    assert dice(both.labels.array == 1, near | far) > 0.99


def two_lobes():
    """A body with a lobe that does not belong to it, in a large scan with much else far away."""
    body = ball((150, 150, 200), (75, 75, 50), 16)
    lobe = ball((150, 150, 200), (75, 75, 74), 10)
    return body, lobe


def test_an_exclude_click_takes_away_what_is_near_it_only() -> None:
    body, lobe = two_lobes()
    session = make_promptable(scan(body | lobe))
    prompts = Prompts().include((75, 75, 45))
    before = ask(session, prompts)
    assert dice(before.labels.array == 1, body | lobe) > 0.95
    n_asked = session._model.network.n_asked
    after = ask(session, prompts.exclude((75, 75, 76)))
    notes = after.report.prompts
    assert notes.n_windows[1] == session._model.network.n_asked - n_asked <= 3
    gone = (before.labels.array == 1) & (after.labels.array == 0)
    assert gone[75, 75, 76] and gone.sum() > 0.5 * lobe.sum()
    away = np.abs(np.argwhere(before.labels.array != after.labels.array) - [75, 75, 76]).max(axis=1)
    assert away.max() <= notes.reach_mm


def test_voxels_beyond_the_reach_of_a_new_prompt_stay_bit_by_bit() -> None:
    """The image changes between the prompts, so that every window would find everything else."""
    rng = np.random.default_rng(0)
    mask = ball((150, 150, 150), (75, 75, 75), 60)
    volume = scan(mask)
    session = make_promptable(volume)
    prompts = Prompts().include((75, 75, 75))
    request = Request(precision="float32", probability=True)
    before = session.prompt(prompts, request)
    volume.array[...] = rng.integers(0, 2, volume.array.shape)
    session._prompt_memory.scan._images.clear()
    for later in (
        prompts.include((75, 75, 15)),
        prompts.exclude((75, 75, 130)),
        prompts.exclude((75, 75, 90)),
    ):
        after = session.prompt(later, request)
        notes = after.report.prompts
        away_mm = np.abs(np.indices(mask.shape) - np.reshape(later.steps[-1].voxels[0], (3, 1, 1, 1)))
        far = away_mm.max(axis=0) > notes.reach_mm
        assert far.any() and notes.reach_mm < 75
        assert (before.probability.array[0] != after.probability.array[0]).any()
        np.testing.assert_array_equal(before.probability.array[0][far], after.probability.array[0][far])


def test_taking_a_prompt_back_costs_nothing_and_gives_the_former_answer() -> None:
    body, lobe = two_lobes()
    session = make_promptable(scan(body | lobe))
    first = Prompts().include((75, 75, 45))
    second = first.exclude((75, 75, 76))
    one, two = ask(session, first), ask(session, second)
    n_asked = session._model.network.n_asked
    again = ask(session, second.undone())
    assert session._model.network.n_asked == n_asked
    np.testing.assert_array_equal(again.labels.array, one.labels.array)
    np.testing.assert_array_equal(again.tokens.array, one.tokens.array)
    assert again.report.prompts == one.report.prompts
    np.testing.assert_array_equal(ask(session, second).labels.array, two.labels.array)
    assert session._model.network.n_asked == n_asked


def test_prompts_at_once_give_the_answer_of_prompts_one_by_one() -> None:
    body, lobe = two_lobes()
    prompts = [Prompts().include((75, 75, 45))]
    prompts.append(prompts[-1].exclude((75, 75, 76)))
    prompts.append(prompts[-1].include((75, 70, 60), (75, 71, 60), (75, 72, 60)))
    one_by_one = make_promptable(scan(body | lobe))
    for some in prompts:
        last = ask(one_by_one, some)
    at_once = ask(make_promptable(scan(body | lobe)), prompts[-1])
    np.testing.assert_array_equal(at_once.labels.array, last.labels.array)
    np.testing.assert_array_equal(at_once.tokens.array, last.tokens.array)
    assert at_once.report.prompts == last.report.prompts


def test_answers_are_remembered_by_request_and_forgotten_with_the_volume() -> None:
    session = make_promptable(scan(SMALL))
    prompts = Prompts().include((50, 90, 80))
    ask(session, prompts)
    n_asked = session._model.network.n_asked
    ask(session, prompts)
    assert session._model.network.n_asked == n_asked
    other = session.prompt(prompts, Request(precision="float32", keep=0.3))
    assert session._model.network.n_asked == 2 * n_asked
    assert other.report.keep == (0.3,)
    session._model.network.chooser = "random"
    ask(session, prompts)
    assert session._model.network.n_asked == 3 * n_asked
    session.set_volume(session.volume)
    ask(session, prompts)
    assert session._model.network.n_asked == 4 * n_asked


def test_windows_of_an_answer_that_was_forgotten_are_still_known() -> None:
    session = make_promptable(scan(SMALL))
    prompts = Prompts().include((50, 90, 80))
    first = ask(session, prompts)
    session._prompt_memory.answers.clear()
    again = ask(session, prompts)
    assert session._model.network.n_asked == 3
    np.testing.assert_array_equal(first.labels.array, again.labels.array)


def test_the_network_sees_prompts_and_the_answer_so_far() -> None:
    body, lobe = two_lobes()
    session = make_promptable(scan(body | lobe))
    prompts = Prompts().include((75, 75, 45)).exclude((75, 75, 76))
    ask(session, prompts)
    first, last = session._model.network.windows[0], session._model.network.windows[-1]
    assert (first[PREVIOUS] == 0).all() and (first[EXCLUDE] == 0).all()
    assert (first[INCLUDE] == 1).sum() == 1
    assert (last[EXCLUDE] == 1).sum() == 1 and last[PREVIOUS].max() == 1


def test_an_exclude_click_before_anything_is_there_waits() -> None:
    body, lobe = two_lobes()
    session = make_promptable(scan(body | lobe))
    result = ask(session, Prompts().exclude((75, 75, 76)).include((75, 75, 45)))
    assert result.report.prompts.n_windows[0] == 0
    assert result.labels.array[75, 75, 76] == 0
    assert (session._model.network.windows[0][EXCLUDE] == 1).any()


def test_nothing_found_is_said_and_corrected_by_the_next_click() -> None:
    session = make_promptable(scan(SMALL))
    session._model.network._logits = lambda window: -torch_ones(window)
    nothing = ask(session, Prompts().include((50, 90, 80)))
    assert not nothing.labels.array.any() and nothing.region == (slice(0),) * 3
    assert nothing.report.warnings == ("Nothing was found at the prompts.",)
    del session._model.network._logits
    found = ask(session, Prompts().include((50, 90, 80)).include((52, 90, 80)))
    np.testing.assert_array_equal(found.labels.array == 1, SMALL)


def torch_ones(window):
    return window[0] * 0 + 20.0


@pytest.mark.parametrize("spacing_mm", [(7.7, 1.0, 1.0), (1.0, 0.6, 3.0)])
def test_thick_slices(spacing_mm) -> None:
    shape = tuple(math.ceil(150 / mm) for mm in spacing_mm)
    mask = ball(shape, (70, 80, 60), 25, spacing_mm)
    session = make_promptable(scan(mask, spacing_mm=spacing_mm))
    seed = [round(at / mm) for at, mm in zip((70, 80, 60), spacing_mm, strict=True)]
    result = ask(session, Prompts().include(seed))
    assert dice(result.labels.array == 1, mask) > 0.96


def turned(volume: Volume) -> Volume:
    """The same scan with permuted and flipped axes, tilted by a few degrees."""
    array = volume.array.transpose(2, 0, 1)[::-1]
    turn = np.zeros((4, 4))
    turn[2, 0], turn[2, 3] = -1, volume.array.shape[2] - 1
    turn[0, 1] = turn[1, 2] = turn[3, 3] = 1
    c, s = math.cos(0.1), math.sin(0.1)
    tilt = np.array([[c, -s, 0, 5], [s, c, 0, -7], [0, 0, 1, 3], [0, 0, 0, 1.0]])
    return Volume(array, tilt @ volume.affine @ turn)


def test_axes_of_any_order_and_a_tilt_change_nothing() -> None:
    body, lobe = two_lobes()
    volume = scan(body | lobe)
    plain = ask(make_promptable(volume), Prompts().include((75, 75, 45)).exclude((75, 75, 76)))
    other = turned(volume)
    voxels = [(volume.array.shape[2] - 1 - x, z, y) for z, y, x in ((75, 75, 45), (75, 75, 76))]
    result = ask(make_promptable(other), Prompts().include(voxels[0]).exclude(voxels[1]))
    np.testing.assert_array_equal(result.labels.array[::-1].transpose(1, 2, 0), plain.labels.array)
    np.testing.assert_array_equal(result.tokens.array, plain.tokens.array)
    z, y, x = result.region
    assert result.labels.array[z, y, x].sum() == result.labels.array.sum()


def test_a_channel_axis_of_one_and_arrays_on_disk(tmp_path) -> None:
    plain = ask(make_promptable(scan(SMALL)), Prompts().include((50, 90, 80)))
    np.save(tmp_path / "scan.npy", scan(SMALL).array)
    mapped = Volume(np.load(tmp_path / "scan.npy", mmap_mode="r"), np.eye(4))
    for volume in (mapped, Volume(scan(SMALL).array[None], np.eye(4))):
        result = ask(make_promptable(volume), Prompts().include((50, 90, 80)))
        np.testing.assert_array_equal(result.labels.array, plain.labels.array)


def test_a_box_limits_what_is_found() -> None:
    body, lobe = two_lobes()
    session = make_promptable(scan(body | lobe))
    boxed = Prompts().within((55, 55, 30), (95, 95, 64))
    result = ask(session, boxed)
    expected = (body | lobe) & (np.arange(200) <= 64)
    assert dice(result.labels.array == 1, expected) > 0.96
    assert not result.labels.array[:, :, 65:].any()
    assert (session._model.network.windows[0][PREVIOUS] == 0.5).any()
    prompts = Prompts().include((75, 75, 45))
    whole = ask(session, prompts)
    clipped = ask(session, prompts.within((0, 0, 0), (149, 149, 64)))
    np.testing.assert_array_equal(clipped.labels.array, np.where(np.arange(200) <= 64, whole.labels.array, 0))
    assert clipped.report.prompts.n_windows == (*whole.report.prompts.n_windows, 0)


def test_a_previous_mask_is_corrected() -> None:
    body, lobe = two_lobes()
    far = ball((150, 150, 200), (30, 30, 160), 8)
    volume = scan(body | lobe | far)
    labels = volume.with_array((body | far).astype(np.uint8) * 7)
    session = make_promptable(volume)
    previous = PreviousMask.of(labels, 7)
    added = ask(session, Prompts(previous=previous).include((75, 75, 76)))
    assert dice(added.labels.array == 1, body | lobe | far) > 0.97
    np.testing.assert_array_equal(added.labels.array[:, :, 140:], far[:, :, 140:]), "far from the prompt"
    assert added.report.prompts.reach_mm < 80
    taken = ask(session, Prompts(previous=previous).exclude((75, 75, 40)))
    assert taken.labels.array[75, 75, 40] == 0
    assert taken.report.to_dict()["prompts"]["prompts"]["previous"] == {"voxels": previous.n_voxels}


def test_a_previous_mask_finds_its_place_on_turned_axes() -> None:
    body, _ = two_lobes()
    other = turned(scan(body))
    previous = PreviousMask.of(other.with_array((other.array > 0).astype(np.uint8)))
    result = ask(make_promptable(other), Prompts(previous=previous).include((154, 75, 75)))
    np.testing.assert_array_equal(result.labels.array == 1, other.array > 0)


def test_a_stroke_is_one_prompt_and_has_room_in_its_window() -> None:
    mask = np.zeros((60, 60, 200), bool)
    mask[20:40, 20:40, 10:190] = True
    stroke = [(30, 30, x) for x in range(20, 180, 2)]
    session = make_promptable(scan(mask))
    result = ask(session, Prompts().include(*stroke))
    assert len(result.report.prompts.n_windows) == 1
    assert result.report.prompts.spacings_mm[0] > 1.2 * 160 / 32
    assert dice(result.labels.array == 1, mask) > 0.88
    assert (session._model.network.windows[0][INCLUDE] == 1).sum() > 10


def test_tokens_lie_where_the_windows_were() -> None:
    session = make_promptable(scan(SMALL))
    result = ask(session, Prompts().include((50, 90, 80)))
    cell_mm = result.tokens.spacing_mm
    assert cell_mm == pytest.approx((8.0, 8.0, 8.0)), "those of the finest window"
    assert result.tokens.array.shape == result.scores.array.shape == result.stage_scores.shape[1:]
    assert set(np.unique(result.tokens.array)) == {1, 2}
    low = result.tokens.affine[:3, 3] - 4
    high = low + np.asarray(result.tokens.array.shape) * 8
    assert (low >= -0.5 - 1e-6).all() and (high < 160 + 8).all()
    lit = np.argwhere(result.tokens.array == 2) @ np.diag(cell_mm) + result.tokens.affine[:3, 3]
    assert np.linalg.norm(lit.mean(axis=0) - [50, 90, 80]) < 12


def test_probability_and_masks_are_given_on_request() -> None:
    session = make_promptable(scan(SMALL))
    request = Request(precision="float32", probability=True, masks=True)
    result = session.prompt(Prompts().include((50, 90, 80)), request)
    assert result.probability.array.shape == result.masks.array.shape == (1, 160, 160, 160)
    np.testing.assert_array_equal(result.masks.array[0], result.labels.array == 1)
    np.testing.assert_array_equal(result.probability.array[0] > 0.5, result.labels.array == 1)
    assert ask(session, Prompts().include((50, 90, 80))).probability is None


def test_the_report_says_what_was_asked() -> None:
    session = make_promptable(scan(SMALL))
    prompts = Prompts().include((50, 90, 80)).exclude((10, 10, 10), (10, 10, 11))
    heard = []
    report = ask(session, prompts, progress=heard.append).report
    written = json.loads(json.dumps(report.to_dict()))
    assert Prompts.from_dict(written["prompts"]["prompts"]) == prompts
    assert written["prompts"]["n_windows"] == list(report.prompts.n_windows)
    assert written["n_windows"] == sum(written["prompts"]["n_windows"])
    assert written["macs"] == 700 * written["n_windows"] or written["macs"] == 1000 * written["n_windows"]
    assert [progress.done for progress in heard] == sorted(progress.done for progress in heard)
    assert heard[0].done == 0 and heard[-1].done == heard[-1].total == report.n_windows


def test_a_cancel_keeps_what_was_finished() -> None:
    body, lobe = two_lobes()
    session = make_promptable(scan(body | lobe))
    first = Prompts().include((75, 75, 45))
    before = ask(session, first)
    token = CancelToken()
    token.cancel()
    stopped = ask(session, first.exclude((75, 75, 76)), cancel=token)
    assert not stopped.complete and not stopped.report.complete
    np.testing.assert_array_equal(stopped.labels.array, before.labels.array)
    finished = ask(session, first.exclude((75, 75, 76)))
    assert finished.complete and finished.labels.array[75, 75, 76] == 0


def test_a_cancel_between_windows() -> None:
    session = make_promptable(scan(SMALL))
    token = CancelToken()
    stopped = ask(
        session,
        Prompts().include((50, 90, 80)),
        cancel=token,
        progress=lambda progress: token.cancel() if progress.done == 1 else None,
    )
    assert not stopped.complete and stopped.report.prompts.n_windows == (1,)
    assert dice(stopped.labels.array == 1, SMALL) > 0.7, "the coarse answer"
    again = ask(session, Prompts().include((50, 90, 80)))
    assert session._model.network.n_asked == 3, "the coarse window was remembered"
    np.testing.assert_array_equal(again.labels.array == 1, SMALL)


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.full((10, 20, 20), 5, np.int16), OneValue),
        (np.arange(400.0).reshape(1, 20, 20), OnePlane),
    ],
)
def test_scans_without_anything_to_segment(array, kind) -> None:
    session = make_promptable(Volume(array, np.eye(4)))
    with pytest.raises(kind):
        ask(session, Prompts().include((0, 3, 3)))


def test_colours_are_refused() -> None:
    with pytest.raises(InputError, match="3 channels"):
        make_promptable(Volume(np.zeros((3, 8, 8, 8), np.uint8), np.eye(4)))


def test_bad_prompts_lose_nothing() -> None:
    session = make_promptable(scan(SMALL))
    good = Prompts().include((50, 90, 80))
    before = ask(session, good)
    with pytest.raises(PointOutside):
        ask(session, good.include((500, 0, 0)))
    n_asked = session._model.network.n_asked
    np.testing.assert_array_equal(ask(session, good).labels.array, before.labels.array)
    assert session._model.network.n_asked == n_asked


def test_models_of_other_kinds_take_no_prompts_and_promptable_ones_nothing_else(thresholder) -> None:
    session = thresholder()
    with pytest.raises(InputError, match="No volume yet"):
        ask(session, Prompts().include((0, 0, 0)))
    session.set_volume(Volume(np.arange(1000.0).reshape(10, 10, 10), np.eye(4)))
    with pytest.raises(TakesNoPrompts, match="does not take prompts"):
        ask(session, Prompts().include((0, 0, 0)))
    promptable = make_promptable(scan(SMALL))
    for wrong in (
        promptable.segment,
        lambda: promptable.click((1, 1, 1)),
        lambda: promptable.preview(centre_index=(1, 1, 1)),
    ):
        with pytest.raises(NeedsPoint):
            wrong()
    assert promptable.plan().n_windows == 1


def test_a_real_network_with_random_weights(tiny_network) -> None:
    network = tiny_network(roi=(32, 32, 32), patch=8, in_channels=4, out_channels=1, decoder="half")
    recipe = Recipe(
        "any", clip_percentiles=(0.5, 99.5), normalise_over="window", activation="sigmoid", field="prompt"
    )
    session = Session(network, recipe, LabelTable.from_names(["object"]))
    rng = np.random.default_rng(0)
    session.set_volume(Volume(rng.normal(size=(50, 60, 70)).astype(np.float32), np.diag([2.0, 1, 1, 1])))
    prompts = Prompts().include((25, 30, 35)).exclude((25, 30, 45))
    first = session.prompt(prompts, Request(keep=0.5))
    session.set_volume(session.volume)
    again = session.prompt(prompts, Request(keep=0.5))
    np.testing.assert_array_equal(first.labels.array, again.labels.array)
    assert first.stage_scores.shape[0] == 2 and np.isfinite(first.scores.array).any()
    assert first.report.tokens == (64, 32, 16)


def test_a_scan_is_never_copied_in_single_precision() -> None:
    array = np.zeros((140, 300, 300), np.int16)
    array[ball(array.shape, (60, 150, 150), 55)] = 1
    volume = Volume(array, np.eye(4))
    tracemalloc.start()
    session = make_promptable(volume, roi=(32, 32, 32))
    prompts = Prompts()
    for place in ((60, 150, 150), (60, 160, 150), (60, 150, 190)):
        prompts = prompts.include(place)
        result = ask(session, prompts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.labels.array[60, 150, 150] == 1
    assert peak < 3 * array.size, "labels, and little else; single precision would take 4"


def test_memory_of_one_likeness_is_not_shared() -> None:
    one, two = make_promptable(scan(SMALL)), make_promptable(scan(LARGE))
    ask(one, Prompts().include((50, 90, 80)))
    assert isinstance(two._model.network, Likeness) and two._model.network.n_asked == 0
    assert dice(ask(two, Prompts().include((50, 90, 80))).labels.array == 1, LARGE) > 0.98
