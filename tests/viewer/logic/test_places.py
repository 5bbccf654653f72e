"""Every image and every frame keeps its own preview, legend and undo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.layers import LayerStore
from napari_scd.viewer.logic.controller import Controller
from napari_scd.viewer.state import State

from ..conftest import FakeBackend, HandQueue, blob, make_dock
from .test_controller import BRIGHT, click, ours, segment


@pytest.fixture
def two(model: Any) -> Any:
    """A dock with a second image, which is brighter elsewhere."""
    dock = make_dock(model)
    dock.other = model.add_image(blob()[::-1].copy(), name="other", scale=(2, 1, 1), units="mm")
    dock.told = []
    dock.control.state.result_changed.connect(dock.told.append)
    return dock


def choose(dock: Any, image: Any) -> None:
    dock.choices.volumes = (image.unique_id,)
    dock.choices.output = None
    dock.control.source.refresh()
    dock.queue.run_all()


def layer_of(dock: Any, image: Any, kind: str) -> Any:
    return dock.control.store.ours(image.unique_id, kind)


def test_another_image_has_no_result_yet(two: Any) -> None:
    segment(two)
    choose(two, two.other)
    assert two.control.result is None and two.told[-1] is None, "the legend is empty"
    assert two.control.status.sentence.startswith("32x28x24")
    two.control.accept()
    assert two.control.status.sentence == "Nothing to accept: segment or click first."
    assert layer_of(two, two.image, "seg") is None


def test_each_image_gets_its_preview_back(two: Any) -> None:
    segment(two)
    first = two.control.result
    choose(two, two.other)
    segment(two)
    choose(two, two.image)
    assert two.control.result is first and two.told[-1] is first
    assert two.control.status.state is State.PREVIEW
    two.control.accept()
    assert layer_of(two, two.image, "preview") is None
    np.testing.assert_array_equal(layer_of(two, two.image, "seg").data, first.labels)
    choose(two, two.other)
    two.control.accept()
    assert layer_of(two, two.other, "seg").data.any()


def test_layers_of_another_image_hide_until_it_is_chosen_again(two: Any) -> None:
    segment(two)
    choose(two, two.other)
    hidden = [layer_of(two, two.image, kind) for kind in ("preview", "tokens", "score")]
    assert not any(layer.visible for layer in hidden)
    assert two.image.visible and two.other.visible, "images are the user's"
    choose(two, two.image)
    assert [layer.visible for layer in hidden] == [True, False, False], "as they were"


def test_an_image_that_lies_elsewhere_is_brought_on_screen(model: Any, two: Any) -> None:
    far = model.add_image(blob(), name="far", scale=(2, 1, 1), translate=(500, -300, 80), units="mm")
    camera = model.scene.camera
    choose(two, far)
    assert list(two.control.store.screen.point) == [524, -286, 96]
    assert list(camera.center)[1:] == [-286, 96]
    model.dims.set_point(0, 520)
    choose(two, two.image)
    assert model.dims.point[0] == 24
    model.dims.set_point(0, 10)
    camera.center, camera.zoom = (0, 12, 5), 7.0
    choose(two, two.other)  # where the first one lies: the view stays as it is
    assert model.dims.point[0] == 10 and list(camera.center)[1:] == [12, 5] and camera.zoom == 7


def test_undo_belongs_to_the_image(two: Any) -> None:
    click(two, BRIGHT)
    choose(two, two.other)
    two.control.undo()
    assert two.control.status.sentence == "Nothing to undo."
    choose(two, two.image)
    two.control.undo()
    assert two.control.result is None and layer_of(two, two.image, "preview") is None


def test_removing_all_layers_empties_the_legend(two: Any) -> None:
    segment(two)
    two.viewer.layers.clear()
    two.control.layers_changed()
    two.control.source.refresh()
    assert two.told[-1] is None and two.control.state.shown == {}
    assert two.control.status.state is State.NO_IMAGE


def test_a_removed_preview_is_discarded_and_undo_brings_it_back(dock: Any) -> None:
    segment(dock)
    shown = dock.control.result.labels.copy()
    dock.viewer.layers.remove(ours(dock, "preview"))
    dock.control.layers_changed()
    assert dock.control.result is None and ours(dock, "tokens") is None
    dock.control.undo()
    np.testing.assert_array_equal(ours(dock, "preview").data, shown)


def test_a_removed_segmentation_is_forgotten(dock: Any) -> None:
    segment(dock)
    dock.control.accept()
    dock.viewer.layers.remove(ours(dock, "seg"))
    dock.control.layers_changed()
    assert dock.control.result is None and not dock.control.saving.exportable


def test_going_back_to_the_model_makes_the_result_fresh_again(dock: Any) -> None:
    segment(dock)
    for model, state in (("another", State.STALE), ("fake", State.PREVIEW)):
        dock.choices.model = model
        dock.control.source.refresh()
        dock.queue.run_all()
        assert dock.control.status.state is state


def test_a_run_on_voxels_changed_in_place_starts_over_with_the_new_ones(dock: Any) -> None:
    from napari_scd.viewer.logic.failures import VoxelsChanged

    click(dock, BRIGHT)
    before = dock.control.state.key
    dock.backend.fail = VoxelsChanged()
    segment(dock)
    assert dock.control.status.state is State.DONE and dock.control.state.key != before
    calls = dock.backend.calls[-4:]
    assert calls == ["segment", "prepare", "segment", "prepare"], "and nothing is warmed up before it"
    assert dock.control.result.clicks == []


def test_an_image_of_another_size_is_taken_anew(dock: Any) -> None:
    segment(dock)
    dock.image.data = blob((20, 24, 28))
    dock.control.source.refresh()
    dock.queue.run_all()
    assert dock.control.result is None and ours(dock, "preview") is None
    assert dock.control.status.sentence.startswith("28x24x20")
    segment(dock)
    assert ours(dock, "preview").data.shape == (20, 24, 28)


# -- frames


@pytest.fixture
def frames(model: Any) -> Any:
    data = np.stack([blob(), np.roll(blob(), 5, axis=2), np.roll(blob(), -5, axis=1)])
    dock = make_dock(model, data=data, scale=(1, 2, 1, 1), units=("pixel", "mm", "mm", "mm"))
    go_to_frame(dock, 0)
    return dock


def go_to_frame(dock: Any, frame: int) -> None:
    dock.viewer.dims.set_point(0, frame)
    dock.control.source.refresh()
    dock.queue.run_all()


def test_the_status_names_the_frame(frames: Any) -> None:
    assert frames.control.status.sentence.startswith("Frame 1 of 3: 32x28x24")
    go_to_frame(frames, 2)
    segment(frames)
    assert frames.control.status.sentence.startswith("Frame 3 of 3: 4 labels, 2 found")
    frames.control.state.say_again()
    assert frames.control.status.sentence.count("Frame") == 1


def test_every_frame_keeps_its_result(frames: Any) -> None:
    segment(frames)
    first = frames.control.result
    tokens = ours(frames, "tokens").data.copy()
    go_to_frame(frames, 1)
    assert frames.control.result is None and ours(frames, "tokens") is None
    click(frames, tuple(int(i) for i in np.argwhere(frames.image.data[1] > 80)[0]))
    assert frames.control.result is not None and frames.control.result.base is None
    go_to_frame(frames, 0)
    assert frames.control.result is first
    np.testing.assert_array_equal(ours(frames, "tokens").data, tokens)
    frames.control.discard()
    preview = ours(frames, "preview").data
    assert not preview[0].any() and preview[1].any(), "only this frame's preview goes"


def test_all_frames_are_one_run_and_one_accept(frames: Any) -> None:
    frames.choices.all_frames = True
    segment(frames)
    assert (
        frames.control.status.sentence == "Frame 1 of 3: all 3 frames are segmented. Accept (U) or Discard."
    )
    preview = ours(frames, "preview").data.copy()
    assert all(frame.any() for frame in preview)
    frames.control.accept()
    np.testing.assert_array_equal(ours(frames, "seg").data, preview)
    assert ours(frames, "preview") is None
    go_to_frame(frames, 2)
    frames.control.undo()
    seg = ours(frames, "seg").data
    assert not seg[2].any() and seg[0].any() and ours(frames, "preview").data[2].any()


def test_export_writes_the_frame_or_all_of_them(frames: Any, tmp_path: Any) -> None:
    import nibabel as nib

    frames.choices.all_frames = True
    segment(frames)
    go_to_frame(frames, 1)
    frames.choices.all_frames = False
    frames.control.export(tmp_path / "one.nii.gz")
    frames.queue.run_all()
    (written,) = tmp_path.glob("one_frame?.nii.gz")
    assert written.name == "one_frame2.nii.gz"
    voxels = int((np.asarray(nib.load(written).dataobj) > 0).sum())
    assert voxels == int((frames.control.result.labels > 0).sum())
    frames.choices.all_frames = True
    frames.control.export(tmp_path / "all.nii.gz")
    frames.queue.run_all()
    names = sorted(path.name for path in tmp_path.glob("all_frame?.nii.gz"))
    assert names == [f"all_frame{number}.nii.gz" for number in (1, 2, 3)]
    assert "Saved 3 frames" in frames.control.status.sentence


def test_a_run_over_all_frames_goes_on_while_the_user_looks_at_another_one(frames: Any) -> None:
    frames.choices.all_frames = True
    frames.control.segment()
    frames.queue.begin()
    frames.viewer.dims.set_point(0, 2)
    frames.control.source.refresh()
    frames.queue.finish()
    assert frames.control.view.frame == (2,) and frames.control.result is not None
    assert all(frame.any() for frame in ours(frames, "preview").data)


def test_another_model_ends_a_run_over_all_frames(frames: Any) -> None:
    frames.choices.all_frames = True
    frames.control.segment()
    frames.queue.begin()
    frames.choices.model = "another"
    frames.control.source.refresh()
    frames.queue.finish()
    assert frames.control.result is None and ours(frames, "preview") is None


def test_a_dock_that_is_opened_again_takes_over_what_the_one_before_left(dock: Any) -> None:
    segment(dock)
    before, names = dock.control.result, [layer.name for layer in dock.viewer.layers]
    dock.control.close()
    left = dict(ours(dock, "preview").metadata)
    copied = dock.viewer.add_labels(np.zeros((4, 4, 4), np.uint8), metadata=left)
    queue = HandQueue()
    control = Controller(LayerStore(dock.viewer), queue, FakeBackend("whole"), dock.choices.copy())
    assert not any("scd_dock" in layer.metadata for layer in dock.viewer.layers)
    assert control.store.ours(dock.image.unique_id, "preview") is not copied
    control.source.preload()
    queue.run_all()
    assert control.result is before and control.status.sentence.startswith("Preview: ")
    control.segment()
    queue.run_all()
    assert [layer.name for layer in dock.viewer.layers][: len(names)] == names, "no second set of layers"
    assert len(dock.viewer.layers) == len(names) + 1
    for _ in range(2):
        control.undo()
    assert control.result is None, "undo goes back beyond the closing"
