from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_scd.viewer.layers.look import look_at
from napari_scd.viewer.layers.planes import THREE_PLANES, Cuts, outlines

S, P, L = 4, 6, 8
RNG = np.random.default_rng(0)
DATA = RNG.integers(0, 200, (S, P, L)).astype(np.int16)
# the same scan as other readers bring it: array axes turned, affine to match
TURNS: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "as ours": (DATA, np.diag([5.0, 2, 1, 1])),
    "turned and flipped": (
        DATA.transpose(2, 0, 1)[::-1, :, ::-1],
        np.array([[0, 5, 0, 0], [0, 0, -2, 10], [-1, 0, 0, 7], [0, 0, 0, 1.0]]),
    ),
}


@pytest.mark.parametrize("name", list(TURNS))
def test_planes_stand_upright_whatever_way_the_array_runs(model: Any, name: str) -> None:
    array, affine = TURNS[name]
    view = look_at(model.add_image(array, affine=affine, units="mm"))
    cuts = Cuts(view)
    assert cuts.shape == (S, P, L) and np.allclose(cuts.spacing_mm, (5, 2, 1))
    axial, coronal, sagittal = THREE_PLANES
    assert np.array_equal(cuts.cut(array, axial, (1, 2, 3)), DATA[1])
    assert np.array_equal(cuts.cut(array, coronal, (1, 2, 3)), DATA[::-1, 2, :])
    assert np.array_equal(cuts.cut(array, sagittal, (1, 2, 3)), DATA[::-1, :, 3])
    assert cuts.aspect(axial) == pytest.approx(2) and cuts.aspect(sagittal) == pytest.approx(2.5)
    for voxel in [(0, 0, 0), (3, 5, 7), (1, 2, 3)]:
        assert cuts.turned(cuts.source(voxel)) == voxel
        assert array[cuts.source(voxel)] == DATA[voxel]
        for plane in THREE_PLANES:
            pixel = cuts.pixel(plane, voxel)
            assert cuts.cut(array, plane, voxel)[pixel] == DATA[voxel]
            assert cuts.voxel(plane, pixel, voxel) == voxel
    assert cuts.voxel(axial, (-5, 99), (1, 2, 3)) == (1, 0, L - 1), "moved inside"


def test_a_frame_of_a_series_is_cut(model: Any) -> None:
    frames = np.stack([DATA, DATA + 500])
    layer = model.add_image(frames, scale=(1, 5, 2, 1), units=("pixel", "mm", "mm", "mm"))
    cuts = Cuts(look_at(layer, (1, 0, 0, 0)))
    assert np.array_equal(cuts.cut(frames, THREE_PLANES[0], (2, 0, 0)), DATA[2] + 500)


def test_outlines_part_neighbours() -> None:
    labels = np.zeros((5, 6), np.uint8)
    labels[1:4, 1:3], labels[1:4, 3:5] = 1, 2
    border = outlines(labels)
    assert (border[labels == 0] == 0).all()
    assert border[2, 2] == 1 and border[2, 3] == 2
    assert (outlines(np.full((4, 4), 3)) == 0).all(), "a label that fills the slice has no border in it"
