from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest

from napari_scd.engine import stage_table
from napari_scd.errors import InputError
from napari_scd.viewer import layers as geometry
from napari_scd.viewer.plugin import files
from napari_scd.volume import Volume, read_label_table, read_labels, read_volume, write_labels

from ..conftest import TABLE, blob

if TYPE_CHECKING:
    from pathlib import Path

RAS = np.array([[-0.9, 0.1, 0, 30], [0.1, 0.9, 0, -40], [0, 0, 2.5, -20], [0, 0, 0, 1.0]])


@pytest.fixture
def oblique(tmp_path: Path) -> Path:
    path = tmp_path / "scan.nii.gz"
    image = nib.Nifti1Image(blob((20, 24, 16)), RAS)
    image.set_qform(RAS, 1)
    image.set_sform(RAS, 2)
    image.to_filename(path)
    return path


def test_only_endings_we_know(oblique: Path) -> None:
    assert files.get_reader(str(oblique)) is files.read_layers
    assert files.get_reader(["a.nii", "b.mgz"]) is files.read_layers
    assert files.get_reader("a.tif") is None and files.get_reader([]) is None


def test_a_scan_is_shown_upright_and_in_mm(model: Any, oblique: Path) -> None:
    ((data, keywords, kind),) = files.read_layers(str(oblique))
    layer = model.add_image(data, **keywords)
    assert kind == "image" and layer.name == "scan" and (np.asarray(layer.scale) > 0).all()
    assert data.shape == (16, 24, 20) and layer.axis_labels == ("z", "y", "x")
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
    volume = read_volume(oblique)
    middle = (np.asarray(data.shape) - 1) / 2
    assert np.allclose(layer.data_to_world(middle), (volume.affine @ [*middle, 1])[:3]), (
        "middle stays in place"
    )
    record = json.loads(json.dumps(layer.metadata["scd_source"]))
    assert record["shape"] == [16, 24, 20] and np.allclose(record["affine_spl"], volume.affine)


def test_our_layers_say_their_orientation_and_voxel_size(model: Any, oblique: Path) -> None:
    ((data, keywords, _),) = files.read_layers(str(oblique))
    view = geometry.look_at(model.add_image(data, **keywords))
    assert view.orientation_known and view.voxel_size_known


def test_a_file_without_orientation_says_so(model: Any, tmp_path: Path) -> None:
    image = nib.Nifti1Image(blob(), None)
    image.header["qform_code"] = image.header["sform_code"] = 0
    image.to_filename(tmp_path / "bare.nii")
    ((data, keywords, _),) = files.read_layers(str(tmp_path / "bare.nii"))
    assert not geometry.look_at(model.add_image(data, **keywords)).orientation_known


def test_4d_files_have_their_frames_first(model: Any, tmp_path: Path) -> None:
    data = np.stack([blob((10, 12, 14)) + i for i in range(4)], -1)
    nib.Nifti1Image(data, RAS).to_filename(tmp_path / "run.nii")
    ((shown, keywords, _),) = files.read_layers(str(tmp_path / "run.nii"))
    layer = model.add_image(shown, **keywords)
    assert shown.shape == (4, 14, 12, 10) and layer.axis_labels[0] == "t"
    view = geometry.look_at(layer, (2, 0, 0, 0))
    assert np.allclose(view.volume().array, read_volume(tmp_path / "run.nii", frame=2).array)


def test_label_maps_open_as_labels_with_names(model: Any, oblique: Path, tmp_path: Path) -> None:
    scan = read_volume(oblique)
    labels = scan.with_array((scan.array > 50).astype(np.uint8))
    write_labels(tmp_path / "labels.nii.gz", labels, like=scan, table=TABLE)
    ((data, keywords, kind),) = files.read_layers(str(tmp_path / "labels.nii.gz"))
    layer = model.add_labels(data, **keywords)
    assert kind == "labels" and list(layer.features["name"]) == list(TABLE.names)


def test_token_maps_open_as_a_veil(tmp_path: Path) -> None:
    tokens = Volume(np.arange(8, dtype=np.uint8).reshape(2, 2, 2) % 5, np.diag([8.0, 8, 8, 1]))
    write_labels(tmp_path / "tokens.nii.gz", tokens, table=stage_table(3))
    ((_, keywords, _),) = files.read_layers(str(tmp_path / "tokens.nii.gz"))
    assert keywords["metadata"]["scd_tokens"] == 3 and keywords["opacity"] == 1
    assert keywords["colormap"].color_dict[1][3] == pytest.approx(0.75)


@pytest.mark.parametrize("name", ["missing.nii", "broken.nii.gz"])
def test_bad_files_give_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.nii.gz").write_bytes(b"no image")
    with pytest.raises(InputError) as caught:
        files.read_layers(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_saved_labels_lie_exactly_on_the_scan(model: Any, oblique: Path, tmp_path: Path) -> None:
    ((data, keywords, _),) = files.read_layers(str(oblique))
    image = model.add_image(data, **keywords)
    metadata = {"scd": {"labels": TABLE.to_list()}, "scd_source": image.metadata["scd_source"]}
    labels = (data > 50).astype(np.uint8)
    path = str(tmp_path / "out.nii.gz")
    assert files.write_labels_layer(path, labels, {"metadata": metadata, "scale": image.scale}) == [path]
    written, scan = nib.load(path), nib.load(oblique)
    assert np.allclose(written.affine, scan.affine, atol=1e-5)
    assert int(written.header["sform_code"]) == 2 and int(written.header["qform_code"]) == 1
    assert np.array_equal(np.asarray(written.dataobj), (scan.get_fdata() > 50).astype(np.uint8))
    assert read_label_table(path).names == TABLE.names


def test_layers_of_other_readers_keep_their_place(model: Any, tmp_path: Path) -> None:
    layer = model.add_labels(
        (blob() > 50).astype(np.uint8), scale=(3, 2, 1), translate=(5, 6, 7), affine=np.diag([1, -1, 1, 1.0])
    )
    data, attributes, _ = layer.as_layer_data_tuple()
    path = str(tmp_path / "out.nii.gz")
    files.write_labels_layer(path, data, attributes)
    matrix = geometry.layer_matrix(layer)
    back = read_labels(path)
    places = np.argwhere(data)
    world = np.array([(matrix @ [*place, 1])[:3] for place in places]).mean(0)
    again = np.array([(back.affine @ [*place, 1])[:3] for place in np.argwhere(back.array)]).mean(0)
    assert np.allclose(world, again, atol=1e-4)


def test_several_frames_of_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one at a time"):
        files.write_labels_layer(str(tmp_path / "x.nii"), np.ones((2, 4, 4, 4), np.uint8), {})
    assert not list(tmp_path.iterdir())


def test_contrast_suits_ct_and_mr() -> None:
    ct = np.linspace(-1024, 1500, 8000).reshape(20, 20, 20).astype(np.int16)
    assert files.contrast_limits(ct) == files.CT_WINDOW
    low, high = files.contrast_limits(blob())
    assert low < 10 and 90 < high < 120
    assert files.contrast_limits(np.full((3, 3, 3), np.nan)) == (0.0, 1.0)
    low, high = files.contrast_limits(np.zeros((3, 3, 3)))
    assert high > low
