"""Clicked voxels end up as told, also when the network says otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from napari_scd.engine import PreviousMask, Prompts, Request, Session
from napari_scd.engine.prompts.answer import Draft
from napari_scd.engine.prompts.look import Pointed
from napari_scd.engine.prompts.obey import obey
from napari_scd.engine.prompts.window import Space
from napari_scd.model import IMAGE
from napari_scd.volume import LabelTable, Volume
from tests.promptable_network import RECIPE, Likeness, ball, scan

if TYPE_CHECKING:
    import torch

    from napari_scd.model import ScdNetwork

EXACT = Request(precision="float32")
SHAPE = (20, 24, 28)


class Stubborn(Likeness):
    """Answers with everything bright, whatever was clicked."""

    def _logits(self, window: torch.Tensor) -> torch.Tensor:
        return 20.0 * ((window[IMAGE] > 0.5).float() - 0.5)


def stubborn(volume: Volume) -> Session:
    session = Session(cast("ScdNetwork", Stubborn()), RECIPE, LabelTable.from_names(["object"]))
    session.set_volume(volume)
    return session


def draft_of(mask: np.ndarray, spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Draft:
    draft = Draft(Space(mask.shape, spacing_mm))
    if mask.any():
        draft.mark(np.argwhere(mask), inside=True)
    return draft


def whole(draft: Draft) -> np.ndarray:
    mask = np.zeros(draft.space.shape, bool)
    z, y, x = (slice(a, a + n) for a, n in zip(draft.low, draft.shares.shape, strict=True))
    mask[z, y, x] = draft.mask
    return mask


def test_wrong_voxels_change_with_their_neighbours_and_nothing_else_does() -> None:
    before = ball(SHAPE, (10, 12, 14), 6)
    draft = draft_of(before)
    obey(draft, Pointed(((10, 12, 14), (10, 12, 23)), ((10, 12, 10),), None))
    after = whole(draft)
    assert after[10, 12, 14] and after[10, 12, 23] and not after[10, 12, 10]
    for place in np.argwhere(before != after):
        assert min(np.linalg.norm(place - at) for at in ([10, 12, 23], [10, 12, 10])) <= 1.5
    assert after[10, 11:14, 22:25].all() and not after[10, 11:14, 9:12].any()


def test_neighbours_are_measured_in_mm() -> None:
    draft = draft_of(
        ball(SHAPE, (10, 12, 14), 6, (5.0, 1.0, 1.0)) | ball(SHAPE, (10, 12, 8), 3), (5.0, 1.0, 1.0)
    )
    before = whole(draft)
    obey(draft, Pointed(((15, 12, 14),), (), None))
    changed = np.argwhere(before != whole(draft))
    assert len(changed) == 9 and (changed[:, 0] == 15).all(), "the next slices are 5 mm away"


def test_clicks_of_both_kinds_side_by_side_are_both_right() -> None:
    draft = draft_of(ball(SHAPE, (10, 12, 14), 6))
    obey(draft, Pointed(((10, 12, 22), (10, 12, 24)), ((10, 12, 23), (10, 12, 12)), None))
    after = whole(draft)
    assert after[10, 12, 22] and after[10, 12, 24]
    assert not after[10, 12, 23] and not after[10, 12, 12]


def test_a_right_voxel_at_the_border_leaves_the_border_alone() -> None:
    before = ball(SHAPE, (10, 12, 14), 6)
    draft = draft_of(before)
    obey(draft, Pointed(((10, 12, 20),), ((10, 12, 21),), None))
    np.testing.assert_array_equal(whole(draft), before)


def test_an_empty_answer_stays_empty_and_the_box_counts_more() -> None:
    draft = draft_of(np.zeros(SHAPE, bool))
    obey(draft, Pointed(((10, 12, 14),), (), None))
    assert not draft.mask.any()
    draft = draft_of(ball(SHAPE, (10, 12, 14), 4))
    obey(draft, Pointed(((10, 12, 26), (10, 12, 19)), (), ((4, 6, 8), (17, 19, 21))))
    after = whole(draft)
    assert after[10, 12, 19] and not after[10, 12, 26]


def test_clicks_in_the_corner_of_the_scan() -> None:
    draft = draft_of(ball(SHAPE, (10, 12, 14), 4))
    obey(draft, Pointed(((0, 0, 0), (19, 23, 27)), (), None))
    after = whole(draft)
    assert after[:2, 0, 0].all() and after[19, 23, 26:].all()
    assert after.sum() == ball(SHAPE, (10, 12, 14), 4).sum() + 2 * 7


@pytest.mark.parametrize("flipped", [False, True])
def test_a_network_that_does_not_listen_is_overruled(flipped: bool) -> None:
    mask = ball((60, 60, 60), (30, 30, 30), 12)
    volume = scan(mask)
    if flipped:
        volume = Volume(volume.array[:, ::-1], volume.affine @ np.diag([1.0, -1.0, 1.0, 1.0]))
    prompts = (
        Prompts().include((30, 30, 30)).include((30, 30, 48)).exclude((30, 33, 30)).exclude((30, 30, 29))
    )
    session = stubborn(volume)
    for count in range(1, len(prompts.steps) + 1):
        so_far = prompts.first(count)
        labels = session.prompt(so_far, EXACT).labels.array
        assert all(labels[voxel] for voxel in so_far.included), so_far
        assert not any(labels[voxel] for voxel in so_far.excluded), so_far
    assert labels.sum() > 0.9 * mask.sum()


def test_a_corrected_mask_obeys_too() -> None:
    mask = ball((60, 60, 60), (30, 30, 30), 12)
    session = stubborn(scan(mask))
    start = PreviousMask.of(scan(ball((60, 60, 60), (30, 30, 30), 9)))
    labels = session.prompt(Prompts(previous=start).exclude((30, 30, 34)), EXACT).labels.array
    assert not labels[30, 30, 34] and labels[30, 30, 26]
