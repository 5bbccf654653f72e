from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_scd.viewer import layers as geometry
from napari_scd.viewer.logic import answers, boxes, merging

from ..conftest import PATCH, TABLE, blob, fake_segmentation


@pytest.fixture
def view(model: Any) -> geometry.SourceView:
    return geometry.look_at(model.add_image(blob(), name="ct", scale=(2, 1, 1), units="mm"))


def a_click(view: geometry.SourceView, index: tuple[int, int, int], found: int = 1) -> Any:
    region = tuple(slice(max(i - 4, 0), i + 4) for i in index)
    segmentation = fake_segmentation(view.volume(), 0.5, region=region, only=found)
    click = SimpleNamespace(
        segmentation=segmentation, label=found, name="hippocampus", index=index, message="found"
    )
    return answers.clicked(click, view, TABLE, everything=False)


def test_a_run_counts_what_it_found(view: geometry.SourceView) -> None:
    result = merging.from_run(fake_segmentation(view.volume(), 0.5), view, TABLE)
    voxels = int((result.labels == 1).sum())
    assert result.found()[1].voxels == voxels
    assert result.found()[1].volume_ml == pytest.approx(voxels * 2 / 1000)
    assert result.n_stages == 3 and result.seconds_per_window == pytest.approx(0.2)


def test_clicks_add_up_and_can_be_taken_away(view: geometry.SourceView) -> None:
    result = None
    for index in [(6, 14, 18), (12, 15, 20)]:
        result = answers.with_click(result, a_click(view, index))
    assert result is not None and len(result.clicks) == 2
    both = result.labels.copy()
    assert result.unclick((12, 15, 20)) == "hippocampus"
    assert 0 < (result.labels > 0).sum() < (both > 0).sum()
    assert result.found()[1].voxels == int((result.labels == 1).sum())
    assert result.unclick((0, 0, 0)) == ""


def test_a_click_that_found_nothing_still_shows_its_tokens(view: geometry.SourceView) -> None:
    result = answers.with_click(None, a_click(view, (3, 3, 3), found=0))
    assert result.clicks == [] and not result.labels.any() and result.tokens.array.any()


def test_tokens_of_windows_are_put_together(view: geometry.SourceView) -> None:
    runs = []
    for half in (slice(0, 3), slice(3, 6)):
        run = merging.from_run(fake_segmentation(view.volume(), 0.5), view, TABLE)
        tokens = np.zeros_like(run.tokens.array)
        tokens[half] = run.tokens.array[half]
        run.tokens = run.tokens.with_array(tokens)
        runs.append(run)
    merging.merge_tokens(runs[1], runs[0])
    assert (runs[1].tokens.array > 0).all()


def test_a_window_replaces_only_its_part(view: geometry.SourceView) -> None:
    result = merging.from_run(fake_segmentation(view.volume(), 0.5), view, TABLE)
    before = result.labels.copy()
    region = (slice(0, 8), slice(0, 28), slice(0, 32))
    window = fake_segmentation(view.volume(), 0.5, region=region)
    window.labels.array[region] = 3
    result = merging.with_window(result, window, "keep slider")
    assert (result.labels[region] == 3).all()
    assert np.array_equal(result.labels[8:], before[8:])
    assert result.found()[3].voxels == 8 * 28 * 32


def test_boxes() -> None:
    labels = np.zeros((PATCH, 5, 6), np.uint8)
    assert labels[boxes.bounding_box(labels)].size == 0
    labels[1, 2:4, 5] = 1
    assert boxes.bounding_box(labels) == (slice(1, 2), slice(2, 4), slice(5, 6))
