"""Prompts: their order, taking back, JSON, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_scd.engine import PreviousMask, Prompt, Prompts
from napari_scd.engine.prompts import (
    BoxOutside,
    Contradiction,
    EmptyPrevious,
    EmptyStroke,
    FlatBox,
    NoPrompts,
    OnlyExcluded,
    OtherGrid,
    PointOutside,
    PromptError,
)
from napari_scd.engine.prompts.prompts import check_prompts
from napari_scd.errors import InputError
from napari_scd.volume import Volume

OTHER = Volume(np.ones((4, 5, 6), np.uint8), np.eye(4))
SCAN = Volume(np.zeros((20, 30, 40), np.int16), np.diag([2.0, 1.0, 1.0, 1.0]))


def mask(value: int = 3) -> Volume:
    labels = np.zeros((20, 30, 40), np.uint8)
    labels[4:8, 5:7, 30:39] = value
    labels[4, 5, 30] = 0
    return SCAN.with_array(labels)


def test_prompts_are_added_in_order_and_taken_back_one_by_one() -> None:
    first = Prompts().include((1, 2, 3))
    second = first.exclude((4, 5, 6), (4, 5, 7))
    third = second.within((9, 9, 9), (0, 0, 0))
    assert [step.kind for step in third.steps] == ["include", "exclude", "box"]
    assert third.included == ((1, 2, 3),)
    assert third.excluded == ((4, 5, 6), (4, 5, 7))
    assert third.box == ((0, 0, 0), (9, 9, 9)), "corners are put in order"
    assert [step.is_stroke for step in third.steps] == [False, True, False]
    assert third.undone() == second and second.undone() == first and hash(third.undone()) == hash(second)
    assert first.undone() == Prompts() == Prompts().undone()
    assert third.without(0).included == () and third.without(0).excluded == third.excluded
    assert third.first(1) == first and third.first(3) is third


def test_the_latest_box_counts() -> None:
    prompts = Prompts().within((0, 0, 0), (3, 3, 3)).within((1, 1, 1), (5, 6, 7))
    assert prompts.box == ((1, 1, 1), (5, 6, 7))
    assert prompts.undone().box == ((0, 0, 0), (3, 3, 3))


def test_lists_of_prompts_become_steps() -> None:
    prompts = Prompts.of(
        include=[(1, 1, 1), (2, 2, 2)],
        exclude=[(3, 3, 3)],
        include_strokes=[[(5, 5, 5), (5, 5, 6)]],
        exclude_strokes=[[(7, 7, 7), (7, 7, 8)]],
        box=((0, 0, 0), (9, 9, 9)),
    )
    assert [step.kind for step in prompts.steps] == ["box", *["include"] * 3, *["exclude"] * 2]


def test_fractions_are_rounded_half_up_and_numpy_numbers_understood() -> None:
    prompt = Prompt("include", (np.array([1.5, 2.4, -0.5]),))
    assert prompt.voxels == ((2, 2, 0),)
    assert all(type(number) is int for number in prompt.voxels[0])


def test_json_round_trip() -> None:
    prompts = Prompts.of(
        include=[(1, 2, 3)],
        exclude_strokes=[[(4, 5, 6), (4, 5, 7)]],
        box=((0, 0, 0), (9, 9, 9)),
        previous=PreviousMask.of(mask()),
    )
    again = Prompts.from_dict(json.loads(json.dumps(prompts.to_dict())))
    assert again == prompts and hash(again) == hash(prompts)
    assert again.previous is not None
    np.testing.assert_array_equal(again.previous.inside, prompts.previous.inside)
    assert prompts.to_dict(with_mask=False)["previous"] == {"voxels": 71}
    assert Prompts.from_dict(Prompts().to_dict()) == Prompts()


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"steps": None},
        {"steps": [{"kind": "include"}]},
        {"steps": [{"kind": "paint", "voxels": [[1, 2, 3]]}]},
        {"steps": [{"kind": "include", "voxels": [[1, 2]]}]},
        {"steps": [{"kind": "include", "voxels": [["a", 2, 3]]}]},
        {"steps": [{"kind": "include", "voxels": [[float("nan"), 2, 3]]}]},
        {"steps": [{"kind": "box", "voxels": [[1, 2, 3]]}]},
        {"steps": [], "colour": "red"},
        {"steps": [], "previous": {"shape": [1, 2, 3]}},
        {"steps": [], "previous": 3},
    ],
)
def test_json_that_holds_no_prompts(values) -> None:
    with pytest.raises(InputError):
        Prompts.from_dict(values)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shape", [20, 30]),
        ("shape", [2**20, 2**20, 2**20]),
        ("low", [-1, 0, 0]),
        ("low", [0.5, 0, 0]),
        ("size", [20, 30, 41]),
        ("bits", "no base64"),
        ("bits", "AAAA"),
        ("bits", 7),
        ("affine", [[1, 2], [3, 4]]),
    ],
)
def test_a_mask_in_json_that_is_none(key, value) -> None:
    values = PreviousMask.of(mask()).to_dict() | {key: value}
    with pytest.raises(InputError):
        PreviousMask.from_dict(values)


def test_a_mask_is_the_box_around_one_label() -> None:
    labels = mask()
    labels.array[0, 0, 0] = 9
    previous = PreviousMask.of(labels, 3)
    assert (previous.low, previous.inside.shape, previous.shape) == ((4, 5, 30), (4, 2, 9), (20, 30, 40))
    assert previous.n_voxels == 4 * 2 * 9 - 1
    assert previous == PreviousMask.of(mask()) != PreviousMask.of(labels)
    np.testing.assert_allclose(previous.box.affine[:3, 3], [8, 5, 30])
    assert previous.fits(SCAN)
    assert not previous.fits(Volume(SCAN.array, np.eye(4)))
    with pytest.raises(EmptyPrevious, match="no voxel of label 4") as caught:
        PreviousMask.of(labels, 4)
    assert caught.value.label == 4
    with pytest.raises(EmptyPrevious, match="is empty"):
        PreviousMask.of(SCAN)


def test_what_contradicts_itself_is_refused_when_it_is_added() -> None:
    prompts = Prompts().include((1, 2, 3))
    with pytest.raises(Contradiction, match="both included and excluded") as caught:
        prompts.exclude((0, 0, 0), (1, 2, 3))
    assert caught.value.voxel == (1, 2, 3)
    with pytest.raises(EmptyStroke, match="empty"):
        prompts.include()
    with pytest.raises(FlatBox, match="no volume") as flat:
        prompts.within((1, 2, 3), (5, 2, 8))
    assert flat.value.axis == 1
    assert prompts.included == ((1, 2, 3),), "nothing is lost"


@pytest.mark.parametrize(
    ("prompts", "kind", "sentence"),
    [
        (Prompts(), NoPrompts, "no prompts"),
        (Prompts().include((20, 0, 0)), PointOutside, "outside the scan of 20 x 30 x 40 voxels"),
        (Prompts().include((1, 1, 1)).exclude((0, -1, 0)), PointOutside, "outside"),
        (Prompts().within((20, 0, 0), (25, 9, 9)), BoxOutside, "outside"),
        (Prompts().exclude((1, 1, 1)), OnlyExcluded, "only exclude prompts"),
        (
            Prompts(previous=PreviousMask.of(OTHER)).include((1, 1, 1)),
            OtherGrid,
            "it has 4 x 5 x 6 voxels, the scan has 20 x 30 x 40",
        ),
        (
            Prompts(previous=PreviousMask.of(Volume(mask().array, np.eye(4)))).include((1, 1, 1)),
            OtherGrid,
            "as many voxels as the scan, in other places",
        ),
    ],
)
def test_what_cannot_be_answered_on_a_scan(prompts, kind, sentence) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        check_prompts(prompts, SCAN)
    assert isinstance(caught.value, PromptError) and isinstance(caught.value, InputError)


def test_what_can_be_answered() -> None:
    for prompts in (
        Prompts().include((19, 29, 39)),
        Prompts().exclude((1, 1, 1)).include((0, 0, 0)),
        Prompts().within((-5, -5, -5), (3, 3, 3)).exclude((1, 1, 1)),
        Prompts(previous=PreviousMask.of(mask())).exclude((1, 1, 1)),
    ):
        check_prompts(prompts, SCAN)
