"""Measures, comparison and surfaces of what is on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_scd.viewer.logic.measure_table import table_of
from napari_scd.volume import Volume, measure_structures

from ..conftest import TABLE, blob, make_dock
from .test_controller import DARK, ours, segment
from .test_edits import paint

if TYPE_CHECKING:
    from pathlib import Path


def measured(dock: Any, uid: Any = None) -> Any:
    told: list[Any] = []
    dock.control.measuring.measured.connect(told.append)
    if uid is None:
        dock.control.measuring.measure()
    else:
        dock.control.measuring.compare_with(uid)
    dock.queue.run_all()
    dock.control.measuring.measured.disconnect(told.append)
    return told[-1] if told else None


def test_measures_are_those_of_the_command_line(dock: Any, tmp_path: Path) -> None:
    segment(dock)
    found = measured(dock)
    labels, scan = Volume(ours(dock, "preview").data, dock.control.view.affine), dock.control.view.volume()
    wanted = [row for row in measure_structures(labels, TABLE, scan) if row.volume_ml]
    assert list(found.structures) == wanted and len(wanted) == 2
    assert dock.control.status.sentence.startswith("Measured 2 structures. Preview: ")
    titles, hints, rows = table_of(found)
    assert len(titles) == len(hints) == len(rows[0]) and rows[0][0] == "anterior hippocampus"
    assert rows[0][titles.index("ml")] == f"{wanted[0].volume_ml:.2f}"
    dock.choices.world_axes = None
    dock.control.source.refresh()
    dock.queue.run_all()
    segment(dock)
    assert "left ml?" in table_of(measured(dock)).titles, "left and right are not known"
    dock.control.measuring.save(found, tmp_path / "table.csv")
    dock.queue.run_all()
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert lines[0].startswith("case,structure,label,volume_ml") and len(lines) == 3
    assert dock.control.status.sentence.startswith(f"Saved table.csv in {tmp_path}.")


def test_the_segmentation_is_measured_with_the_preview_on_top(dock: Any) -> None:
    segment(dock)
    dock.control.accept()
    paint(ours(dock, "seg"), [DARK], 4)
    segment(dock)
    names = [row.structure for row in measured(dock).structures]
    assert names == ["anterior hippocampus", "posterior hippocampus", "right kidney"]


def test_labels_are_compared_with_another_layer(dock: Any) -> None:
    segment(dock)
    earlier = ours(dock, "preview").data.copy()
    earlier[:10] = 0
    layer = dock.viewer.add_labels(earlier, name="last year", scale=dock.image.scale, units="mm")
    assert layer in dock.control.measuring.comparable()
    assert ours(dock, "preview") not in dock.control.measuring.comparable()
    found = measured(dock, layer.unique_id)
    now, before = ours(dock, "preview").data == 1, earlier == 1
    first = found.changes[0]
    assert found.before == "last year" and first.structure == "anterior hippocampus"
    assert first.dice == pytest.approx(2 * (now & before).sum() / (now.sum() + before.sum()))
    titles, _, rows = table_of(found)
    assert rows[0][titles.index("change ml")] == f"{first.change_ml:+.2f}"
    assert found.csv().startswith("structure,before_ml,after_ml")


def test_nothing_on_screen_cannot_be_measured(dock: Any) -> None:
    assert measured(dock) is None
    assert dock.control.status.sentence == "Nothing to measure: segment or click first."
    dock.control.surfaces.show(["anterior hippocampus"])
    assert dock.control.status.sentence == "No surfaces: segment or click first."


def test_surfaces_take_the_place_of_labels_in_3d(dock: Any) -> None:
    segment(dock)
    preview = dock.control.store.ours(dock.image.unique_id, "preview")
    dock.control.surfaces.show(["anterior hippocampus"])
    dock.queue.run_all()
    assert preview.visible, "in slices both are seen"
    dock.viewer.dims.ndisplay = 3
    dock.control.layers.recolour()
    assert not preview.visible
    dock.viewer.dims.ndisplay = 2
    dock.control.layers.recolour()
    assert preview.visible
    preview.visible = False
    for ndisplay in (3, 2):
        dock.viewer.dims.ndisplay = ndisplay
        dock.control.layers.recolour()
    assert not preview.visible, "the user had hidden it"


def test_surfaces_lie_on_the_structures(dock: Any) -> None:
    segment(dock)
    for _ in range(2):
        dock.control.surfaces.show(["anterior hippocampus", "left kidney"])
        dock.queue.run_all()
    surfaces = [layer for layer in dock.viewer.layers if type(layer).__name__ == "Surface"]
    assert [layer.name for layer in surfaces] == ["ct [SCD surface] anterior hippocampus"], "not doubled"
    assert dock.control.status.sentence.startswith("1 surface added as a layer: ")
    world = np.array([surfaces[0].data_to_world(vertex)[-3:] for vertex in surfaces[0].data[0]])
    inside = np.argwhere(ours(dock, "preview").data == 1) * (2, 1, 1)
    assert np.allclose(world.min(axis=0), inside.min(axis=0), atol=1.5)
    assert np.allclose(world.max(axis=0), inside.max(axis=0), atol=1.5)
    assert np.allclose(surfaces[0].vertex_colors[0][:3], np.array(TABLE.label_of(1).colour) / 255, atol=1e-3)


def test_surfaces_follow_the_order_of_the_axes_on_screen(dock: Any) -> None:
    segment(dock)
    dock.control.surfaces.show(["anterior hippocampus"])
    dock.queue.run_all()
    (layer,) = [one for one in dock.viewer.layers if type(one).__name__ == "Surface"]
    dock.control.show_view("3d")
    order = [axis - dock.viewer.dims.ndim for axis in dock.viewer.dims.displayed]
    assert order != sorted(order), "the patient stands upright"
    assert dock.viewer.dims.nsteps[0] == 1, "no slider"
    drawn, vertices = layer._view_vertices, layer.data[0]
    np.testing.assert_allclose(drawn, vertices[:, order])


def test_surfaces_of_a_frame_lie_at_that_frame(model: Any) -> None:
    dock = make_dock(
        model, data=np.stack([blob(), blob()]), scale=(1, 2, 1, 1), units=("pixel", "mm", "mm", "mm")
    )
    dock.viewer.dims.set_point(0, 1)
    dock.control.source.refresh()
    dock.queue.run_all()
    segment(dock)
    dock.control.surfaces.show(["anterior hippocampus"])
    dock.queue.run_all()
    (layer,) = [one for one in dock.viewer.layers if type(one).__name__ == "Surface"]
    assert layer.ndim == 4 and layer.data_to_world(layer.data[0][0])[0] == 1


@pytest.mark.parametrize("ending", [".stl", ".obj", ".ply"])
def test_surfaces_are_saved_in_patient_coordinates(dock: Any, tmp_path: Path, ending: str) -> None:
    trimesh = pytest.importorskip("trimesh")
    segment(dock)
    one, several = tmp_path / f"one{ending}", tmp_path / f"all{ending}"
    dock.control.surfaces.save(["anterior hippocampus"], one)
    dock.control.surfaces.save(["anterior hippocampus", "posterior hippocampus"], several)
    dock.queue.run_all()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {one.name, f"all_anterior-hippocampus{ending}", f"all_posterior-hippocampus{ending}"}
    assert dock.control.status.sentence.startswith(f"Saved 2 surfaces in {tmp_path}: ")
    mesh = trimesh.load(one)
    places = np.argwhere(ours(dock, "preview").data == 1)
    spl = places @ dock.control.view.affine[:3, :3].T + dock.control.view.affine[:3, 3]
    assert np.allclose(mesh.bounds[0], spl[:, ::-1].min(axis=0), atol=1.5)
    assert np.allclose(mesh.bounds[1], spl[:, ::-1].max(axis=0), atol=1.5)


def test_a_place_that_cannot_be_written_is_said(dock: Any, tmp_path: Path) -> None:
    segment(dock)
    dock.control.surfaces.save(["anterior hippocampus"], tmp_path / "missing" / "one.stl")
    dock.queue.run_all()
    assert dock.control.status.state.name == "ERROR" and "one.stl" in dock.control.status.sentence
