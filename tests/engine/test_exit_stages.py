from __future__ import annotations

import pytest

from napari_scd.engine.exit_stages import stage_table


def test_three_stages_have_the_known_colours() -> None:
    colours = ["#{:02x}{:02x}{:02x}".format(*label.colour) for label in stage_table(3).labels]
    assert colours[1:] == ["#2b6cb0", "#e8a33d", "#d62728"]
    assert stage_table(3).names[-1] == "survived all stages"


@pytest.mark.parametrize("n_stages", range(6))
def test_any_number_of_stages_has_distinct_colours(n_stages: int) -> None:
    labels = stage_table(n_stages).labels
    assert [label.index for label in labels] == list(range(1, n_stages + 2))
    assert len({label.colour for label in labels}) == n_stages + 1
