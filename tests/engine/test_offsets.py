"""Logit offsets of a calibration: they move labels, clicks and probabilities alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_scd.engine import Request
from napari_scd.volume import Recipe, Volume

RECIPE = Recipe("MR", normalisation="none")
# the thresholder's logit is 8 (image - 0.5): an offset of -2 moves its threshold to 0.75
STRICTER = replace(RECIPE, logit_offsets=(0.0, -2.0))


def _ramp():
    """Scan that rises by 1 along x, and is nowhere at a threshold."""
    ramp = np.linspace(0.01, 1.01, 41, dtype=np.float32)
    return Volume(np.broadcast_to(ramp, (20, 20, 41)).copy(), np.eye(4))


@pytest.mark.parametrize("spacing_mm", [None, (1.5, 1.5, 1.0)])
def test_an_offset_moves_the_border(thresholder, spacing_mm) -> None:
    plain, strict = (thresholder(replace(recipe, spacing_mm=spacing_mm)) for recipe in (RECIPE, STRICTER))
    for session, threshold in ((plain, 0.5), (strict, 0.75)):
        session.set_volume(_ramp())
        found = session.segment(Request(probability=True))
        np.testing.assert_array_equal(found.labels.array == 1, _ramp().array > threshold)
        likely = found.probability.array[1] > 0.5
        np.testing.assert_array_equal(likely, _ramp().array > threshold)


def test_clicks_and_parts_agree_with_the_whole(thresholder) -> None:
    session = thresholder(STRICTER)
    session.set_volume(_ramp())
    whole = session.segment().labels.array
    click = session.click((10, 10, 38))
    np.testing.assert_array_equal(click.segmentation.labels.array, whole)
    assert session.click((10, 10, 22), everything=True).segmentation.labels.array[10, 10, 22] == 0
    part = session.segment(within=(slice(8, 12), slice(0, 20), slice(0, 41))).labels.array
    np.testing.assert_array_equal(part[8:12], whole[8:12])


def test_no_offsets_are_bit_for_bit_as_before(tiny_network) -> None:
    from napari_scd.engine import Session
    from napari_scd.volume import LabelTable

    scan = Volume(torch.randn(20, 24, 18, generator=torch.Generator().manual_seed(1)).numpy(), np.eye(4))
    network, table = tiny_network(), LabelTable.from_names(["one", "two"])
    found = []
    for offsets in ((), (0.0, 0.0, 0.0)):
        session = Session(network, replace(Recipe("MR"), logit_offsets=offsets), table)
        session.set_volume(scan)
        found.append(session.segment(Request(probability=True)))
    np.testing.assert_array_equal(found[0].labels.array, found[1].labels.array)
    np.testing.assert_array_equal(found[0].probability.array, found[1].probability.array)
