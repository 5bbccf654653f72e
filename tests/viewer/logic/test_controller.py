from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_scd.errors import OutOfMemory
from napari_scd.viewer.logic.failures import BadVolume
from napari_scd.viewer.state import State

from ..conftest import blob, make_desk

BRIGHT = (10, 15, 19)
DARK = (1, 1, 1)


def names(desk: Any) -> list[str]:
    return [layer.name for layer in desk.viewer.layers]


def ours(desk: Any, kind: str) -> Any:
    return desk.control.store.ours(desk.image.unique_id, kind)


def segment(desk: Any) -> None:
    desk.control.segment()
    desk.queue.run_all()


def click(desk: Any, index: tuple[int, int, int], **options: Any) -> None:
    desk.control.click(index, **options)
    desk.queue.run_all()


def test_ready_says_what_a_run_costs(desk: Any) -> None:
    assert desk.control.status.state is State.READY
    assert desk.control.status.sentence == "32x28x24 at 1x1x2 mm: 8 windows, about 11 s on cpu."
    assert desk.backend.calls == ["preload", "prepare", "warm"]


def test_the_same_image_is_prepared_once(desk: Any) -> None:
    for _ in range(3):
        desk.control.source.refresh()
        desk.queue.run_all()
    assert desk.backend.calls.count("prepare") == 1


def test_preloading_and_loading_come_first(model: Any) -> None:
    desk = make_desk(model)
    desk.choices.model = "another"
    desk.control.source.refresh()
    assert desk.control.status.sentence == "Loading another and preparing the volume."
    desk.control.source._preloaded = False
    desk.control.source.preload()
    assert desk.control.status.state is State.PRELOADING
    desk.queue.begin()
    desk.queue.finish()
    assert desk.control.status.state is State.LOADING


def test_a_run_shows_preview_tokens_and_score(desk: Any) -> None:
    segment(desk)
    assert names(desk) == ["ct", "ct [SCD tokens]", "ct [SCD score]", "ct [SCD preview]"]
    assert desk.control.status.state is State.DONE
    assert desk.control.status.sentence.startswith("4 labels, 2 found in 1.6 s")
    assert not ours(desk, "tokens").visible and not ours(desk, "score").visible
    assert ours(desk, "preview").contour == 1, "outlines, so that the scan stays readable"
    assert ours(desk, "preview").data.max() == 2
    assert list(ours(desk, "preview").features["voxels"][:2]) == [
        int((ours(desk, "preview").data == label).sum()) for label in (1, 2)
    ]


def test_selection_and_image_stay_as_they_were(desk: Any) -> None:
    before = (desk.image.data.copy(), desk.image.scale.copy(), desk.image.visible)
    segment(desk)
    assert desk.viewer.layers.selection.active is desk.image
    assert np.array_equal(before[0], desk.image.data) and np.array_equal(before[1], desk.image.scale)


def test_progress_is_told_while_running(desk: Any) -> None:
    told: list[str] = []
    desk.control.state.status_changed.connect(lambda status: told.append(status.sentence))
    segment(desk)
    assert "Window 4 of 8, 2 s left." in told


def test_a_second_run_brings_the_same_layers_up_to_date(desk: Any) -> None:
    segment(desk)
    uid = ours(desk, "preview").unique_id
    ours(desk, "preview").opacity = 0.3
    segment(desk)
    assert ours(desk, "preview").unique_id == uid and len(desk.viewer.layers) == 4
    assert ours(desk, "preview").opacity == 0.3, "what the user changed stays"


def test_cancel_keeps_what_was_found(desk: Any) -> None:
    desk.control.segment()
    desk.queue.begin()
    desk.control.cancel()
    assert desk.control.status.sentence == "Stopping after this window."
    desk.queue.finish()
    assert desk.control.status.state is State.CANCELLED
    assert desk.control.status.sentence.startswith("Stopped after 4 of 8 windows")
    assert ours(desk, "preview") is not None


def test_the_visible_window_of_a_run_comes_first(desk: Any) -> None:
    desk.backend.ahead = True
    told: list[Any] = []
    desk.control.state.result_changed.connect(
        lambda result: told.append((result.complete, desk.control.status.state))
    )
    segment(desk)
    assert told == [(False, State.RUNNING), (False, State.RUNNING), (True, State.RUNNING)]
    assert desk.control.status.state is State.DONE


def test_a_run_cancelled_after_the_visible_window_keeps_it(desk: Any) -> None:
    desk.backend.ahead = True
    desk.control.segment()
    work = desk.queue.begin()
    from napari_scd.viewer.logic.backend import PartialAnswer

    from ..conftest import fake_segmentation

    window = fake_segmentation(desk.control.view.volume(), 0.5)
    window.report.n_windows = 1
    work.progressed(PartialAnswer(window))
    nothing = fake_segmentation(desk.control.view.volume(), 0.5, complete=False)
    nothing.report.n_windows = 0
    desk.control.cancel()
    work.done(nothing)
    assert desk.control.status.sentence == "Stopped after 1 of 8 windows: the partial result is a preview."
    assert ours(desk, "preview").data.any()


def test_a_run_stopped_half_way_keeps_the_slice_on_screen(desk: Any) -> None:
    from napari_scd.viewer.logic.backend import PartialAnswer

    from ..conftest import fake_segmentation

    control, volume = desk.control, desk.control.view.volume()
    control.segment()
    work = desk.queue.begin()
    last = (slice(volume.array.shape[0] - 1, None), slice(None), slice(None))
    work.progressed(PartialAnswer(fake_segmentation(volume, 0.5, region=last)))
    shown = control.result.labels[last].copy()
    half = fake_segmentation(volume, 0.5, complete=False, region=(slice(0, 4), slice(None), slice(None)))
    half.report.n_windows = 4
    control.cancel()
    work.done(half)
    assert control.status.state is State.CANCELLED and shown.any()
    np.testing.assert_array_equal(control.result.labels[last], shown)
    np.testing.assert_array_equal(control.result.labels[:4], half.labels.array[:4])
    assert control.result.found()


def test_the_slice_on_screen_is_found_in_any_layer(desk: Any) -> None:
    store, viewer = desk.control.store, desk.viewer
    view = desk.control.view
    z, y, x = view.shape
    at = store.screen.centre_index(view)
    assert store.screen.slice_on_screen(view) == (slice(at[0], at[0] + 1), slice(0, y), slice(0, x))
    viewer.dims.order = (1, 0, 2)
    at = store.screen.centre_index(view)
    assert store.screen.slice_on_screen(view) == (slice(0, z), slice(at[1], at[1] + 1), slice(0, x))
    layer = store.layer(view.uid)
    layer.rotate = 30
    assert store.screen.slice_on_screen(view) is None, "it runs across"
    viewer.dims.ndisplay = 3
    assert store.screen.slice_on_screen(view) is None


def test_an_error_is_said_and_the_next_run_works(desk: Any) -> None:
    desk.backend.fail = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    segment(desk)
    assert desk.control.status.state is State.ERROR and "mat1" in desk.control.status.sentence
    assert desk.control.status.remedy.action == "retry"
    desk.control.remedy("retry")
    desk.queue.run_all()
    assert desk.control.status.state is State.DONE


def test_out_of_memory_offers_the_cpu(desk: Any) -> None:
    desk.choices.device = "cuda"
    desk.backend.fail = OutOfMemory("cuda")
    segment(desk)
    desk.control.remedy(desk.control.status.remedy.action)
    assert desk.choices.device == "cpu"
    desk.queue.run_all()
    assert desk.control.status.state is State.DONE


def test_a_bad_volume_is_said_when_it_is_prepared(model: Any) -> None:
    desk = make_desk(model)
    desk.backend.fail = BadVolume("All voxels are NaN: open a volume with values.")
    desk.image.data = np.full((8, 8, 8), np.nan)
    desk.control.source.refresh()
    desk.queue.run_all()
    assert desk.control.status.sentence == "All voxels are NaN: open a volume with values."
    assert desk.control.status.state is State.BAD_INPUT


def test_an_answer_for_a_deleted_image_is_dropped(desk: Any) -> None:
    desk.control.segment()
    desk.queue.begin()
    desk.viewer.layers.remove(desk.image)
    desk.control.source.refresh()
    desk.queue.finish()
    assert desk.control.status.sentence == "Open a 3D volume, or File > Open Sample > SCD."
    assert names(desk) == []


def test_a_renamed_image_is_still_the_same(desk: Any) -> None:
    desk.control.segment()
    desk.queue.begin()
    desk.image.name = "renamed"
    desk.control.source.refresh()
    desk.queue.finish()
    assert desk.control.status.state is State.DONE


def test_a_moved_image_makes_the_result_stale(desk: Any) -> None:
    segment(desk)
    desk.image.translate = (10, 0, 0)
    desk.control.source.refresh()
    desk.queue.run_all()
    assert desk.control.status.state is State.STALE
    assert desk.control.status.sentence.startswith("The image changed since this result")
    segment(desk)
    assert np.allclose(ours(desk, "preview").translate, (10, 0, 0))


def test_no_model_is_said_with_a_way_out(model: Any) -> None:
    desk = make_desk(model)
    desk.choices.model = None
    desk.control.source.refresh()
    assert desk.control.status.remedy.action == "choose_model"


def test_warnings_stand_below_the_status(model: Any) -> None:
    desk = make_desk(model, scale=(1, 1, 1), units=None)
    desk.choices.world_axes = None
    desk.control.source.refresh()
    desk.queue.run_all()
    states = [warning[0] for warning in desk.control.status.warnings]
    assert states == [State.WARN_GEOMETRY, State.WARN_ORIENTATION]


# -- clicks


def test_a_click_previews_a_structure(desk: Any) -> None:
    click(desk, BRIGHT)
    assert desk.control.status.state is State.PREVIEW
    assert desk.control.status.sentence.startswith("Preview: hippocampus,")
    points = ours(desk, "clicks")
    assert points.data.tolist() == [list(BRIGHT)] and list(points.features["label"]) == ["hippocampus"]


def test_clicking_it_again_takes_it_away(desk: Any) -> None:
    click(desk, BRIGHT)
    click(desk, BRIGHT)
    assert not ours(desk, "preview").data.any() and len(ours(desk, "clicks").data) == 0
    assert desk.backend.calls.count("click") == 1, "no window was computed for it"


def test_nothing_found_is_said(desk: Any) -> None:
    click(desk, DARK)
    assert desk.control.status.sentence == (
        "fake knows 4 structures; nothing found here (most likely: liver 0.31). "
        "A promptable model would segment it."
    )
    assert ours(desk, "tokens").data.any() and not ours(desk, "preview").data.any()


def test_two_clicks_add_up(desk: Any) -> None:
    click(desk, BRIGHT)
    once = int((ours(desk, "preview").data > 0).sum())
    click(desk, (10, 15, 26))
    assert (ours(desk, "preview").data > 0).sum() > once and len(ours(desk, "clicks").data) == 2


def test_a_click_model_does_not_segment_volumes(model: Any) -> None:
    desk = make_desk(model, field="click")
    assert not desk.control.state.can_segment
    assert "press K, then click a structure" in desk.control.status.sentence
    desk.control.segment()
    assert desk.control.status.state is State.ERROR and "segment" not in desk.backend.calls


def test_a_click_model_segments_a_volume_that_fits_its_window(model: Any) -> None:
    desk = make_desk(model, field="click")
    desk.backend.n_windows = 1
    desk.control.source.replan()
    desk.queue.run_all()
    assert desk.control.state.can_segment


def test_a_click_on_a_whole_result_adds_to_it_and_takes_from_it(desk: Any) -> None:
    desk.control.backend.n_windows = 8
    segment(desk)
    whole = ours(desk, "preview").data.copy()
    click(desk, BRIGHT)
    assert desk.control.status.sentence.startswith("hippocampus was taken away") or (
        desk.control.status.state is State.PREVIEW
    )
    left = ours(desk, "preview").data
    assert left[BRIGHT] == 0 and desk.backend.calls.count("click") == 0
    assert desk.control.result.found()[1].voxels == int((left == 1).sum())
    click(desk, BRIGHT)
    assert ours(desk, "preview").data[BRIGHT] == whole[BRIGHT], "the next click asks for it again"


def test_clicks_can_be_replayed(desk: Any) -> None:
    click(desk, BRIGHT)
    click(desk, (10, 15, 26), everything=True)
    shown = ours(desk, "preview").data.copy()
    desk.control.accept()
    desk.control.slider.set_keep(0.25)
    desk.control.replay()
    desk.queue.run_all()
    again = desk.control.result
    assert [(one.place, one.everything) for one in again.clicks] == [(BRIGHT, False), ((10, 15, 26), True)]
    assert np.array_equal(ours(desk, "preview").data, shown) and again.clicks[0].keep == (0.25,) * 3


def test_clicks_from_a_table_of_voxels_can_be_replayed(desk: Any) -> None:
    points = desk.viewer.add_points(
        [BRIGHT, (90, 0, 0)], features={"label": ["hippocampus"] * 2, "keep": ["0.50"] * 2, "time": ["", ""]}
    )
    desk.viewer.layers.selection.active = points
    desk.control.replay()
    desk.queue.run_all()
    assert [one.place for one in desk.control.result.clicks] == [BRIGHT], "and those outside are left out"


def test_any_points_on_the_image_can_be_replayed(desk: Any) -> None:
    points = desk.viewer.add_points([np.asarray(desk.image.data_to_world(BRIGHT))])
    desk.viewer.layers.selection.active = points
    desk.control.replay()
    desk.queue.run_all()
    assert [one.place for one in desk.control.result.clicks] == [BRIGHT]


def test_without_clicks_there_is_nothing_to_replay(desk: Any) -> None:
    desk.control.replay()
    assert desk.control.status.sentence.startswith("No clicks on record") and desk.queue.queue == []


# -- the keep slider


def test_the_slider_answers_at_once_from_old_scores(desk: Any) -> None:
    segment(desk)
    desk.control.set_show("dim", 0)
    costs: list[Any] = []
    desk.control.state.cost_changed.connect(costs.append)
    desk.control.slider.set_keep(0.25)
    assert costs[-1].tokens == (512, 128, 32, 8)
    tokens = ours(desk, "tokens").data
    assert (tokens > 1).sum() == round(tokens.size * 128 / 512)
    assert desk.queue.queue == [], "no job was needed for it"


def test_at_rest_the_visible_window_is_run_again(desk: Any) -> None:
    segment(desk)
    desk.control.slider.set_keep(0.25)
    desk.control.slider.settle()
    desk.queue.run_all()
    assert desk.backend.calls[-1] == "preview"
    assert desk.control.status.sentence == (
        "Keep 0.25 in the visible window only: press Segment volume (G) for the rest."
    )


def test_at_rest_the_slice_on_screen_is_painted_ahead_of_its_window(desk: Any) -> None:
    segment(desk)
    desk.backend.tells_slices = True
    painted: list[Any] = []
    put = desk.control.slider._layers.put
    desk.control.slider._layers.put = lambda result, *more: (painted.append(result), put(result, *more))
    desk.control.slider.set_keep(0.25)
    desk.control.slider.settle()
    desk.queue.run_all()
    (ahead,), last = painted[:1], desk.control.result
    before, after = ahead.history[-1]["region"], last.history[-1]["region"]
    assert before != after and [entry["action"] for entry in last.history].count("keep slider") >= 1
    assert last.history[-1]["keep"] == ahead.history[-1]["keep"]
    assert desk.control.status.sentence.startswith("Keep 0.25 in the visible window only")


def test_a_window_that_was_stopped_is_not_painted(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    segment(desk)
    before = desk.control.result
    real = desk.backend.preview

    def stopped(*asked: Any) -> Any:
        answer = real(*asked)
        answer.complete = False
        return answer

    monkeypatch.setattr(desk.backend, "preview", stopped)
    desk.control.slider.set_keep(0.25)
    desk.control.slider.settle()
    desk.queue.run_all()
    assert desk.control.result is before


def test_at_rest_clicked_structures_are_run_again(desk: Any) -> None:
    click(desk, BRIGHT)
    desk.control.slider.set_keep(0.25)
    desk.control.slider.settle()
    desk.queue.run_all()
    assert desk.control.result.clicks[0].keep == (0.25, 0.25, 0.25)
    assert desk.control.status.state is State.PREVIEW


def test_a_hundred_drags_leave_one_job_and_one_result(desk: Any) -> None:
    segment(desk)
    n_layers = len(desk.viewer.layers)
    for step in range(100):
        desk.control.slider.set_keep(0.05 + step * 0.009)
        desk.control.slider.settle()
    assert len(desk.queue.queue) == 1
    desk.queue.run_all()
    assert desk.control.result.report["keep"] == [0.5] * 3 and len(desk.viewer.layers) == n_layers


def test_a_late_answer_of_the_slider_is_dropped(desk: Any) -> None:
    segment(desk)
    desk.control.slider.set_keep(0.25)
    desk.control.slider.settle()
    desk.queue.begin()
    desk.control.slider.set_keep(0.75)
    before = ours(desk, "tokens").data.copy()
    desk.queue.finish()
    assert np.array_equal(before, ours(desk, "tokens").data)
    assert desk.control.status.state is State.DONE


def test_without_live_preview_the_result_is_stale(desk: Any) -> None:
    segment(desk)
    desk.choices.live = False
    desk.control.slider.set_keep(0.25)
    desk.control.slider.settle()
    assert desk.queue.queue == [] and desk.control.status.sentence.startswith(
        "Keep changed since this result"
    )


def test_compare_with_dense(desk: Any) -> None:
    told: list[Any] = []
    desk.control.state.agreement_changed.connect(told.append)
    desk.control.compare()
    desk.queue.run_all()
    assert told[-1].dice == 0.97
    assert desk.control.status.sentence == "Keep 0.50 agrees 0.97 (Dice) with dense in the visible window."


# -- accept, undo, discard


def test_accept_is_one_undo_step(desk: Any) -> None:
    segment(desk)
    preview = ours(desk, "preview").data.copy()
    desk.control.accept()
    seg = ours(desk, "seg")
    assert np.array_equal(seg.data, preview) and ours(desk, "preview") is None
    assert desk.control.status.sentence.endswith("Ctrl+Z undoes it.")
    desk.control.undo()
    assert not seg.data.any()
    desk.control.redo()
    assert np.array_equal(seg.data, preview)


def test_accepted_and_painted_labels_are_protected(desk: Any) -> None:
    segment(desk)
    desk.control.accept()
    seg = ours(desk, "seg")
    seg.data_setitem(tuple(np.array([i]) for i in BRIGHT), 4)
    segment(desk)
    desk.control.accept()
    assert seg.data[BRIGHT] == 4
    desk.choices.protect = False
    segment(desk)
    desk.control.accept()
    assert seg.data[BRIGHT] != 4


def test_what_was_painted_on_the_preview_is_accepted(desk: Any) -> None:
    segment(desk)
    ours(desk, "preview").data_setitem(tuple(np.array([i]) for i in DARK), 3)
    desk.control.accept()
    assert ours(desk, "seg").data[DARK] == 3


def test_what_was_painted_on_the_preview_survives_the_next_click(desk: Any) -> None:
    click(desk, BRIGHT)
    ours(desk, "preview").data_setitem(tuple(np.array([i]) for i in DARK), 3)
    click(desk, (10, 15, 26))
    assert ours(desk, "preview").data[DARK] == 3 and len(desk.control.result.clicks) == 2


def test_accepted_volumes_are_shown_and_follow_undo(desk: Any) -> None:
    segment(desk)
    desk.control.accept()
    desk.queue.run_all()
    seg = ours(desk, "seg")
    assert list(seg.features["voxels"][:2]) == [int((seg.data == i).sum()) for i in (1, 2)]
    assert seg.features["volume_ml"][0] > 0
    desk.control.undo()
    desk.queue.run_all()
    assert list(seg.features["voxels"][:2]) == [0, 0]


def test_labels_of_another_model_are_not_mixed_in(desk: Any) -> None:
    segment(desk)
    desk.control.accept()
    seg = ours(desk, "seg")
    seg.metadata["scd"] = seg.metadata["scd"] | {
        "model": "abdomen-ct",
        "labels": [{"index": 1, "name": "spleen"}],
    }
    segment(desk)
    desk.choices.output = seg.unique_id
    desk.control.accept()
    assert desk.control.status.sentence == (
        "'ct [SCD seg]' holds the labels of abdomen-ct, whose numbers mean other structures: "
        "choose 'new layer' under Output."
    )
    assert ours(desk, "preview") is not None, "nothing is lost"


def test_an_unwritable_place_is_said_with_a_way_out(desk: Any, tmp_path: Any) -> None:
    segment(desk)
    desk.control.export(tmp_path / "nowhere" / "out.nii.gz")
    desk.queue.run_all()
    assert desk.control.status.state is State.ERROR
    assert desk.control.status.remedy == ("Save elsewhere...", "export")


def test_clicks_are_exported(desk: Any, tmp_path: Any) -> None:
    import json

    click(desk, BRIGHT)
    desk.control.export(tmp_path / "out.nii.gz")
    desk.queue.run_all()
    (entry,) = json.loads((tmp_path / "out.json").read_text())["run"]["clicks"]
    assert entry["voxel"] == list(BRIGHT) and entry["ras_mm"] == [-19.0, -15.0, 20.0]
    assert entry["label"] == "hippocampus"


def test_the_intensity_window_belongs_to_the_image(desk: Any) -> None:
    segment(desk)
    desk.choices.window = (0.0, 80.0)
    desk.control.source.refresh()
    desk.queue.run_all()
    assert desk.control.status.state is State.STALE
    segment(desk)
    assert desk.control.result.report["intensity_window"] == [0.0, 80.0]


def test_3d_that_mirrors_the_patient_is_warned_of(desk: Any) -> None:
    desk.viewer.dims.ndisplay = 3
    desk.control.say(desk.control.status)
    assert [text[:24] for _, text in desk.control.status.warnings] == ["3D is a mirror image of "]
    desk.control.show_view("3d")
    assert desk.control.status.warnings == ()


def test_an_existing_labels_layer_can_take_the_result(desk: Any) -> None:
    mine = desk.viewer.add_labels(np.zeros(desk.image.data.shape, np.uint16), scale=(2, 1, 1), name="mine")
    other = desk.viewer.add_labels(np.zeros((4, 4, 4), np.uint8), name="other")
    assert [layer.name for layer in desk.control.store.outputs(desk.control.view)] == ["mine"]
    segment(desk)
    desk.choices.output = mine.unique_id
    desk.control.accept()
    assert mine.data.max() == 2 and mine.data.dtype == np.uint16
    segment(desk)
    desk.choices.output = other.unique_id
    desk.control.accept()
    assert "another shape" in desk.control.status.sentence and ours(desk, "preview") is not None


def test_discard_takes_preview_and_maps_away(desk: Any) -> None:
    segment(desk)
    desk.control.discard()
    assert names(desk) == ["ct"] and desk.control.status.state is State.READY


def test_accept_with_nothing_to_accept(desk: Any) -> None:
    desk.control.accept()
    assert desk.control.status.sentence == "Nothing to accept: segment or click first."


def test_clicks_after_accept_start_afresh(desk: Any) -> None:
    click(desk, BRIGHT)
    desk.control.accept()
    click(desk, (10, 15, 26))
    assert len(desk.control.result.clicks) == 1


# -- views


def test_token_views(desk: Any) -> None:
    segment(desk)
    desk.control.set_show("score", 0)
    assert ours(desk, "score").visible and not ours(desk, "tokens").visible
    desk.control.set_show("exit", 1)
    assert ours(desk, "tokens").visible and ours(desk, "tokens").get_color(3)[0] > 0.8, (
        "red: alive after stage 1"
    )
    desk.control.set_show("off", 0)
    assert not ours(desk, "score").visible and not ours(desk, "tokens").visible


def test_in_3d_the_surviving_blocks_are_solid(desk: Any) -> None:
    segment(desk)
    desk.viewer.dims.ndisplay = 3
    desk.control.layers.recolour()
    tokens = ours(desk, "tokens")
    assert tokens.get_color(1)[3] == 0 and tokens.get_color(4)[3] == 1
    assert tokens.rendering == "iso_categorical"


def test_in_3d_the_tokens_show_through_the_preview(desk: Any) -> None:
    segment(desk)
    desk.control.set_show("dim", 0)
    preview = ours(desk, "preview")
    flat = preview.opacity
    desk.viewer.dims.ndisplay = 3
    desk.control.layers.recolour()
    assert preview.opacity < flat
    desk.control.set_show("off", 0)
    assert preview.opacity == flat
    preview.opacity = 0.9
    desk.control.set_show("exit", 0)
    assert preview.opacity == 0.9, "the user's choice stays"


def test_a_legend_row_brings_its_structure_on_screen(desk: Any) -> None:
    segment(desk)
    desk.control.go_to(2)
    z = desk.viewer.dims.point[0] / 2
    assert desk.control.result.labels[round(z)].max() == 2
    desk.control.isolate(2)
    assert ours(desk, "preview").show_selected_label and ours(desk, "preview").selected_label == 2
    desk.control.isolate(0)
    assert not ours(desk, "preview").show_selected_label


def test_exploded_stages_come_as_a_layer(desk: Any) -> None:
    segment(desk)
    desk.control.explode()
    layer = desk.viewer.layers["ct [SCD stages]"]
    assert layer.ndim == 4 and layer.data.shape[0] == 4
    assert [image.name for image in desk.control.store.images()] == ["ct"]
    exits, own = ours(desk, "tokens").data, layer.data > 2
    assert np.array_equal(own.sum(axis=0), exits > 0), "each token has a stage of its own"
    desk.control.set_show("dim", 0)
    desk.viewer.dims.ndisplay = 3
    desk.control.layers.recolour()
    assert not ours(desk, "tokens").visible, "no block is drawn twice"
    desk.control.set_show("off", 0)
    assert ours(desk, "preview").opacity < 0.3, "the preview is a veil over the blocks"
    assert layer.get_color(3)[3] == 1 and layer.get_color(2)[3] == 0 and layer.get_color(1)[3] == 0
    desk.control.explode()
    assert len([one for one in desk.viewer.layers if one.name.startswith("ct [SCD stages]")]) == 1


def test_tokens_turn_labels_into_outlines_until_they_are_off(desk: Any) -> None:
    segment(desk)
    desk.control.accept()
    seg = ours(desk, "seg")
    assert seg.contour == 0
    desk.control.set_show("exit", 0)
    assert seg.contour == 1 and ours(desk, "tokens").visible
    desk.control.set_show("off", 0)
    assert seg.contour == 0
    segment(desk)
    preview = ours(desk, "preview")
    preview.contour = 0
    desk.control.set_show("score", 0)
    assert preview.contour == 1
    preview.contour = 3
    desk.control.set_show("off", 0)
    assert preview.contour == 3 and seg.contour == 0, "what the user sets stays"


def test_what_lies_under_the_mouse_is_named(desk: Any) -> None:
    assert desk.control.describe(np.array([20, 15, 19])) == ""
    segment(desk)
    text = desk.control.describe(np.array([2.0 * BRIGHT[0], *BRIGHT[1:]]))
    assert text.startswith("anterior hippocampus · token kept to the end · score -")
    assert desk.control.describe(np.array([-50.0, 0, 0])) == ""


# -- 4D and teardown


def test_a_4d_image_is_segmented_frame_by_frame(model: Any) -> None:
    data = np.stack([blob(), np.roll(blob(), 5, axis=2)])
    desk = make_desk(model, data=data, scale=(1, 2, 1, 1), units=("pixel", "mm", "mm", "mm"))
    desk.viewer.dims.set_point(0, 0)
    desk.control.source.refresh()
    desk.queue.run_all()
    segment(desk)
    first = ours(desk, "preview").data.copy()
    assert first.shape == data.shape and first[0].any() and not first[1].any()
    desk.viewer.dims.set_point(0, 1)
    desk.control.source.refresh()
    desk.queue.run_all()
    assert desk.control.status.state is State.READY
    segment(desk)
    both = ours(desk, "preview").data.copy()
    assert np.array_equal(both[0], first[0]) and both[1].any()
    tokens = ours(desk, "tokens")
    assert tokens.ndim == 4 and tokens.data_to_world((0, 0, 0, 0))[0] == 1
    desk.control.accept()
    seg = ours(desk, "seg").data
    assert np.array_equal(seg[1], both[1]) and not seg[0].any(), "the other frame is still a preview"
    assert ours(desk, "preview").data[0].any() and not ours(desk, "preview").data[1].any()


def test_nothing_happens_after_the_end(desk: Any) -> None:
    desk.control.segment()
    desk.queue.begin()
    desk.control.close()
    desk.queue.finish()
    assert names(desk) == ["ct"]


@pytest.mark.parametrize("method", ["segment", "compare"])
def test_nothing_runs_without_an_image(model: Any, method: str) -> None:
    desk = make_desk(model)
    desk.viewer.layers.clear()
    desk.control.source.refresh()
    getattr(desk.control, method)()
    assert desk.queue.queue == [] and desk.control.status.state is State.NO_IMAGE
