from __future__ import annotations

import pytest

from napari_scd.cli.points import fold_points, parse_point
from napari_scd.errors import InputError


@pytest.mark.parametrize(
    ("words", "folded"),
    [
        (["a.nii", "--at", "-26", "-20", "-16"], ["a.nii", "--at=-26,-20,-16"]),
        (["--at", "1", "2", "3", "--at", "4", "5", "6"], ["--at=1,2,3", "--at=4,5,6"]),
        (["--at", "1e1", ".5", "-0", "a.nii"], ["--at=1e1,.5,-0", "a.nii"]),
        (["--at", "-26,-20,-16", "a.nii"], ["--at=-26,-20,-16", "a.nii"]),
        (["--at=1,2,3"], ["--at=1,2,3"]),
        (["--at", "1", "2", "a.nii"], ["--at=1,2", "a.nii"]),
        (["--at"], ["--at="]),
        (["--", "--at", "1"], ["--", "--at", "1"]),
        (["1", "2", "-o", "3"], ["1", "2", "-o", "3"]),
    ],
)
def test_points_are_folded(words: list[str], folded: list[str]) -> None:
    assert fold_points(words) == folded


def test_a_point_is_three_numbers() -> None:
    assert parse_point("-26,-20.5,-16") == (-26.0, -20.5, -16.0)


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "a,b,c", "1,2,nan", "1,2,inf"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="three numbers in mm"):
        parse_point(text)
