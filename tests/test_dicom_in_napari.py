"""The dock's and napari's way with DICOM: folders and files in, segmentations out and in again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom")
pytest.importorskip("highdicom")

from napari_scd.errors import InputError  # noqa: E402 - after the check that they are there
from napari_scd.viewer import layers as geometry  # noqa: E402
from napari_scd.viewer.layers.layer_place import look_of  # noqa: E402
from napari_scd.viewer.logic.export import Export  # noqa: E402
from napari_scd.viewer.plugin import dicom_dialog as dicom  # noqa: E402
from napari_scd.viewer.plugin import files  # noqa: E402
from napari_scd.volume import LabelTable, paste, read_labels, read_volume  # noqa: E402

from .dicom_writer import Spec, write_series  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

TABLE = LabelTable.from_names(["liver", "spleen"])
SPEC = Spec(np.random.default_rng(0).integers(0, 4096, (8, 14, 12)))


@pytest.fixture
def model() -> Any:
    from napari.components import ViewerModel

    return ViewerModel()


def test_folders_and_files_are_ours_where_they_hold_dicom(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", SPEC)
    assert files.get_reader(str(folder)) is files.read_layers
    assert files.get_reader(str(folder / "IM040001")) is files.read_layers
    (tmp_path / "tiffs").mkdir()
    (tmp_path / "tiffs" / "a.tif").write_bytes(b"II*\0" * 50)
    assert files.get_reader(str(tmp_path / "tiffs")) is None


def test_napari_offers_the_reader_for_folders(tmp_path: Path) -> None:
    from pathlib import Path as P

    from npe2 import PluginManager, PluginManifest

    import napari_scd

    manager = PluginManager()
    manager.register(PluginManifest.from_file(P(napari_scd.__file__).parent / "napari.yaml"))
    for path in (tmp_path, tmp_path / "slice.dcm"):
        assert [reader.command for reader in manager.iter_compatible_readers(path)] == ["napari-scd.read"]


def test_a_series_is_shown_upright_under_its_description(model: Any, tmp_path: Path) -> None:
    ((data, keywords, kind),) = files.read_layers(str(write_series(tmp_path / "ct", SPEC)))
    layer = model.add_image(data, **keywords)
    volume = read_volume(tmp_path / "ct")
    assert kind == "image" and layer.name == "Abdomen" and tuple(layer.contrast_limits) == files.CT_WINDOW
    np.testing.assert_allclose(geometry.look_at(layer).affine, volume.affine, atol=1e-9)
    assert geometry.look_at(layer).orientation_known


def test_labels_go_out_and_come_back_onto_the_scan(model: Any, tmp_path: Path) -> None:
    ((data, keywords, _),) = files.read_layers(str(write_series(tmp_path / "ct", SPEC)))
    image = model.add_image(data, **keywords)
    labels = np.zeros(data.shape, np.uint8)
    labels[2:5, 3:9, 4:8] = 1
    view = geometry.look_at(image)
    Export(view, TABLE, labels, None, None, {"n_stages": 3}).write(tmp_path / "out.dcm")
    ((found, shown, kind),) = files.read_layers(str(tmp_path / "out.dcm"))
    layer = model.add_labels(found, **shown)
    assert kind == "labels" and shown["features"]["name"] == [TABLE.name_of(1)]
    for index in np.argwhere(found)[::11]:
        at = np.asarray(image.world_to_data(layer.data_to_world(index))).round().astype(int)
        assert labels[tuple(at)] == 1
    assert int(found.astype(bool).sum()) == int(labels.sum())
    np.testing.assert_array_equal(
        paste(read_labels(tmp_path / "out.dcm"), read_volume(tmp_path / "ct")).array, labels
    )


def test_napari_saves_labels_as_a_dicom_segmentation(model: Any, tmp_path: Path) -> None:
    ((data, keywords, _),) = files.read_layers(str(write_series(tmp_path / "ct", SPEC)))
    image = model.add_image(data, **keywords)
    labels = (data > 2000).astype(np.uint8)
    look = look_of(image)
    metadata = {"scd_source": keywords["metadata"]["scd_source"], "scd_labels": TABLE.to_list()}
    written = files.write_labels_layer(str(tmp_path / "saved.dcm"), labels, {**look, "metadata": metadata})
    again = paste(read_labels(written[0]), read_volume(tmp_path / "ct"))
    np.testing.assert_array_equal(again.array, labels)


@pytest.mark.parametrize("spread", ["folders", "part"])
def test_labels_of_a_series_that_no_file_leads_to_are_saved(tmp_path: Path, spread: str) -> None:
    folder = write_series(tmp_path / "ct", SPEC)
    slices = sorted(folder.iterdir(), key=lambda path: pydicom.dcmread(path).InstanceNumber)
    if spread == "folders":
        (folder / "below").mkdir()
        for path in slices[:3]:
            path.rename(folder / "below" / path.name)
        ((data, keywords, _),) = files.read_layers(str(folder))
    else:
        ((data, keywords, _),) = files.read_layers([str(path) for path in slices[:5]])
    labels = np.ones(data.shape, np.uint8)
    metadata = {"scd_source": keywords["metadata"]["scd_source"], "scd_labels": TABLE.to_list()}
    files.write_labels_layer(str(tmp_path / "saved.dcm"), labels, {"metadata": metadata})
    assert read_labels(tmp_path / "saved.dcm").spatial_shape == data.shape


def test_files_dropped_with_the_slices_are_left_out(tmp_path: Path) -> None:
    folder = write_series(tmp_path / "ct", SPEC)
    (folder / "README.txt").write_text("of the disc")
    (folder / "IM99").touch()
    dropped = [str(path) for path in sorted(folder.iterdir())]
    reader = files.get_reader(dropped)
    assert reader is not None
    ((data, keywords, _),) = reader(dropped)
    assert data.shape == SPEC.array.shape
    (sentence,) = keywords["metadata"]["scd_source"]["warnings"]
    assert sentence == "Left out: IM99 (empty); README.txt (not a DICOM file)."


def test_of_several_series_the_user_chooses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_series(tmp_path, SPEC)
    write_series(tmp_path, replace(SPEC, array=SPEC.array[:5], number=9, description="Thorax"))
    with pytest.raises(InputError, match="holds 2 series .*: choose one"):
        files.read_layers(str(tmp_path))
    asked: list[list[str]] = []

    def choose(parent: Any, title: str, question: str, lines: list[str], *_: Any) -> tuple[str, bool]:
        asked.append(lines)
        return lines[1], len(asked) == 1

    monkeypatch.setattr(dicom, "_window", lambda: object())
    monkeypatch.setattr(dicom.QInputDialog, "getItem", staticmethod(choose))
    ((data, keywords, _),) = files.read_layers(str(tmp_path))
    assert data.shape == (5, 14, 12) and keywords["name"] == "Thorax"
    assert asked[0] == ["4: CT, Abdomen, 8 axial images", "9: CT, Thorax, 5 axial images"]
    assert files.read_layers(str(tmp_path)) == [(None,)]
