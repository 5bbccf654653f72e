"""All slices of a series, dropped on the window together or one by one, are one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import napari
import numpy as np
import pytest

pytest.importorskip("pydicom")

from napari_scd.viewer.plugin import read_layers  # noqa: E402 - after the check that pydicom is there

from ...dicom_writer import Spec, write_series  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

SPEC = Spec(np.random.default_rng(0).integers(0, 4096, (8, 14, 12)))


@pytest.fixture
def viewer(monkeypatch: pytest.MonkeyPatch) -> Any:
    from napari.components import ViewerModel

    model = ViewerModel()
    monkeypatch.setattr(napari, "current_viewer", lambda: model)
    return model


def open_one(viewer: Any, path: Path) -> None:
    """What napari does with each file that was dropped."""
    for layer in read_layers([str(path)]):
        if layer[0] is not None:
            viewer.add_image(layer[0], **layer[1])


def test_all_slices_together_are_one_layer(tmp_path: Path) -> None:
    slices = sorted(write_series(tmp_path / "ct", SPEC).iterdir())
    ((array, keywords, kind),) = read_layers(list(map(str, slices)))
    assert array.shape == SPEC.array.shape and (keywords["name"], kind) == ("Abdomen", "image")


def test_slices_one_by_one_are_one_layer(tmp_path: Path, viewer: Any) -> None:
    for path in sorted(write_series(tmp_path / "ct", SPEC).iterdir()):
        open_one(viewer, path)
    assert len(viewer.layers) == 1


def test_a_series_that_was_closed_opens_again(tmp_path: Path, viewer: Any) -> None:
    first, second, *_ = sorted(write_series(tmp_path / "ct", SPEC).iterdir())
    open_one(viewer, first)
    viewer.layers.clear()
    open_one(viewer, second)
    assert len(viewer.layers) == 1


def test_the_same_file_opens_as_often_as_it_is_asked_for(tmp_path: Path, viewer: Any) -> None:
    first = sorted(write_series(tmp_path / "ct", SPEC).iterdir())[0]
    open_one(viewer, first)
    open_one(viewer, first)
    assert len(viewer.layers) == 2
