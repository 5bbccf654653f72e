from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.viewer import layers as geometry
from napari_scd.viewer.logic import merging
from napari_scd.viewer.logic.export import Export, with_ending
from napari_scd.viewer.plugin import files
from napari_scd.volume import read_label_table, read_labels, read_volume

from ..conftest import TABLE, fake_segmentation
from ..plugin.test_files import oblique  # noqa: F401 (a fixture)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def export(model: Any, oblique: Path) -> Export:  # noqa: F811
    ((data, keywords, _),) = files.read_layers(str(oblique))
    view = geometry.look_at(model.add_image(data, **keywords))
    result = merging.from_run(fake_segmentation(view.volume(), 0.5), view, TABLE)
    return Export(view, TABLE, result.labels, result.tokens, result.scores, result.report)


def test_everything_is_written_beside_each_other(export: Export, tmp_path: Path) -> None:
    written = export.write(tmp_path / "out.nii.gz")
    names = ["out.nii.gz", "out_tokens.nii.gz", "out_score.nii.gz", "out.json", "out_labels.txt"]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "scan.nii.gz"])
    record = json.loads((tmp_path / "out.json").read_text())
    assert record["run"]["model"] == "fake" and record["structures"][0]["voxels"] == int(
        (export.labels == 1).sum()
    )
    assert '"left kidney"' in (tmp_path / "out_labels.txt").read_text()
    assert read_label_table(tmp_path / "out.nii.gz").names == TABLE.names


def test_labels_have_the_scans_own_geometry(export: Export, tmp_path: Path) -> None:
    export.write(tmp_path / "out.nii.gz")
    written, scan = nib.load(tmp_path / "out.nii.gz"), nib.load(tmp_path / "scan.nii.gz")
    assert np.allclose(written.affine, scan.affine, atol=1e-5)
    assert np.array_equal(read_labels(tmp_path / "out.nii.gz").array, export.labels)


def test_tokens_lie_on_the_scan_although_the_display_was_straightened(export: Export, tmp_path: Path) -> None:
    export.write(tmp_path / "out.nii.gz")
    scan, tokens = read_volume(tmp_path / "scan.nii.gz"), read_labels(tmp_path / "out_tokens.nii.gz")
    shown = np.linalg.solve(export.view.affine, export.tokens.affine)
    true = np.linalg.solve(scan.affine, tokens.affine)
    assert np.allclose(shown, true, atol=1e-4), "the same voxels under the same tokens"


def test_reopened_files_overlay_exactly(model: Any, export: Export, tmp_path: Path) -> None:
    export.write(tmp_path / "out.nii.gz")
    layers = []
    for name in ("scan.nii.gz", "out.nii.gz"):
        ((data, keywords, kind),) = files.read_layers(str(tmp_path / name))
        layers.append(getattr(model, f"add_{kind}")(data, **keywords))
    assert np.allclose(geometry.layer_matrix(layers[0]), geometry.layer_matrix(layers[1]), atol=1e-5)


def test_without_its_file_the_recorded_geometry_counts(export: Export, tmp_path: Path) -> None:
    (tmp_path / "scan.nii.gz").unlink()
    export.write(tmp_path / "out.nii.gz")
    affine = read_labels(tmp_path / "out.nii.gz").affine
    assert np.allclose(affine, export.view.source["affine_spl"], atol=1e-4)


def test_an_unwritable_place_gives_a_sentence_and_leaves_nothing(export: Export, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="folder"):
        export.write(tmp_path / "nowhere" / "out.nii.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_endings() -> None:
    assert with_ending("a") == "a.nii.gz"
    assert with_ending("a.mgz") == "a.mgz" and with_ending("a.NII") == "a.NII"
