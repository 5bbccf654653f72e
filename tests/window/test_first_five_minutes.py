"""What a new user does first, step by step, with mouse and keyboard; its pictures illustrate the guide.

``SCD_SHOTS=docs/images python -m pytest tests/window/test_first_five_minutes.py`` draws them again; where the
machine is busy, ``SCD_WAIT_S=900`` and ``--timeout 0`` wait longer.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import Qt  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402

from .conftest import CONTROL, SHIFT, Window  # noqa: E402

if TYPE_CHECKING:
    from napari_scd.volume import Volume

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]

World = tuple[float, float, float]


class Story(NamedTuple):
    """What the script does with one model.

    Attributes
    ----------
    scan
        A sample's title in File > Open Sample, or a file below ``../shared``.
    places
        Points to click, (z, y, x) in world mm.
    structure
        What is found there.
    volume_ml
        Between which sizes it lies.
    keep
        Where the slider is dragged to, in per cent.
    """

    scan: str
    places: tuple[World, ...]
    structure: str
    volume_ml: tuple[float, float]
    keep: int


STORIES = {
    "hippocampus-mr": Story("ICBM152 T1", ((-16, 20, 26), (-16, 20, -26)), "hippocampus", (2, 6), 35),
    "brain-mr": Story("ICBM152 T1", ((-16, 20, 26), (-16, 20, -26)), "hippocampus", (1, 8), 25),
    "abdomen-ct": Story("data/abdomen_ct/images/img0001.nii.gz", ((0, 0, 0),), "liver", (300, 3000), 25),
}
MODEL = "brain-mr"  # the model the guide shows


@pytest.mark.parametrize("model", list(STORIES))
def test_the_first_five_minutes(open_window: Any, tmp_path: Path, model: str) -> None:
    story = STORIES[model]
    window: Window = open_window(shipped=True, dock=False)
    say = f"five-minutes-{{}}{'' if model == MODEL else '-' + model}".format
    image = open_the_scan(window, story)
    open_the_dock(window, model)
    window.shoot(say("1-ready"))
    places = story.places if story.scan == "ICBM152 T1" else (middle_of_truth(image, story),)
    segment(window, story, places)
    window.shoot(say("2-segmented"))
    if model == MODEL:
        look_at_three_planes(window)
    show_the_tokens(window)
    if model == MODEL:
        window.shoot("dock")
    drag_keep(window, story)
    window.shoot(say("3-keep"))
    compare_with_dense(window)
    look_in_3d(window)
    window.shoot(say("4-blocks"))
    explode(window)
    click_a_structure(window, story, places[0])
    window.shoot(say("5-clicked"))
    accepted = accept_and_undo(window)
    window.shoot(say("6-accepted"))
    export_and_reopen(window, image, accepted, tmp_path / "labels.nii.gz")
    window.shoot(say("7-reopened"))


def open_the_scan(window: Window, story: Story) -> Any:
    """1: File > Open Sample > SCD > ICBM152 T1 (or a file, where the model is for another kind of scan)."""
    if story.scan == "ICBM152 T1":
        pytest.importorskip("nilearn")
        window.menu("File", "Open Sample", "SCD", "ICBM152 T1")
    else:
        path = Path(__file__).parents[2].parent / "shared" / story.scan
        if not path.exists():
            pytest.skip(f"{story.scan} is not there")
        window.viewer.open(str(path), plugin="napari-scd")
    window.until(lambda: len(window.viewer.layers) == 1)
    return window.viewer.layers[0]


def open_the_dock(window: Window, model: str) -> None:
    """2: Plugins > SCD; the model that suits the scan is chosen, and says what a run costs."""
    window.open_dock()
    if window.part("model").findText(model, Qt.MatchFlag.MatchStartsWith) < 0:
        pytest.skip(f"{model} is not there")
    window.choose("model", model)
    window.wait(State.READY)
    window.until(lambda: not window.control.busy)
    assert window.part("warnings").isVisible() is False


def segment(window: Window, story: Story, places: tuple[World, ...]) -> None:
    """3: Segment volume, or a click on each side for a model that finds one structure."""
    if window.part("run").isEnabled():
        told: list[str] = []
        window.control.state.status_changed.connect(lambda status: told.append(status.sentence))
        window.press("run")
        window.until(window.part("cancel").isVisible)
        window.wait(State.DONE)
        assert any(text.startswith("Window ") for text in told), "progress is told"
        show(window, places[0])
    else:
        show(window, places[0])
        window.press("click")
        for number, place in enumerate(places, start=1):
            window.click(place)
            window.until(lambda n=number: window.control.result is not None and n_clicks(window) == n)
        window.wait(State.PREVIEW)
        window.press("click")
    assert window.part("legend").topLevelItemCount() > 0
    assert any(low_high(story, voxels.volume_ml) for voxels in window.control.result.found().values())


def look_at_three_planes(window: Window) -> None:
    """3b: Three planes through the structure that was clicked in the legend."""
    window.press("planes")
    legend = window.part("legend")
    (row,) = [
        row for row in range(legend.topLevelItemCount()) if "hippocampus" in legend.topLevelItem(row).text(0)
    ][:1]
    before = tuple(window.viewer.dims.point)
    legend.itemClicked.emit(legend.topLevelItem(row), 0)
    assert tuple(window.viewer.dims.point) != before
    window.qtbot.wait(300)
    window.shoot("five-minutes-three-planes")
    window.press("planes")
    window.viewer.dims.set_point((0, 1, 2), before)


def show_the_tokens(window: Window) -> None:
    """3c: H dims what the network dropped."""
    window.key(Qt.Key.Key_H)
    assert window.part("show").currentText() == "Dim pruned" and window.layer("tokens").visible


def drag_keep(window: Window, story: Story) -> None:
    """4: Drag Keep: tokens dim while the mouse moves, the segmentation follows when it rests."""
    before = window.layer("tokens").data.copy()
    estimates: list[int] = []
    window.control.state.cost_changed.connect(lambda cost: estimates.append(cost.tokens[-1]))
    start = window.part("keep").value()
    window.drag("keep", np.linspace(start, story.keep, 12))
    assert abs(window.part("keep").value() - story.keep) <= 1
    assert len(set(estimates)) > 1, "costs follow while it moves"
    keep = window.part("keep").value() / 100
    window.until(lambda: keep_shown(window) == pytest.approx(keep))
    window.until(lambda: not window.control.busy)
    assert (window.layer("tokens").data != before).any()


def compare_with_dense(window: Window) -> None:
    """4b: How far does the visible window agree with the same network without pruning?"""
    window.press("compare")
    window.until(lambda: "with dense" in window.part("status").text())
    window.until(lambda: not window.control.busy)
    assert window.control.status.sentence.startswith("Keep 0.")


def explode(window: Window) -> None:
    """5b: The stages as a layer with a slider of its own: ever fewer blocks are alive."""
    before = len(window.viewer.layers)
    window.press("explode")
    window.until(lambda: len(window.viewer.layers) == before + 1)
    layer = window.layer("stages")
    alive = (layer.data >= 2).sum(axis=(1, 2, 3))
    assert len(alive) == window.control.result.n_stages + 1 and (np.diff(alive.astype(int)) < 0).all()
    tokens = window.layer("tokens")
    assert np.allclose(layer.data_to_world((1, 4, 5, 6))[1:], tokens.data_to_world((4, 5, 6)), atol=1e-3)
    window.viewer.layers.remove(layer)
    assert window.viewer.dims.ndim == 3


def look_in_3d(window: Window) -> None:
    """5: 3D, last stage: the surviving blocks around the anatomy, left and right as they are."""
    window.press("view.3d")
    stages = window.control.result.n_stages
    for _ in range(stages):
        window.key(Qt.Key.Key_N)
    assert window.part(f"stage.{stages}").isChecked() and window.viewer.dims.ndisplay == 3
    assert "mirror" not in window.part("warnings").text()
    window.qtbot.wait(200)


def click_a_structure(window: Window, story: Story, place: World) -> None:
    """6a: Back to axial slices, K, click: what is on screen goes, and comes again with the next click."""
    window.press("view.axial")
    place = inside(window, place)
    show(window, place)
    window.key(Qt.Key.Key_K)
    before = int((window.layer("preview").data > 0).sum())
    window.click(place)
    window.until(lambda: int((window.layer("preview").data > 0).sum()) < before)
    said = window.part("status").text()
    assert said.startswith("Preview") or (said.startswith("Removed ") and story.structure in said)
    window.click(place)
    window.until(lambda: n_clicks(window) > 0 and not window.control.busy)
    window.wait(State.PREVIEW)
    assert any(story.structure in click.name for click in window.control.result.clicks)
    window.key(Qt.Key.Key_K)


def accept_and_undo(window: Window) -> np.ndarray:
    """6b: U, Ctrl+Z, Ctrl+Shift+Z."""
    window.key(Qt.Key.Key_U)
    seg = window.layer("seg")
    accepted = seg.data.copy()
    assert accepted.any() and window.layer("preview") is None
    window.key(Qt.Key.Key_Z, CONTROL)
    assert not seg.data.any()
    window.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert np.array_equal(seg.data, accepted)
    return accepted


def export_and_reopen(window: Window, image: Any, accepted: np.ndarray, path: Path) -> None:
    """7: Export, reopen: the same labels, names and tokens, exactly where they were."""
    tokens = window.layer("tokens")
    window.control.export(path)
    window.until(lambda: window.part("status").text().startswith(f"Saved {path.name}"))
    (labels,) = window.viewer.open(str(path), plugin="napari-scd")
    assert np.array_equal(labels.data, accepted)
    assert np.allclose(labels.data_to_world((5, 6, 7)), image.data_to_world((5, 6, 7)), atol=1e-3)
    assert set(window.layer("seg").features["name"]) == set(labels.features["name"])
    (again,) = window.viewer.open(str(path.with_name("labels_tokens.nii.gz")), plugin="napari-scd")
    assert np.array_equal(again.data, tokens.data)
    assert np.allclose(again.data_to_world((1, 2, 3)), tokens.data_to_world((1, 2, 3)), atol=1e-3)
    for layer in (window.layer("seg"), tokens):
        layer.visible = False


def show(window: Window, place: World) -> None:
    window.viewer.dims.set_point(0, place[0])
    window.qtbot.wait(50)


def inside(window: Window, place: World) -> World:
    """The labelled voxel nearest a point: at another keep ratio the point itself may lie beside."""
    image = window.control.store.layer(window.control.view.uid)
    voxels = np.argwhere(window.layer("preview").data)
    distances = np.square(voxels - np.asarray(image.world_to_data(place))).sum(axis=1)
    return tuple(float(value) for value in image.data_to_world(voxels[distances.argmin()]))


def n_clicks(window: Window) -> int:
    return 0 if window.control.result is None else len(window.control.result.clicks)


def keep_shown(window: Window) -> float:
    """Keep ratio of what is on screen."""
    result = window.control.result
    if result.base is None:
        return result.clicks[0].keep[0]
    said = re.match(r"Keep ([0-9.]+) in the visible window", window.part("status").text())
    return float(said[1]) if said else -1.0


def low_high(story: Story, volume_ml: float) -> bool:
    return story.volume_ml[0] < volume_ml < story.volume_ml[1]


def middle_of_truth(image: Any, story: Story) -> World:
    """A point inside the structure, from the scan's own label map."""
    from napari_scd.volume import read_labels

    source = Path(image.metadata["scd_source"]["path"])
    truth: Volume = read_labels(source.parent.parent / "labels" / source.name)
    inside = np.argwhere(truth.array == 6)
    nearest = inside[np.square(inside - inside.mean(axis=0)).sum(axis=1).argmin()]
    return tuple(float(value) for value in image.data_to_world(nearest))
