from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from napari_scd.viewer import layers as geometry
from napari_scd.viewer.layers import build as layers
from napari_scd.volume import LabelTable, Volume

from ..conftest import TABLE, blob


@pytest.fixture
def view(model: Any) -> geometry.SourceView:
    image = model.add_image(blob(), name="ct", scale=(2, 1, 1), units="mm", axis_labels=("z", "y", "x"))
    return geometry.look_at(image)


def test_dim_pruned_veils_the_earlier_the_darker() -> None:
    colours = layers.token_colours("dim", 3)
    assert [colours[value][3] for value in (1, 2, 3, 4)] == pytest.approx([0.75, 0.5, 0.25, 0])
    assert colours[None][3] == colours[0][3] == 0


def test_exit_stages_have_the_colours_of_the_specification() -> None:
    assert [layers.exit_colour(value, 3) for value in (2, 3, 4)] == ["#2b6cb0", "#e8a33d", "#d62728"]


def test_a_stage_button_shows_later_leavers_as_survivors() -> None:
    all_stages = layers.token_colours("exit", 3)
    first = layers.token_colours("exit", 3, stage=1)
    assert first[1] == all_stages[1]
    assert first[2] == first[3] == first[4] == all_stages[4]
    assert layers.token_colours("dim", 3, stage=1)[3][3] == 0


def test_in_3d_only_survivors_are_solid() -> None:
    solid = layers.token_colours("dim", 3, solid=True)
    assert [solid[value][3] for value in (1, 2, 3, 4)] == [0, 0, 0, 1]
    assert layers.token_colours("exit", 3, stage=2, solid=True)[3][3] == 1


def test_estimates_of_later_stages_are_faint() -> None:
    sure, guess = layers.token_colours("dim", 3), layers.token_colours("dim", 3, estimated=True)
    assert guess[1] == sure[1] and guess[2][3] == sure[2][3] / 2


@pytest.mark.parametrize("n_stages", [1, 2, 3, 5])
def test_any_number_of_stages_has_colours(n_stages: int) -> None:
    for show in ("dim", "exit"):
        assert set(layers.token_colours(show, n_stages)) == {None, *range(n_stages + 2)}


def test_labels_carry_names_colours_and_provenance(model: Any, view: geometry.SourceView) -> None:
    data, keywords, kind = layers.labels_layer(
        np.ones(view.shape, np.uint8), view, TABLE, kind="preview", report={"model": "fake"}
    )
    layer = model.add_labels(data, **keywords)
    assert kind == "labels" and layer.name == "ct [SCD preview]"
    assert np.allclose(layer.get_color(1)[:3], np.array(TABLE.labels[0].colour) / 255, atol=1e-3)
    assert list(layer.features["name"]) == list(TABLE.names)
    assert json.loads(json.dumps(layer.metadata["scd"]))["model"] == "fake"
    status = layer.get_status((2, 2, 2), view_direction=None, dims_displayed=[1, 2], world=True)
    assert "anterior hippocampus" in status["coordinates"], "the name is shown under the mouse"


def test_scores_that_are_missing_add_nothing(view: geometry.SourceView) -> None:
    scores = -np.arange(8.0).reshape(2, 2, 2).astype(np.float32)
    scores[0, 0, 0] = np.nan
    data, keywords, kind = layers.score_layer(Volume(scores, np.eye(4)), view, {})
    assert kind == "image" and np.isfinite(data).all() and data[0, 0, 0] <= keywords["contrast_limits"][0]
    assert (keywords["blending"], keywords["interpolation3d"]) == ("additive", "nearest")


def test_no_scores_at_all_can_be_drawn() -> None:
    data, (low, high) = layers.drawable_scores(np.full((2, 2, 2), np.nan, np.float32))
    assert np.isfinite(data).all() and high > low


def test_measuring_counts_every_label() -> None:
    found = layers.measure(np.array([[[0, 1, 1, 3]]], np.uint8), TABLE, 0.5)
    assert found[1] == (2, 1.0) and found[2] == (0, 0.0) and found[3] == (1, 0.5)


def test_exploded_stages_have_an_axis_of_their_own(model: Any, view: geometry.SourceView) -> None:
    tokens = Volume(np.array([[[0, 1, 2, 3, 4]]], np.uint8), np.diag([8.0, 4, 4, 1]))
    data, keywords, _ = layers.stages_layer(tokens, view, 3, {})
    assert data.shape == (4, 1, 1, 5)
    assert [frame.reshape(-1).tolist() for frame in data] == [
        [0, 3, 2, 2, 2],
        [0, 1, 4, 2, 2],
        [0, 1, 1, 5, 2],
        [0, 1, 1, 1, 6],
    ]
    layer = model.add_labels(data, **keywords)
    assert layer.axis_labels == ("stage", "z", "y", "x") and layer.ndim == 4


def test_the_table_of_one_structure() -> None:
    assert set(layers.label_colours(LabelTable.from_names(["liver"]))) == {None, 0, 1}
