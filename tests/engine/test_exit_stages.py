from __future__ import annotations

import pytest

from napari_scd.engine import n_stages_of, stage_colour, stage_table
from napari_scd.volume import LabelTable


def test_three_stages_have_the_known_colours() -> None:
    colours = ["#{:02x}{:02x}{:02x}".format(*label.colour) for label in stage_table(3).labels]
    assert colours[1:] == ["#2b6cb0", "#e8a33d", "#d62728"]
    assert stage_table(3).names[-1] == "survived all stages"


@pytest.mark.parametrize("n_stages", range(6))
def test_any_number_of_stages_has_distinct_colours(n_stages: int) -> None:
    labels = stage_table(n_stages).labels
    assert [label.index for label in labels] == list(range(1, n_stages + 2))
    assert len({label.colour for label in labels}) == n_stages + 1
    assert [label.colour for label in labels] == [stage_colour(i, n_stages) for i in range(1, n_stages + 2)]


@pytest.mark.parametrize("n_stages", range(1, 6))
def test_a_table_tells_how_many_stages_it_is_of(n_stages: int) -> None:
    assert n_stages_of(stage_table(n_stages)) == n_stages
    assert n_stages_of(LabelTable.from_names(["liver", "spleen"])) == 0
