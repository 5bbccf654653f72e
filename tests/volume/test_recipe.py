"""A recipe survives JSON, and a bad one names its key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from napari_scd.errors import InputError
from napari_scd.volume import Recipe

RECIPES = [
    Recipe("MR"),
    Recipe("CT", "LPS", (1.5, 1.5, 2.0), clip=(-125, 275), normalisation="range", normalise_over="window"),
    Recipe("MR", spacing_mm=(1, 1, 1), clip_percentiles=(0.5, 99.5), normalisation="zscore-nonzero"),
    Recipe("MR", channels=("t1", "t2"), activation="sigmoid", precedence=(3, 1, 2), field="click"),
    Recipe("CT", logit_offsets=(0.0, -1.5), single_labels=(1, 3), part_gap_mm=12.0, part_share=0.1),
    Recipe("any", clip_percentiles=(1, 99), normalise_over="window", activation="sigmoid", field="prompt"),
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_json_round_trip(recipe: Recipe) -> None:
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert hash(Recipe.from_dict(recipe.to_dict())) == hash(recipe)


def test_lists_become_tuples_and_axes_capitals() -> None:
    recipe = Recipe("MR", axes="ras", spacing_mm=[1, 1, 2], channels=["a"])  # type: ignore[arg-type]
    assert recipe.spacing_mm == (1.0, 1.0, 2.0)
    assert recipe.axes == "RAS"
    assert recipe.channels == ("a",)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("modality", "PET"),
        ("axes", "SSL"),
        ("axes", 3),
        ("spacing_mm", (1, 1)),
        ("spacing_mm", (1, 1, 0)),
        ("spacing_mm", (1, 1, float("nan"))),
        ("spacing_mm", "1mm"),
        ("spacing_mm", 2.0),
        ("clip", (3, 3)),
        ("clip", (3, float("inf"))),
        ("clip_percentiles", (-1, 50)),
        ("clip_percentiles", (1, 101)),
        ("normalisation", "minmax"),
        ("normalisation", ["zscore"]),
        ("normalise_over", "slice"),
        ("field", "half"),
        ("channels", ()),
        ("channels", "image"),
        ("channels", (1,)),
        ("activation", "relu"),
        ("precedence", (1.5,)),
        ("precedence", 4),
        ("logit_offsets", (1.0, float("nan"))),
        ("logit_offsets", 1.0),
        ("logit_offsets", None),
        ("single_labels", (1.5,)),
        ("part_gap_mm", -1.0),
        ("part_gap_mm", "wide"),
        ("part_share", 1.5),
        ("part_share", True),
        ("colour", "red"),
    ],
)
def test_bad_values_name_their_key(key: str, value: Any) -> None:
    with pytest.raises(InputError, match=key) as caught:
        Recipe.from_dict({"modality": "MR", key: value})
    assert str(caught.value).endswith(".")


def test_what_is_no_recipe() -> None:
    with pytest.raises(InputError, match="'modality'"):
        Recipe.from_dict({})
    with pytest.raises(InputError, match="list"):
        Recipe.from_dict([])  # type: ignore[arg-type]
