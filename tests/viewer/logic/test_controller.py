from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_scd.errors import OutOfMemory
from napari_scd.viewer.logic.failures import BadVolume
from napari_scd.viewer.state import State

from ..conftest import blob, make_dock

BRIGHT = (10, 15, 19)
DARK = (1, 1, 1)


def names(dock: Any) -> list[str]:
    return [layer.name for layer in dock.viewer.layers]


def ours(dock: Any, kind: str) -> Any:
    return dock.control.store.ours(dock.image.unique_id, kind)


def segment(dock: Any) -> None:
    dock.control.segment()
    dock.queue.run_all()


def click(dock: Any, index: tuple[int, int, int], **options: Any) -> None:
    dock.control.click(index, **options)
    dock.queue.run_all()


def test_ready_says_what_a_run_costs(dock: Any) -> None:
    assert dock.control.status.state is State.READY
    assert dock.control.status.sentence == "32x28x24 at 1x1x2 mm: 8 windows, about 11 s on cpu."
    assert dock.backend.calls == ["preload", "prepare", "warm"]


def test_the_promptable_model_that_stands_in_is_warmed_up_too(model: Any) -> None:
    dock = make_dock(model, promptable="any")
    assert dock.backend.calls == ["preload", "prepare", "warm", "warm_pointed"]
    dock.control.click(BRIGHT)
    assert dock.queue.waiting == ("click",)


def test_the_same_image_is_prepared_once(dock: Any) -> None:
    for _ in range(3):
        dock.control.source.refresh()
        dock.queue.run_all()
    assert dock.backend.calls.count("prepare") == 1


def test_preloading_and_loading_come_first(model: Any) -> None:
    dock = make_dock(model)
    dock.choices.model = "another"
    dock.control.source.refresh()
    assert dock.control.status.sentence == "Loading another and preparing the volume."
    dock.control.source._preloaded = False
    dock.control.source.preload()
    assert dock.control.status.state is State.PRELOADING
    dock.queue.begin()
    dock.queue.finish()
    assert dock.control.status.state is State.LOADING


def test_a_run_shows_preview_tokens_and_score(dock: Any) -> None:
    segment(dock)
    assert names(dock) == ["ct", "ct [SCD tokens]", "ct [SCD score]", "ct [SCD preview]"]
    assert dock.control.status.state is State.DONE
    assert dock.control.status.sentence.startswith("4 labels, 2 found in 1.6 s")
    assert not ours(dock, "tokens").visible and not ours(dock, "score").visible
    assert ours(dock, "preview").contour == 1, "outlines, so that the scan stays readable"
    assert ours(dock, "preview").data.max() == 2
    assert list(ours(dock, "preview").features["voxels"][:2]) == [
        int((ours(dock, "preview").data == label).sum()) for label in (1, 2)
    ]


def test_the_first_mask_is_drawn_before_the_other_layers(dock: Any) -> None:
    drawn: list[list[str]] = []
    dock.control.state.mask_drawn.connect(lambda: drawn.append(names(dock)))
    click(dock, BRIGHT)
    assert drawn == [["ct", "ct [SCD preview]"]]
    order = ["ct", "ct [SCD tokens]", "ct [SCD score]", "ct [SCD clicks]", "ct [SCD preview]"]
    assert names(dock) == order, "the mask lies on top, as if it had come last"
    assert dock.viewer.layers.selection.active is dock.image
    click(dock, (10, 15, 30))
    segment(dock)
    assert len(drawn) == 1 and names(dock) == order
    dock.control.discard()
    segment(dock)
    assert len(drawn) == 2


def test_the_colorbar_of_the_scores_appears_with_them(dock: Any) -> None:
    segment(dock)
    assert not ours(dock, "score").colorbar.visible
    dock.control.set_show("score", 0)
    assert ours(dock, "score").visible and ours(dock, "score").colorbar.visible
    ours(dock, "score").colorbar.visible = False
    dock.control.set_show("off", 0)
    dock.control.set_show("score", 0)
    assert not ours(dock, "score").colorbar.visible, "what the user switched off stays off"


def test_selection_and_image_stay_as_they_were(dock: Any) -> None:
    before = (dock.image.data.copy(), dock.image.scale.copy(), dock.image.visible)
    segment(dock)
    assert dock.viewer.layers.selection.active is dock.image
    assert np.array_equal(before[0], dock.image.data) and np.array_equal(before[1], dock.image.scale)


def test_progress_is_told_while_running(dock: Any) -> None:
    told: list[str] = []
    dock.control.state.status_changed.connect(lambda status: told.append(status.sentence))
    segment(dock)
    assert "Window 4 of 8, 2 s left." in told


def test_a_second_run_brings_the_same_layers_up_to_date(dock: Any) -> None:
    segment(dock)
    uid = ours(dock, "preview").unique_id
    ours(dock, "preview").opacity = 0.3
    segment(dock)
    assert ours(dock, "preview").unique_id == uid and len(dock.viewer.layers) == 4
    assert ours(dock, "preview").opacity == 0.3, "what the user changed stays"


def test_cancel_keeps_what_was_found(dock: Any) -> None:
    dock.control.segment()
    dock.queue.begin()
    dock.control.cancel()
    assert dock.control.status.sentence == "Stopping after this window."
    dock.queue.finish()
    assert dock.control.status.state is State.CANCELLED
    assert dock.control.status.sentence.startswith("Stopped after 4 of 8 windows")
    assert ours(dock, "preview") is not None


def test_the_visible_window_of_a_run_comes_first(dock: Any) -> None:
    dock.backend.ahead = True
    told: list[Any] = []
    dock.control.state.result_changed.connect(
        lambda result: told.append((result.complete, dock.control.status.state))
    )
    segment(dock)
    assert told == [(False, State.RUNNING), (False, State.RUNNING), (True, State.RUNNING)]
    assert dock.control.status.state is State.DONE


def test_a_run_cancelled_after_the_visible_window_keeps_it(dock: Any) -> None:
    dock.backend.ahead = True
    dock.control.segment()
    work = dock.queue.begin()
    from napari_scd.viewer.logic.backend import PartialAnswer

    from ..conftest import fake_segmentation

    window = fake_segmentation(dock.control.view.volume(), 0.5)
    window.report.n_windows = 1
    work.progressed(PartialAnswer(window))
    nothing = fake_segmentation(dock.control.view.volume(), 0.5, complete=False)
    nothing.report.n_windows = 0
    dock.control.cancel()
    work.done(nothing)
    assert dock.control.status.sentence == "Stopped after 1 of 8 windows: the partial result is a preview."
    assert ours(dock, "preview").data.any()


def test_a_run_stopped_half_way_keeps_the_slice_on_screen(dock: Any) -> None:
    from napari_scd.viewer.logic.backend import PartialAnswer

    from ..conftest import fake_segmentation

    control, volume = dock.control, dock.control.view.volume()
    control.segment()
    work = dock.queue.begin()
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


def test_the_slice_on_screen_is_found_in_any_layer(dock: Any) -> None:
    store, viewer = dock.control.store, dock.viewer
    view = dock.control.view
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


def test_an_error_is_said_and_the_next_run_works(dock: Any) -> None:
    dock.backend.fail = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    segment(dock)
    assert dock.control.status.state is State.ERROR and "mat1" in dock.control.status.sentence
    assert dock.control.status.remedy.action == "retry"
    dock.control.remedy("retry")
    dock.queue.run_all()
    assert dock.control.status.state is State.DONE


def test_out_of_memory_offers_the_cpu(dock: Any) -> None:
    dock.choices.device = "cuda"
    dock.backend.fail = OutOfMemory("cuda")
    segment(dock)
    dock.control.remedy(dock.control.status.remedy.action)
    assert dock.choices.device == "cpu"
    dock.queue.run_all()
    assert dock.control.status.state is State.DONE


def test_a_bad_volume_is_said_when_it_is_prepared(model: Any) -> None:
    dock = make_dock(model)
    dock.backend.fail = BadVolume("All voxels are NaN: open a volume with values.")
    dock.image.data = np.full((8, 8, 8), np.nan)
    dock.control.source.refresh()
    dock.queue.run_all()
    assert dock.control.status.sentence == "All voxels are NaN: open a volume with values."
    assert dock.control.status.state is State.BAD_INPUT


def test_an_answer_for_a_deleted_image_is_dropped(dock: Any) -> None:
    dock.control.segment()
    dock.queue.begin()
    dock.viewer.layers.remove(dock.image)
    dock.control.source.refresh()
    dock.queue.finish()
    assert dock.control.status.sentence == "Open a 3D volume, or File > Open Sample > SCD."
    assert names(dock) == []


def test_a_renamed_image_is_still_the_same(dock: Any) -> None:
    dock.control.segment()
    dock.queue.begin()
    dock.image.name = "renamed"
    dock.control.source.refresh()
    dock.queue.finish()
    assert dock.control.status.state is State.DONE


def test_a_moved_image_makes_the_result_stale(dock: Any) -> None:
    segment(dock)
    dock.image.translate = (10, 0, 0)
    dock.control.source.refresh()
    dock.queue.run_all()
    assert dock.control.status.state is State.STALE
    assert dock.control.status.sentence.startswith("The image changed since this result")
    segment(dock)
    assert np.allclose(ours(dock, "preview").translate, (10, 0, 0))


def test_no_model_is_said_with_a_way_out(model: Any) -> None:
    dock = make_dock(model)
    dock.choices.model = None
    dock.control.source.refresh()
    assert dock.control.status.remedy.action == "choose_model"


def test_warnings_stand_below_the_status(model: Any) -> None:
    dock = make_dock(model, scale=(1, 1, 1), units=None)
    dock.choices.world_axes = None
    dock.control.source.refresh()
    dock.queue.run_all()
    states = [warning[0] for warning in dock.control.status.warnings]
    assert states == [State.WARN_GEOMETRY, State.WARN_ORIENTATION]


# -- clicks


def test_a_click_previews_a_structure(dock: Any) -> None:
    click(dock, BRIGHT)
    assert dock.control.status.state is State.PREVIEW
    assert dock.control.status.sentence.startswith("Preview: hippocampus,")
    points = ours(dock, "clicks")
    assert points.data.tolist() == [list(BRIGHT)] and list(points.features["label"]) == ["hippocampus"]


def test_clicking_it_again_takes_it_away(dock: Any) -> None:
    click(dock, BRIGHT)
    click(dock, BRIGHT)
    assert not ours(dock, "preview").data.any() and len(ours(dock, "clicks").data) == 0
    assert dock.backend.calls.count("click") == 1, "no window was computed for it"


def test_nothing_found_is_said(dock: Any) -> None:
    click(dock, DARK)
    assert dock.control.status.sentence == (
        "fake knows 4 structures; nothing found here (most likely: liver 0.31). "
        "A promptable model would segment it."
    )
    assert ours(dock, "tokens").data.any() and not ours(dock, "preview").data.any()


def test_two_clicks_add_up(dock: Any) -> None:
    click(dock, BRIGHT)
    once = int((ours(dock, "preview").data > 0).sum())
    click(dock, (10, 15, 26))
    assert (ours(dock, "preview").data > 0).sum() > once and len(ours(dock, "clicks").data) == 2


def test_a_click_model_does_not_segment_volumes(model: Any) -> None:
    dock = make_dock(model, field="click")
    assert not dock.control.state.can_segment
    assert "press K, then click a structure" in dock.control.status.sentence
    dock.control.segment()
    assert dock.control.status.state is State.ERROR and "segment" not in dock.backend.calls


def test_a_click_model_segments_a_volume_that_fits_its_window(model: Any) -> None:
    dock = make_dock(model, field="click")
    dock.backend.n_windows = 1
    dock.control.source.replan()
    dock.queue.run_all()
    assert dock.control.state.can_segment


def test_a_click_on_a_whole_result_adds_to_it_and_takes_from_it(dock: Any) -> None:
    dock.control.backend.n_windows = 8
    segment(dock)
    whole = ours(dock, "preview").data.copy()
    click(dock, BRIGHT)
    assert dock.control.status.sentence.startswith("hippocampus was taken away") or (
        dock.control.status.state is State.PREVIEW
    )
    left = ours(dock, "preview").data
    assert left[BRIGHT] == 0 and dock.backend.calls.count("click") == 0
    assert dock.control.result.found()[1].voxels == int((left == 1).sum())
    click(dock, BRIGHT)
    assert ours(dock, "preview").data[BRIGHT] == whole[BRIGHT], "the next click asks for it again"


def test_clicks_can_be_replayed(dock: Any) -> None:
    click(dock, BRIGHT)
    click(dock, (10, 15, 26), everything=True)
    shown = ours(dock, "preview").data.copy()
    dock.control.accept()
    dock.control.slider.set_keep(0.25)
    dock.control.replay()
    dock.queue.run_all()
    again = dock.control.result
    assert [(one.place, one.everything) for one in again.clicks] == [(BRIGHT, False), ((10, 15, 26), True)]
    assert np.array_equal(ours(dock, "preview").data, shown) and again.clicks[0].keep == (0.25,) * 3


def test_clicks_from_a_table_of_voxels_can_be_replayed(dock: Any) -> None:
    points = dock.viewer.add_points(
        [BRIGHT, (90, 0, 0)], features={"label": ["hippocampus"] * 2, "keep": ["0.50"] * 2, "time": ["", ""]}
    )
    dock.viewer.layers.selection.active = points
    dock.control.replay()
    dock.queue.run_all()
    assert [one.place for one in dock.control.result.clicks] == [BRIGHT], "and those outside are left out"


def test_any_points_on_the_image_can_be_replayed(dock: Any) -> None:
    points = dock.viewer.add_points([np.asarray(dock.image.data_to_world(BRIGHT))])
    dock.viewer.layers.selection.active = points
    dock.control.replay()
    dock.queue.run_all()
    assert [one.place for one in dock.control.result.clicks] == [BRIGHT]


def test_without_clicks_there_is_nothing_to_replay(dock: Any) -> None:
    dock.control.replay()
    assert dock.control.status.sentence.startswith("No clicks on record") and dock.queue.queue == []


# -- the keep slider


def test_the_slider_answers_at_once_from_old_scores(dock: Any) -> None:
    segment(dock)
    dock.control.set_show("dim", 0)
    costs: list[Any] = []
    dock.control.state.cost_changed.connect(costs.append)
    dock.control.slider.set_keep(0.25)
    assert costs[-1].tokens == (512, 128, 32, 8)
    tokens = ours(dock, "tokens").data
    assert (tokens > 1).sum() == round(tokens.size * 128 / 512)
    assert dock.queue.queue == [], "no job was needed for it"


def test_at_rest_the_visible_window_is_run_again(dock: Any) -> None:
    segment(dock)
    dock.control.slider.set_keep(0.25)
    dock.control.slider.settle()
    dock.queue.run_all()
    assert dock.backend.calls[-1] == "preview"
    assert dock.control.status.sentence == (
        "Keep 0.25 in the visible window only: press Segment volume (G) for the rest."
    )


def test_at_rest_the_slice_on_screen_is_painted_ahead_of_its_window(dock: Any) -> None:
    segment(dock)
    dock.backend.tells_slices = True
    painted: list[Any] = []
    put = dock.control.slider._layers.put
    dock.control.slider._layers.put = lambda result, *more: (painted.append(result), put(result, *more))
    dock.control.slider.set_keep(0.25)
    dock.control.slider.settle()
    dock.queue.run_all()
    (ahead,), last = painted[:1], dock.control.result
    before, after = ahead.history[-1]["region"], last.history[-1]["region"]
    assert before != after and [entry["action"] for entry in last.history].count("keep slider") >= 1
    assert last.history[-1]["keep"] == ahead.history[-1]["keep"]
    assert dock.control.status.sentence.startswith("Keep 0.25 in the visible window only")


def test_a_window_that_was_stopped_is_not_painted(dock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    segment(dock)
    before = dock.control.result
    real = dock.backend.preview

    def stopped(*asked: Any) -> Any:
        answer = real(*asked)
        answer.complete = False
        return answer

    monkeypatch.setattr(dock.backend, "preview", stopped)
    dock.control.slider.set_keep(0.25)
    dock.control.slider.settle()
    dock.queue.run_all()
    assert dock.control.result is before


def test_at_rest_clicked_structures_are_run_again(dock: Any) -> None:
    click(dock, BRIGHT)
    dock.control.slider.set_keep(0.25)
    dock.control.slider.settle()
    dock.queue.run_all()
    assert dock.control.result.clicks[0].keep == (0.25, 0.25, 0.25)
    assert dock.control.status.state is State.PREVIEW


def test_a_hundred_drags_leave_one_job_and_one_result(dock: Any) -> None:
    segment(dock)
    n_layers = len(dock.viewer.layers)
    for step in range(100):
        dock.control.slider.set_keep(0.05 + step * 0.009)
        dock.control.slider.settle()
    assert len(dock.queue.queue) == 1
    dock.queue.run_all()
    assert dock.control.result.report["keep"] == [0.5] * 3 and len(dock.viewer.layers) == n_layers


def test_a_late_answer_of_the_slider_is_dropped(dock: Any) -> None:
    segment(dock)
    dock.control.slider.set_keep(0.25)
    dock.control.slider.settle()
    dock.queue.begin()
    dock.control.slider.set_keep(0.75)
    before = ours(dock, "tokens").data.copy()
    dock.queue.finish()
    assert np.array_equal(before, ours(dock, "tokens").data)
    assert dock.control.status.state is State.DONE


def test_without_live_preview_the_result_is_stale(dock: Any) -> None:
    segment(dock)
    dock.choices.live = False
    dock.control.slider.set_keep(0.25)
    dock.control.slider.settle()
    assert dock.queue.queue == [] and dock.control.status.sentence.startswith(
        "Keep changed since this result"
    )


def test_compare_with_dense(dock: Any) -> None:
    told: list[Any] = []
    dock.control.state.agreement_changed.connect(told.append)
    dock.control.compare()
    dock.queue.run_all()
    assert told[-1].dice == 0.97
    assert dock.control.status.sentence == "Keep 0.50 agrees 0.97 (Dice) with dense in the visible window."


# -- accept, undo, discard


def test_accept_is_one_undo_step(dock: Any) -> None:
    segment(dock)
    preview = ours(dock, "preview").data.copy()
    dock.control.accept()
    seg = ours(dock, "seg")
    assert np.array_equal(seg.data, preview) and ours(dock, "preview") is None
    assert dock.control.status.sentence.endswith("Ctrl+Z undoes it.")
    dock.control.undo()
    assert not seg.data.any()
    dock.control.redo()
    assert np.array_equal(seg.data, preview)


def test_accepted_and_painted_labels_are_protected(dock: Any) -> None:
    segment(dock)
    dock.control.accept()
    seg = ours(dock, "seg")
    seg.data_setitem(tuple(np.array([i]) for i in BRIGHT), 4)
    segment(dock)
    dock.control.accept()
    assert seg.data[BRIGHT] == 4
    dock.choices.protect = False
    segment(dock)
    dock.control.accept()
    assert seg.data[BRIGHT] != 4


def test_what_was_painted_on_the_preview_is_accepted(dock: Any) -> None:
    segment(dock)
    ours(dock, "preview").data_setitem(tuple(np.array([i]) for i in DARK), 3)
    dock.control.accept()
    assert ours(dock, "seg").data[DARK] == 3


def test_what_was_painted_on_the_preview_survives_the_next_click(dock: Any) -> None:
    click(dock, BRIGHT)
    ours(dock, "preview").data_setitem(tuple(np.array([i]) for i in DARK), 3)
    click(dock, (10, 15, 26))
    assert ours(dock, "preview").data[DARK] == 3 and len(dock.control.result.clicks) == 2


def test_accepted_volumes_are_shown_and_follow_undo(dock: Any) -> None:
    segment(dock)
    dock.control.accept()
    dock.queue.run_all()
    seg = ours(dock, "seg")
    assert list(seg.features["voxels"][:2]) == [int((seg.data == i).sum()) for i in (1, 2)]
    assert seg.features["volume_ml"][0] > 0
    dock.control.undo()
    dock.queue.run_all()
    assert list(seg.features["voxels"][:2]) == [0, 0]


def test_labels_of_another_model_are_not_mixed_in(dock: Any) -> None:
    segment(dock)
    dock.control.accept()
    seg = ours(dock, "seg")
    seg.metadata["scd"] = seg.metadata["scd"] | {
        "model": "abdomen-ct",
        "labels": [{"index": 1, "name": "spleen"}],
    }
    segment(dock)
    dock.choices.output = seg.unique_id
    dock.control.accept()
    assert dock.control.status.sentence == (
        "'ct [SCD seg]' holds the labels of abdomen-ct, whose numbers mean other structures: "
        "choose 'new layer' under Output."
    )
    assert ours(dock, "preview") is not None, "nothing is lost"


def test_an_unwritable_place_is_said_with_a_way_out(dock: Any, tmp_path: Any) -> None:
    segment(dock)
    dock.control.export(tmp_path / "nowhere" / "out.nii.gz")
    dock.queue.run_all()
    assert dock.control.status.state is State.ERROR
    assert dock.control.status.remedy == ("Save elsewhere...", "export")


def test_clicks_are_exported(dock: Any, tmp_path: Any) -> None:
    import json

    click(dock, BRIGHT)
    dock.control.export(tmp_path / "out.nii.gz")
    dock.queue.run_all()
    (entry,) = json.loads((tmp_path / "out.json").read_text())["run"]["clicks"]
    assert entry["voxel"] == list(BRIGHT) and entry["ras_mm"] == [-19.0, -15.0, 20.0]
    assert entry["label"] == "hippocampus"


def test_the_intensity_window_belongs_to_the_image(dock: Any) -> None:
    segment(dock)
    dock.choices.window = (0.0, 80.0)
    dock.control.source.refresh()
    dock.queue.run_all()
    assert dock.control.status.state is State.STALE
    segment(dock)
    assert dock.control.result.report["intensity_window"] == [0.0, 80.0]


def test_3d_that_mirrors_the_patient_is_warned_of(dock: Any) -> None:
    dock.viewer.dims.ndisplay = 3
    dock.control.say(dock.control.status)
    assert [text[:24] for _, text in dock.control.status.warnings] == ["3D is a mirror image of "]
    dock.control.show_view("3d")
    assert dock.control.status.warnings == ()


def test_an_existing_labels_layer_can_take_the_result(dock: Any) -> None:
    mine = dock.viewer.add_labels(np.zeros(dock.image.data.shape, np.uint16), scale=(2, 1, 1), name="mine")
    other = dock.viewer.add_labels(np.zeros((4, 4, 4), np.uint8), name="other")
    assert [layer.name for layer in dock.control.store.outputs(dock.control.view)] == ["mine"]
    segment(dock)
    dock.choices.output = mine.unique_id
    dock.control.accept()
    assert mine.data.max() == 2 and mine.data.dtype == np.uint16
    segment(dock)
    dock.choices.output = other.unique_id
    dock.control.accept()
    assert "another shape" in dock.control.status.sentence and ours(dock, "preview") is not None


def test_discard_takes_preview_and_maps_away(dock: Any) -> None:
    segment(dock)
    dock.control.discard()
    assert names(dock) == ["ct"] and dock.control.status.state is State.READY


def test_accept_with_nothing_to_accept(dock: Any) -> None:
    dock.control.accept()
    assert dock.control.status.sentence == "Nothing to accept: segment or click first."


def test_clicks_after_accept_start_afresh(dock: Any) -> None:
    click(dock, BRIGHT)
    dock.control.accept()
    click(dock, (10, 15, 26))
    assert len(dock.control.result.clicks) == 1


# -- views


def test_token_views(dock: Any) -> None:
    segment(dock)
    dock.control.set_show("score", 0)
    assert ours(dock, "score").visible and not ours(dock, "tokens").visible
    dock.control.set_show("exit", 1)
    assert ours(dock, "tokens").visible and ours(dock, "tokens").get_color(3)[0] > 0.8, (
        "red: alive after stage 1"
    )
    dock.control.set_show("off", 0)
    assert not ours(dock, "score").visible and not ours(dock, "tokens").visible


def test_in_3d_the_surviving_blocks_are_solid(dock: Any) -> None:
    segment(dock)
    dock.viewer.dims.ndisplay = 3
    dock.control.layers.recolour()
    tokens = ours(dock, "tokens")
    assert tokens.get_color(1)[3] == 0 and tokens.get_color(4)[3] == 1
    assert tokens.rendering == "iso_categorical"


def test_in_3d_the_tokens_show_through_the_preview(dock: Any) -> None:
    segment(dock)
    dock.control.set_show("dim", 0)
    preview = ours(dock, "preview")
    flat = preview.opacity
    dock.viewer.dims.ndisplay = 3
    dock.control.layers.recolour()
    assert preview.opacity < flat
    dock.control.set_show("off", 0)
    assert preview.opacity == flat
    preview.opacity = 0.9
    dock.control.set_show("exit", 0)
    assert preview.opacity == 0.9, "the user's choice stays"


def test_a_legend_row_brings_its_structure_on_screen(dock: Any) -> None:
    segment(dock)
    dock.control.go_to(2)
    z = dock.viewer.dims.point[0] / 2
    assert dock.control.result.labels[round(z)].max() == 2
    dock.control.isolate(2)
    assert ours(dock, "preview").show_selected_label and ours(dock, "preview").selected_label == 2
    dock.control.isolate(0)
    assert not ours(dock, "preview").show_selected_label


def test_exploded_stages_come_as_a_layer(dock: Any) -> None:
    segment(dock)
    dock.control.explode()
    layer = dock.viewer.layers["ct [SCD stages]"]
    assert layer.ndim == 4 and layer.data.shape[0] == 4
    assert [image.name for image in dock.control.store.images()] == ["ct"]
    exits, own = ours(dock, "tokens").data, layer.data > 2
    assert np.array_equal(own.sum(axis=0), exits > 0), "each token has a stage of its own"
    dock.control.set_show("dim", 0)
    dock.viewer.dims.ndisplay = 3
    dock.control.layers.recolour()
    assert not ours(dock, "tokens").visible, "no block is drawn twice"
    dock.control.set_show("off", 0)
    assert ours(dock, "preview").opacity < 0.3, "the preview is a veil over the blocks"
    assert layer.get_color(3)[3] == 1 and layer.get_color(2)[3] == 0 and layer.get_color(1)[3] == 0
    dock.control.explode()
    assert len([one for one in dock.viewer.layers if one.name.startswith("ct [SCD stages]")]) == 1


def test_tokens_turn_labels_into_outlines_until_they_are_off(dock: Any) -> None:
    segment(dock)
    dock.control.accept()
    seg = ours(dock, "seg")
    assert seg.contour == 0
    dock.control.set_show("exit", 0)
    assert seg.contour == 1 and ours(dock, "tokens").visible
    dock.control.set_show("off", 0)
    assert seg.contour == 0
    segment(dock)
    preview = ours(dock, "preview")
    preview.contour = 0
    dock.control.set_show("score", 0)
    assert preview.contour == 1
    preview.contour = 3
    dock.control.set_show("off", 0)
    assert preview.contour == 3 and seg.contour == 0, "what the user sets stays"


def test_what_lies_under_the_mouse_is_named(dock: Any) -> None:
    assert dock.control.describe(np.array([20, 15, 19])) == ""
    segment(dock)
    text = dock.control.describe(np.array([2.0 * BRIGHT[0], *BRIGHT[1:]]))
    assert text.startswith("anterior hippocampus · token kept to the end · score -")
    assert dock.control.describe(np.array([-50.0, 0, 0])) == ""


# -- 4D and teardown


def test_a_4d_image_is_segmented_frame_by_frame(model: Any) -> None:
    data = np.stack([blob(), np.roll(blob(), 5, axis=2)])
    dock = make_dock(model, data=data, scale=(1, 2, 1, 1), units=("pixel", "mm", "mm", "mm"))
    dock.viewer.dims.set_point(0, 0)
    dock.control.source.refresh()
    dock.queue.run_all()
    segment(dock)
    first = ours(dock, "preview").data.copy()
    assert first.shape == data.shape and first[0].any() and not first[1].any()
    dock.viewer.dims.set_point(0, 1)
    dock.control.source.refresh()
    dock.queue.run_all()
    assert dock.control.status.state is State.READY
    segment(dock)
    both = ours(dock, "preview").data.copy()
    assert np.array_equal(both[0], first[0]) and both[1].any()
    tokens = ours(dock, "tokens")
    assert tokens.ndim == 4 and tokens.data_to_world((0, 0, 0, 0))[0] == 1
    dock.control.accept()
    seg = ours(dock, "seg").data
    assert np.array_equal(seg[1], both[1]) and not seg[0].any(), "the other frame is still a preview"
    assert ours(dock, "preview").data[0].any() and not ours(dock, "preview").data[1].any()


def test_nothing_happens_after_the_end(dock: Any) -> None:
    dock.control.segment()
    dock.queue.begin()
    dock.control.close()
    dock.queue.finish()
    assert names(dock) == ["ct"]


@pytest.mark.parametrize("method", ["segment", "compare"])
def test_nothing_runs_without_an_image(model: Any, method: str) -> None:
    dock = make_dock(model)
    dock.viewer.layers.clear()
    dock.control.source.refresh()
    getattr(dock.control, method)()
    assert dock.queue.queue == [] and dock.control.status.state is State.NO_IMAGE
