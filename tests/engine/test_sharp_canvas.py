"""A canvas of sharpened windows holds what a canvas of their dense logits would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_scd.engine import Request
from napari_scd.engine.blend import Canvas
from napari_scd.engine.postprocess import certainty
from napari_scd.engine.sharp_canvas import SharpCanvas
from napari_scd.engine.windows import PatchGrid, blending_weights
from napari_scd.model import NOWHERE, Sharpened
from napari_scd.volume import Recipe

GRID = PatchGrid((31, 18, 21), (16, 16, 16), 4)
WHOLE = ((0, 0, 0), GRID.size)
WEIGHTS = blending_weights(GRID.roi, "constant")
RECIPE = Recipe("MR", normalisation="none")


def window(seed: int, share: float = 0.3) -> Sharpened:
    generator = torch.Generator().manual_seed(seed)
    where = (torch.rand(512, generator=generator) < share).nonzero()[:, 0]
    coarse, fine = (
        (8 * torch.randn(shape, generator=generator)).round() / 8  # so that float16 holds differences exactly
        for shape in ((3, 8, 8, 8), (len(where), 8, 3))
    )
    return Sharpened(coarse, where, fine)


@pytest.mark.parametrize("box", [WHOLE, ((3, 1, 0), (22, 18, 13))])
@pytest.mark.parametrize("offsets", [(), (0.5, -0.5, 0.25)])
def test_windows_side_by_side_keep_their_logits(box, offsets) -> None:
    starts = GRID.starts((16, 16, 16))
    windows = {start: window(seed) for seed, start in enumerate(starts)}
    sharp = SharpCanvas(GRID, WEIGHTS, 3, box, offsets)
    apart = [start for start in starts if not any(at % 16 for at in start)]
    dense = Canvas(GRID, WEIGHTS, 3, box, offsets=offsets)
    for start in apart:
        sharp.add(start, windows[start])
        dense.add(start, windows[start].dense())
    assert torch.equal(sharp.seen, dense.seen)
    labels = sharp.labels(RECIPE)
    assert np.array_equal(labels, dense.labels(RECIPE))
    voxel = (4, 3, 2)
    torch.testing.assert_close(sharp.mean_at(voxel), dense.mean_at(voxel))
    seen = dense.seen.numpy()
    expected = torch.cat([part.logits for part in dense.take(box[1][0])], dim=1)
    taken = list(sharp.take(box[1][0]))
    found = torch.cat([part.logits for part in taken], dim=1)
    torch.testing.assert_close(found, expected)
    assert np.array_equal(np.concatenate([part.labels(RECIPE) for part in taken]), labels)
    sure = np.concatenate([part.certainty(RECIPE) for part in taken])
    assert np.array_equal(sure, certainty(found, RECIPE) * seen)


def test_where_one_window_is_fine_it_adds_to_the_mean_of_all() -> None:
    grid = PatchGrid((4, 4, 4), (4, 4, 4), 4)
    canvas = SharpCanvas(grid, torch.ones(4, 4, 4), 1, ((0, 0, 0), grid.size))
    none = torch.empty(0, dtype=torch.int64)
    canvas.add((0, 0, 0), Sharpened(torch.full((1, 2, 2, 2), 4.0), none, torch.empty(0, 8, 1)))
    fine = torch.arange(8.0).view(1, 8, 1)
    canvas.add((0, 0, 0), Sharpened(torch.full((1, 2, 2, 2), 2.0), torch.tensor([1]), fine))
    (first, second) = [part.logits[0] for part in canvas.take(4)]
    assert first[:, :2, 2:].flatten().tolist() == [3 + at - 2 for at in range(8)]
    assert (first[:, 2:] == 3).all() and (second == 3).all()


def test_planes_taken_as_rows_of_windows_finish_are_those_of_the_whole() -> None:
    starts = GRID.starts((8, 8, 8))
    weights = blending_weights(GRID.roi, "gaussian")
    held, streamed = (SharpCanvas(GRID, weights, 3, WHOLE) for _ in range(2))
    planes = []
    for seed, start in enumerate(starts):
        held.add(start, window(seed))
        planes += [part.logits for part in streamed.take(start[0] - GRID.lead[0])]
        streamed.add(start, window(seed))
    planes += [part.logits for part in streamed.take(GRID.size[0])]
    whole = torch.cat([part.logits for part in held.take(GRID.size[0])], dim=1)
    assert torch.equal(torch.cat(planes, dim=1), whole)


def test_a_grown_canvas_holds_what_the_small_one_held() -> None:
    small = SharpCanvas(GRID, WEIGHTS, 3, GRID.image_box((0, 0, 0)))
    small.add((0, 0, 0), window(1))
    before = small.labels(RECIPE)
    grown = small.grown(WHOLE)
    assert np.array_equal(grown.labels(RECIPE)[tuple(slice(n) for n in before.shape)], before)
    grown.add((0, 0, 0), window(1))
    assert np.array_equal(grown.labels(RECIPE)[tuple(slice(n) for n in before.shape)], before)


def test_cells_cover_a_volume_once() -> None:
    grid = PatchGrid((70, 40, 33), (32, 32, 32), 8)
    times = np.zeros(grid.shape, int)
    for start, (low, high) in grid.cells((16, 8, 32)).items():
        times[tuple(slice(at + a, at + b) for at, a, b in zip(start, low, high, strict=True))] += 1
        assert not any(edge % 2 for edge in (*low, *high))
    assert (times == 1).all()


def test_runs_sharpen_at_borders_and_everywhere_on_request(sharp_session, monkeypatch) -> None:
    """Where all blocks are sharpened in whole windows, a run's labels are those of dense windows."""
    everywhere = sharp_session.segment(Request(keep=0.5, sharpen="everywhere", precision="float32"))
    at_borders = sharp_session.segment(Request(keep=0.5, precision="float32"))
    again = sharp_session.segment(Request(keep=0.5, precision="float32"))
    assert np.array_equal(at_borders.labels.array, again.labels.array)
    dense = sharp_session.segment(Request(keep=1.0, precision="float32"))
    also = sharp_session.segment(Request(keep=1.0, sharpen="everywhere", precision="float32"))
    assert np.array_equal(dense.labels.array, also.labels.array)
    monkeypatch.setattr(
        "napari_scd.model.sharpening.labels_meet",
        lambda coarse: torch.ones(coarse.shape[1:], dtype=torch.bool),
    )
    monkeypatch.setattr(PatchGrid, "cells", lambda grid, stride, *, whole=False: {})
    whole = sharp_session.segment(Request(keep=0.5, precision="float32", probability=True))
    assert (whole.labels.array != everywhere.labels.array).mean() < 0.02  # weights of blocks, not of voxels
    assert whole.probability is not None
    assert whole.tokens is not None


def test_a_click_and_a_preview_work_on_sharpened_windows(sharp_session) -> None:
    centre = tuple(n // 2 for n in sharp_session.volume.spatial_shape)
    preview = sharp_session.preview(Request(keep=0.5), centre_index=centre)
    assert preview.labels.array.shape == sharp_session.volume.spatial_shape
    click = sharp_session.click(centre, Request(keep=0.5))
    assert click.segmentation.labels.array.any() == bool(click.label)


def blocks_are_uniform(labels: np.ndarray, low: tuple[int, int, int]) -> bool:
    """Whether labels of whole blocks, the first of which begin at `low`, are equal."""
    z, y, x = (slice(at, at + (n - at) // 2 * 2) for at, n in zip(low, labels.shape, strict=True))
    cut = labels[z, y, x]
    corners = [cut[i::2, j::2, k::2] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    return all(np.array_equal(corner, corners[0]) for corner in corners)


@pytest.mark.parametrize("keep", [0.5, 1.0])
def test_never_sharpened_blocks_have_one_label(sharp_session, keep) -> None:
    asked = Request(keep=keep, precision="float32", sharpen="never", clean_up=False)
    low = tuple(lead % 2 for lead in sharp_session._loaded.prepared.grid.lead)
    labels = sharp_session.segment(asked).labels.array
    assert labels.any() and blocks_are_uniform(labels, low)
    sharp = sharp_session.segment(Request(keep=keep, precision="float32", clean_up=False)).labels.array
    assert not blocks_are_uniform(sharp, low)
    centre = tuple(n // 2 for n in labels.shape)
    assert blocks_are_uniform(sharp_session.preview(asked, centre_index=centre).labels.array, low)


def test_a_slice_of_a_preview_is_that_of_its_window(sharp_session) -> None:
    centre = tuple(n // 2 for n in sharp_session.volume.spatial_shape)
    part = (slice(centre[0], centre[0] + 1), slice(0, 15), slice(0, 30))
    asked = Request(keep=0.5, precision="float32", confidence=True)
    ahead = sharp_session.preview(asked, centre_index=centre, within=part)
    whole = sharp_session.preview(asked, centre_index=centre)
    assert sharp_session.sharpens and ahead.region[0].start <= centre[0] < ahead.region[0].stop
    assert ahead.region[0].stop - ahead.region[0].start <= 4 < whole.region[0].stop - whole.region[0].start
    here = (part[0], *whole.region[1:])
    blocks = replace(asked, sharpen="never")
    by_blocks = [
        sharp_session.preview(blocks, centre_index=centre, within=within).labels.array[here]
        for within in (part, None)
    ]
    assert np.array_equal(*by_blocks)
    assert not np.array_equal(ahead.labels.array[here], by_blocks[0]), "and voxels are sharpened"
    assert np.array_equal(ahead.tokens.array, whole.tokens.array)
    elsewhere = sharp_session.preview(asked, centre_index=(0, 0, 0), within=part)
    assert elsewhere.labels.array.shape == whole.labels.array.shape


def test_a_click_is_sharpened_around_the_structure_only(sharp_session, monkeypatch) -> None:
    boxes = []
    real = type(sharp_session._model.network).sharpen

    def sharpen(network, prefix, keep, parts):
        boxes.extend(parts)
        return real(network, prefix, keep, parts)

    monkeypatch.setattr(type(sharp_session._model.network), "sharpen", sharpen)
    asked = Request(keep=0.5, precision="float32")
    coarse = sharp_session.segment(Request(keep=0.5, precision="float32", sharpen="never")).labels.array
    voxel = tuple(np.argwhere(coarse)[len(np.argwhere(coarse)) // 2])
    boxes.clear()
    click = sharp_session.click(voxel, asked)
    assert boxes[0] == NOWHERE and boxes[1] not in (None, NOWHERE)
    assert click.segmentation.report.n_windows == click.windows <= len(boxes) // 2
    everything = sharp_session.click(voxel, asked, everything=True)
    assert boxes[-1] is None and everything.segmentation.labels.array.any()
