"""A mask of every label: overlapping ones of a sigmoid model, all others as the label map has them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.engine import Request
from napari_scd.volume import Recipe, Volume

LEVELS = (0.3, 0.5, 0.7)
NAMES = ("low", "middle", "high")


@pytest.fixture
def ramp() -> Volume:
    """Brightness grows along x."""
    values = np.linspace(0, 1, 32, dtype=np.float32)
    return Volume(np.broadcast_to(values, (24, 20, 32)).copy(), np.eye(4))


@pytest.fixture
def session(thresholder, ramp):
    def build(activation, spacing_mm=None):
        recipe = Recipe("MR", normalisation="none", activation=activation, spacing_mm=spacing_mm)
        made = thresholder(recipe, NAMES, levels=LEVELS)
        made.set_volume(ramp)
        return made

    return build


def test_no_masks_unless_asked_for(session) -> None:
    assert session("sigmoid").segment().masks is None


def test_sigmoid_masks_overlap(session, ramp) -> None:
    result = session("sigmoid").segment(Request(masks=True))
    assert result.masks.array.dtype == bool
    for mask, level in zip(result.masks.array, LEVELS, strict=True):
        assert np.array_equal(mask, ramp.array > level)
    assert np.array_equal(result.labels.array, (ramp.array > LEVELS[0]).astype(np.uint8)), "the first wins"


def test_softmax_masks_are_the_label_map(session) -> None:
    result = session("softmax").segment(Request(masks=True))
    for index, mask in enumerate(result.masks.array, start=1):
        assert np.array_equal(mask, result.labels.array == index)
    assert result.masks.array.any(axis=(1, 2, 3)).all()


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_masks_agree_with_the_labels_on_the_source_grid(session, activation) -> None:
    result = session(activation, (1.7, 0.8, 1.3)).segment(Request(masks=True))
    masks, labels = result.masks.array, result.labels.array
    assert masks.shape == (3, *labels.shape)
    first = np.where(masks.any(axis=0), masks.argmax(axis=0) + 1, 0)
    assert np.array_equal(first, labels)


def test_structures_limit_the_masks(session) -> None:
    result = session("sigmoid").segment(Request(masks=True, structures=(2,)))
    assert result.masks.array.any(axis=(1, 2, 3)).tolist() == [False, True, False]


def test_a_click_masks_what_it_found(thresholder, ramp) -> None:
    recipe = Recipe("MR", normalisation="none", activation="sigmoid", field="click")
    session = thresholder(recipe, NAMES, levels=LEVELS)
    values = ramp.array.copy()
    values[:, :, :6] = 1.0
    session.set_volume(ramp.with_array(values))
    result = session.click((12, 10, 1), Request(masks=True)).segmentation
    found = result.labels.array > 0
    assert found[12, 10, 1]
    assert np.array_equal(result.masks.array[0], found)
    assert not result.masks.array[1:].any()
