"""The patch grid: coverage, alignment, cutting."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_scd.engine.windows import PatchGrid, blending_weights
from napari_scd.errors import InputError

edges = st.integers(1, 90)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(edges, edges, edges),
    roi=st.tuples(*[st.integers(2, 6)] * 3),
    patch=st.sampled_from([2, 4, 8]),
    step=st.integers(1, 6),
)
def test_windows_cover_the_volume_and_lie_on_one_patch_grid(size, roi, patch, step) -> None:
    grid = PatchGrid(size, tuple(edge * patch for edge in roi), patch)
    stride = grid.stride_for(min(step, max(roi)) * patch)
    starts = np.array(grid.starts(stride))
    assert (starts % patch == 0).all()
    assert (np.array(grid.shape) % patch == 0).all()
    assert (starts.min(axis=0) == 0).all()
    assert ((starts + grid.roi).max(axis=0) == grid.shape).all()
    for axis in range(3):
        steps = np.diff(np.unique(starts[:, axis]))
        assert (steps <= stride[axis]).all()
    assert len({tuple(start) for start in starts}) == len(starts)
    lead, padding = np.array(grid.lead), np.array(grid.shape) - size
    assert (lead >= 0).all() and (padding - lead - lead <= 1).all()
    assert ((padding < patch) | (np.array(grid.shape) == grid.roi)).all()


def test_a_volume_of_whole_windows_needs_no_padding() -> None:
    grid = PatchGrid((32, 48, 16), (16, 16, 16), 4)
    assert grid.shape == grid.size
    assert grid.lead == (0, 0, 0)
    assert len(grid.starts((16, 16, 16))) == 6
    assert not grid.fits_one_window


def test_a_small_volume_lies_in_the_middle_of_one_window() -> None:
    grid = PatchGrid((10, 16, 3), (16, 16, 16), 4)
    assert grid.fits_one_window
    assert grid.lead == (3, 0, 6)
    assert grid.starts((8, 8, 8)) == ((0, 0, 0),)
    assert grid.token_box == ((0, 0, 1), (4, 4, 3))


def test_cut_equals_padding_by_hand() -> None:
    grid = PatchGrid((10, 21, 16), (16, 16, 16), 4)
    image = torch.arange(2 * 10 * 21 * 16, dtype=torch.float32).reshape(2, 10, 21, 16)
    fill = torch.tensor([-1.0, -2.0])
    pads = [(lead, n - size - lead) for lead, n, size in zip(grid.lead, grid.shape, grid.size, strict=True)]
    padded = np.stack([np.pad(image[c].numpy(), pads, constant_values=float(fill[c])) for c in range(2)])
    for start in grid.starts((4, 4, 4)):
        box = tuple(slice(a, a + 16) for a in start)
        np.testing.assert_array_equal(grid.cut(image, start, fill).numpy(), padded[(slice(None), *box)])


@pytest.mark.parametrize("index", [(0, 0, 0), (39, 50, 30), (20, 25, 15), (39.4, -0.4, 7)])
def test_a_window_around_a_voxel_holds_it_and_stays_inside(index) -> None:
    grid = PatchGrid((40, 51, 31), (16, 24, 16), 4)
    start = np.array(grid.start_around(index))
    assert (start % 4 == 0).all()
    assert (start >= 0).all() and (start + grid.roi <= grid.shape).all()
    at = np.array(index) + grid.lead
    assert (at >= start - 0.5).all() and (at < start + grid.roi).all()
    middle = start + np.array(grid.roi) / 2
    free = (start > 0) & (start + grid.roi < grid.shape)
    assert (np.abs(at + 0.5 - middle)[free] <= 2).all()


def test_the_nearest_window_is_nearest() -> None:
    grid = PatchGrid((64, 64, 64), (16, 16, 16), 4)
    starts = grid.starts((8, 8, 8))
    assert grid.nearest(starts, (0, 31.5, 63)) == (0, 24, 48)


@pytest.mark.parametrize("stride", [3, 0, 6, 20, -4])
def test_a_stride_off_the_patch_grid_is_refused(stride) -> None:
    with pytest.raises(InputError, match="multiple of 4 from 4 to 16"):
        PatchGrid((64, 64, 64), (16, 16, 16), 4).stride_for(stride)


def test_default_stride_is_half_a_window() -> None:
    grid = PatchGrid((64, 64, 64), (16, 24, 4), 4)
    assert grid.stride_for(None) == (8, 12, 4)
    assert grid.stride_for(16) == (16, 16, 4)


def test_blending_weights() -> None:
    weights = blending_weights((8, 16, 4), "gaussian")
    assert weights.shape == (8, 16, 4)
    assert weights.max() == 1 and weights.min() >= 1e-3
    torch.testing.assert_close(weights, weights.flip(0, 1, 2))
    assert (blending_weights((4, 4, 4), "constant") == 1).all()
