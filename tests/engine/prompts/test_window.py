"""Windows of any place and spacing: cut out, put back, pooled."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_scd.engine.prompts import pyramid
from napari_scd.engine.prompts.pyramid import Pyramid
from napari_scd.engine.prompts.window import ScanWindow, Space, cut, spread
from napari_scd.engine.reading import ReadImage
from napari_scd.volume import Recipe, Volume

ROI = (16, 16, 16)
PROMPT = Recipe("any", normalisation="none", normalise_over="window", activation="sigmoid", field="prompt")


def reader(array):
    return lambda low, high: array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]


def ramp(shape) -> np.ndarray:
    """A linear function of the place, which averages and interpolation leave as it is."""
    z, y, x = np.indices(shape).astype(np.float32)
    return z + 0.5 * y - 0.25 * x


def test_a_window_stays_inside_the_scan_where_it_fits() -> None:
    space = Space((40, 40, 8), (1.0, 2.0, 1.0))
    window = ScanWindow.around((0.0, 39.0, 3.0), 1.0, ROI, space)
    assert window.ends(0) == (-0.5, 15.5)
    assert window.ends(1) == (31.5, 39.5)
    assert window.ends(2) == (-4.5, 11.5), "a short scan lies in the middle"
    assert window.open_ends(0, space) == (False, True)
    assert window.open_ends(1, space) == (True, False)
    assert window.open_ends(2, space) == (False, False)
    assert not window.sees_all(space)
    assert ScanWindow.around((0, 0, 0), space.whole_mm(ROI), ROI, space).sees_all(space)


def test_places_and_indices_are_inverse() -> None:
    window = ScanWindow.around((20.0, 20.0, 20.0), 1.3, ROI, Space((40, 40, 40), (1.0, 0.7, 5.0)))
    indices = np.array([[0, 0, 0], [3, 7, 15]], float)
    np.testing.assert_allclose(window.index_of(window.places_of(indices)), indices)
    np.testing.assert_allclose(window.places_of(indices)[1, 1], window.axis_places(1)[7])


@pytest.mark.parametrize("spacing_mm", [0.4, 1.0, 2.3])
def test_a_linear_ramp_is_cut_exactly(spacing_mm) -> None:
    array, space = ramp((50, 60, 20)), Space((50, 60, 20), (1.0, 0.8, 3.0))
    window = ScanWindow.around((25.0, 30.0, 10.0), spacing_mm, ROI, space)
    inner = ScanWindow.around((25.0, 30.0, 10.0), spacing_mm, (6, 6, 6), space)  # away from the scan's border
    z, y, x = np.meshgrid(*(inner.axis_places(axis) for axis in range(3)), indexing="ij")
    np.testing.assert_allclose(
        cut(reader(array), space.shape, inner, -9.0), z + 0.5 * y - 0.25 * x, atol=1e-3
    )
    assert cut(reader(array), space.shape, window, -9.0).shape == ROI


def test_outside_the_scan_lies_the_fill() -> None:
    array = np.ones((8, 40, 40), np.float32)
    window = ScanWindow.around((4.0, 20.0, 20.0), 1.0, ROI, Space(array.shape, (1.0, 1.0, 1.0)))
    result = cut(reader(array), array.shape, window, -5.0)
    assert (result[:4] == -5).all() and (result[12:] == -5).all()
    np.testing.assert_allclose(result[4:12], 1.0)


def test_coarse_windows_average_instead_of_picking() -> None:
    stripes = np.broadcast_to((np.arange(64) % 2).astype(np.float32), (64, 64, 64))
    window = ScanWindow.around((32.0, 32.0, 32.0), 4.0, ROI, Space((64, 64, 64), (1.0, 1.0, 1.0)))
    result = cut(reader(stripes), (64, 64, 64), window, 0.0)
    assert abs(result[4:12, 4:12, 4:12] - 0.5).max() < 0.07


@pytest.mark.parametrize("spacing_mm", [0.5, 1.0, 3.0])
def test_values_return_to_the_place_they_were_cut_from(spacing_mm) -> None:
    shape = (40, 44, 14)
    space = Space(shape, (1.0, 0.8, 3.0))
    array = ramp(shape)
    window = ScanWindow.around((20.0, 22.0, 7.0), spacing_mm, ROI, space)
    values = cut(reader(array), shape, window, 0.0)
    back = spread(window, shape, ((5, 5, 5), (11, 11, 11)))
    planes = np.stack(list(back.planes(values)))
    part = array[tuple(slice(a, b) for a, b in zip(back.low, back.high, strict=True))]
    assert planes.shape == part.shape
    inner = (slice(1, -1),) * 3 if min(part.shape) > 2 else (slice(None),) * 3
    np.testing.assert_allclose(planes[inner], part[inner], atol=0.3 if spacing_mm < 1 else 1e-3)


def test_reading_goes_slab_by_slab(monkeypatch) -> None:
    array, boxes = ramp((64, 64, 64)), []
    monkeypatch.setattr("napari_scd.engine.prompts.window._SLAB_VOXELS", 64 * 64 * 5)

    def read(low, high):
        boxes.append((low[0], high[0]))
        return reader(array)(low, high)

    window = ScanWindow.around((32.0, 32.0, 32.0), 4.0, ROI, Space((64, 64, 64), (1.0, 1.0, 1.0)))
    slabs = cut(read, (64, 64, 64), window, 0.0)
    assert len(boxes) == 13 and all(b - a <= 5 for a, b in boxes)
    assert all(end == start for (_, end), (start, _) in zip(boxes, boxes[1:], strict=False)), "each once"
    monkeypatch.undo()
    np.testing.assert_allclose(slabs, cut(reader(array), (64, 64, 64), window, 0.0), atol=1e-4)


def scan(array, spacing_mm=(1.0, 1.0, 1.0)) -> Pyramid:
    image = ReadImage(Volume(array, np.diag([*spacing_mm, 1.0])), PROMPT)
    return Pyramid(image, Space(array.shape, spacing_mm), float(array.min()))


def test_large_windows_come_from_a_pooled_copy_that_is_kept(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    array = gaussian_filter(rng.normal(size=(70, 65, 33)), (4, 4, 2)).astype(np.float32)
    space = Space(array.shape, (1.0, 1.0, 2.0))
    window = ScanWindow.around((35.0, 32.0, 16.0), space.whole_mm(ROI), ROI, space)
    direct = scan(array, space.spacing_mm).window(window)
    monkeypatch.setattr(pyramid, "LARGE_VOXELS", 1000)
    pooled = scan(array, space.spacing_mm)
    again = pooled.window(window)
    seen = direct != direct.min()
    assert np.corrcoef(direct[seen], again[seen])[0, 1] > 0.99
    assert list(pooled._copies) == [(4, 4, 2)]
    monkeypatch.setattr(pooled, "read", None)
    np.testing.assert_array_equal(pooled.window(window), again)


def test_pooled_copies_of_a_ramp_keep_its_place(monkeypatch) -> None:
    monkeypatch.setattr(pyramid, "LARGE_VOXELS", 1000)
    array, space = ramp((64, 64, 64)), Space((64, 64, 64), (1.0, 1.0, 1.0))
    window = ScanWindow.around((32.0, 32.0, 32.0), 3.0, ROI, space)
    z, y, x = np.meshgrid(*(window.axis_places(axis) for axis in range(3)), indexing="ij")
    inner = (slice(2, -2),) * 3
    np.testing.assert_allclose(scan(array).window(window)[inner], (z + 0.5 * y - 0.25 * x)[inner], atol=1e-3)


def test_only_a_few_copies_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(pyramid, "LARGE_VOXELS", 100)
    held = scan(ramp((64, 64, 64)))
    space = Space((64, 64, 64), (1.0, 1.0, 1.0))
    for spacing_mm in (2.0, 4.0, 8.0):
        held.window(ScanWindow.around((32.0,) * 3, spacing_mm, (8, 8, 8), space))
    assert list(held._copies) == [(4, 4, 4), (8, 8, 8)]


def test_one_value_throughout_is_noticed() -> None:
    array = np.full((4, 5, 6), 7, np.int16)
    assert scan(array).single_value() == 7
    array[3, 4, 5] = 8
    assert scan(array).single_value() is None
