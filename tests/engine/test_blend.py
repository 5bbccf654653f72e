"""Overlaps add up to a mean; streaming changes nothing."""

from __future__ import annotations

import pytest
import torch

from napari_scd.engine import blend
from napari_scd.engine.blend import Canvas
from napari_scd.engine.windows import PatchGrid, blending_weights

GRID = PatchGrid((30, 18, 21), (16, 16, 16), 4)
WHOLE = ((0, 0, 0), GRID.size)


def mean_of(canvas) -> torch.Tensor:
    return torch.cat([part.logits for part in canvas.take(canvas.high[0])], dim=1)


def fill(canvas, starts, logits_of) -> torch.Tensor:
    planes = []
    for start in starts:
        planes += canvas.take(start[0] - GRID.lead[0])
        canvas.add(start, logits_of(start))
    planes += canvas.take(GRID.size[0])
    assert all(part.seen.all() for part in planes)
    firsts = [part.first for part in planes]
    assert firsts == [sum(other.logits.shape[1] for other in planes[:i]) for i in range(len(planes))]
    return torch.cat([part.logits for part in planes], dim=1)


def test_a_small_picture() -> None:
    grid = PatchGrid((1, 1, 6), (1, 1, 4), 1)
    canvas = Canvas(grid, torch.tensor([1.0, 3.0, 3.0, 1.0]).view(1, 1, 4), 1, ((0, 0, 0), grid.size))
    canvas.add((0, 0, 0), torch.full((1, 1, 1, 4), 8.0))
    canvas.add((0, 0, 2), torch.full((1, 1, 1, 4), 0.0))
    assert mean_of(canvas).flatten().tolist() == [8, 8, 6, 2, 0, 0]


@pytest.mark.parametrize("blending", ["gaussian", "constant"])
def test_windows_of_one_picture_give_the_picture_back(blending) -> None:
    picture = torch.randn(2, *GRID.size)
    starts = GRID.starts((4, 8, 4))
    canvas = Canvas(GRID, blending_weights(GRID.roi, blending), 2, WHOLE, depth=GRID.roi[0])
    blended = fill(canvas, starts, lambda start: GRID.cut(picture, start, torch.zeros(2)))
    torch.testing.assert_close(blended, picture)


def test_streaming_equals_holding_everything() -> None:
    torch.manual_seed(0)
    starts = GRID.starts((8, 8, 8))
    logits = {start: torch.randn(3, *GRID.roi) for start in starts}
    weights = blending_weights(GRID.roi, "gaussian")
    held = Canvas(GRID, weights, 3, WHOLE)
    for start in starts:
        held.add(start, logits[start])
    streamed = fill(Canvas(GRID, weights, 3, WHOLE, depth=16), starts, logits.__getitem__)
    assert held.seen.all()
    torch.testing.assert_close(streamed, mean_of(held))


def test_half_precision_sums_stay_close(monkeypatch) -> None:
    torch.manual_seed(0)
    starts = GRID.starts((8, 8, 8))
    logits = {start: 10 * torch.randn(3, *GRID.roi) for start in starts}
    weights = blending_weights(GRID.roi, "gaussian")
    exact = fill(Canvas(GRID, weights, 3, WHOLE, depth=16), starts, logits.__getitem__)
    monkeypatch.setattr(blend, "FULL_PRECISION_BYTES", 0)
    monkeypatch.setattr(blend, "CHUNK_VALUES", 1)
    rough = fill(Canvas(GRID, weights, 3, WHOLE, depth=16), starts, logits.__getitem__)
    torch.testing.assert_close(rough, exact, atol=0.1, rtol=0.01)


def test_a_grown_canvas_keeps_what_it_held() -> None:
    weights = blending_weights(GRID.roi, "gaussian")
    small = Canvas(GRID, weights, 2, GRID.image_box((0, 0, 0)))
    small.add((0, 0, 0), torch.ones(2, *GRID.roi))
    large = small.grown(WHOLE)
    low, high = GRID.image_box((0, 0, 0))
    assert large.seen.sum() == small.seen.sum()
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    torch.testing.assert_close(mean_of(large)[(slice(None), *box)], mean_of(small))


def test_one_window_over_everything_is_its_own_mean() -> None:
    grid = PatchGrid((14, 16, 11), (16, 16, 16), 4)
    logits = torch.randn(3, *grid.roi)
    whole = ((0, 0, 0), grid.size)
    weights = blending_weights(grid.roi, "gaussian")
    alone, weighted = (Canvas(grid, weights, 3, whole) for _ in range(2))
    alone.add((0, 0, 0), logits)
    weighted.add((0, 0, 0), logits)
    larger = weighted.grown(whole)  # has weighted the window
    assert torch.equal(alone.sums, grid_part(grid, logits))
    torch.testing.assert_close(mean_of(larger), grid_part(grid, logits))
    planes = list(alone.take(grid.size[0]))
    assert torch.equal(torch.cat([part.logits for part in planes], dim=1), grid_part(grid, logits))
    assert all(part.seen.all() for part in planes) and alone.seen.all() and alone.seen.shape == grid.size


def grid_part(grid, window) -> torch.Tensor:
    z, y, x = (slice(a, a + n) for a, n in zip(grid.lead, grid.size, strict=True))
    return window[:, z, y, x]


def test_a_second_window_over_everything_counts_as_much() -> None:
    grid = PatchGrid((8, 8, 8), (8, 8, 8), 4)
    canvas = Canvas(grid, blending_weights(grid.roi, "gaussian"), 1, ((0, 0, 0), grid.size))
    canvas.add((0, 0, 0), torch.full((1, *grid.roi), 4.0))
    canvas.add((0, 0, 0), torch.full((1, *grid.roi), 2.0))
    torch.testing.assert_close(mean_of(canvas), torch.full((1, *grid.size), 3.0))


@pytest.mark.parametrize("few", [True, False])
def test_half_precision_windows_add_up_as_their_numbers_do(monkeypatch, few) -> None:
    if not few:
        monkeypatch.setattr(blend, "_SPREAD_VALUES", 0)
    torch.manual_seed(0)
    starts = GRID.starts((8, 8, 8))
    weights = blending_weights(GRID.roi, "gaussian")
    logits = {start: torch.randn(3, *GRID.roi).bfloat16() for start in starts}
    rounded, exact = (Canvas(GRID, weights, 3, WHOLE) for _ in range(2))
    for start, window in logits.items():
        rounded.add(
            start, window[None].contiguous(memory_format=torch.channels_last_3d)[0] if few else window
        )
        exact.add(start, window.float())
    assert torch.equal(mean_of(rounded), mean_of(exact))


def test_windows_count_only_within_the_box() -> None:
    torch.manual_seed(0)
    starts = GRID.starts((8, 8, 8))
    weights = blending_weights(GRID.roi, "gaussian")
    logits = {start: torch.randn(2, *GRID.roi) for start in starts}
    low, high = (9, 3, 4), (13, 14, 9)
    whole, part = Canvas(GRID, weights, 2, WHOLE), Canvas(GRID, weights, 2, (low, high))
    for start in starts:
        whole.add(start, logits[start])
        if all(a < d and c < b for a, b, c, d in zip(*GRID.image_box(start), low, high, strict=True)):
            part.add(start, logits[start])
    z, y, x = (slice(a, b) for a, b in zip(low, high, strict=True))
    torch.testing.assert_close(mean_of(part), mean_of(whole)[:, z, y, x])


@pytest.mark.parametrize("n_windows", [1, 2])
def test_sums_have_the_labels_of_means(n_windows) -> None:
    grid = PatchGrid((12, 8, 8), (8, 8, 8), 4)
    starts = grid.starts((4, 8, 8))[:n_windows]
    box = grid.image_box(starts[0]) if n_windows == 1 else ((0, 0, 0), grid.size)
    first, second = (Canvas(grid, blending_weights(grid.roi, "gaussian"), 5, box) for _ in range(2))
    for seed, start in enumerate(starts):
        logits = torch.randn(5, *grid.roi, generator=torch.Generator().manual_seed(seed))
        first.add(start, logits)
        second.add(start, logits)
    labels, at = first.sums.argmax(0), first.mean_at((2, 3, 4))
    mean = mean_of(first)
    assert torch.equal(labels, mean.argmax(0))
    torch.testing.assert_close(at, mean[:, 2, 3, 4])
    taken = [planes.logits.argmax(0) for planes in second.take(box[1][0], means=False)]
    assert torch.equal(torch.cat(taken), labels)


@pytest.mark.parametrize("depth", [None, 16])
@pytest.mark.parametrize("starts", [GRID.starts((4, 8, 4)), GRID.starts((16, 16, 16))])
def test_offsets_shift_the_mean_wherever_a_window_came(depth, starts) -> None:
    torch.manual_seed(0)
    logits = {start: torch.randn(3, *GRID.roi) for start in starts}
    weights, offsets = blending_weights(GRID.roi, "gaussian"), (0.0, 2.0, -1.5)
    plain = fill(Canvas(GRID, weights, 3, WHOLE, depth=16), starts, logits.__getitem__)
    shifted = Canvas(GRID, weights, 3, WHOLE, depth, offsets)
    if depth is None:
        for start in starts:
            shifted.add(start, logits[start])
        expected = plain + torch.tensor(offsets).view(3, 1, 1, 1)
        torch.testing.assert_close(shifted.mean_at((3, 4, 5)), expected[:, 3, 4, 5])
        assert torch.equal(shifted.sums.argmax(0), expected.argmax(0))
        larger = shifted.grown(WHOLE)
        torch.testing.assert_close(mean_of(larger), expected)
        torch.testing.assert_close(mean_of(shifted), expected)
    else:
        blended = fill(shifted, starts, logits.__getitem__)
        torch.testing.assert_close(blended, plain + torch.tensor(offsets).view(3, 1, 1, 1))


def test_offsets_of_one_window_and_of_none() -> None:
    box = GRID.image_box((0, 0, 0))
    canvas = Canvas(GRID, blending_weights(GRID.roi, "gaussian"), 2, box, offsets=(0.0, 3.0))
    logits = torch.randn(2, *GRID.roi)
    kept = logits.clone()
    canvas.add((0, 0, 0), logits)
    z, y, x = (slice(lead, None) for lead in GRID.lead)
    expected = kept[:, z, y, x] + torch.tensor([0.0, 3.0]).view(2, 1, 1, 1)
    torch.testing.assert_close(canvas.sums, expected)
    torch.testing.assert_close(mean_of(canvas), expected)
    assert torch.equal(logits, kept), "a window may be remembered: it is left as it was"
    empty = Canvas(GRID, blending_weights(GRID.roi, "gaussian"), 2, WHOLE, offsets=(0.0, 3.0))
    assert not mean_of(empty).any()
