"""`napari-scd compare`."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_scd.volume import LabelTable, Volume, write_labels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def maps(tmp_path: Path) -> tuple[Path, Path]:
    """A liver that grew from 8 to 10 ml, and a new cyst of 2 ml."""
    table = LabelTable.from_names(["liver", "cyst", "spleen"])
    array = np.zeros((20, 10, 10), np.uint8)
    array[:8, :, :] = 1
    first, second = tmp_path / "before.nii.gz", tmp_path / "after.nii.gz"
    affine = np.diag([10.0, 1.0, 1.0, 1.0])
    write_labels(first, Volume(array, affine), table=table)
    array[:10] = 1
    array[15:17] = 2
    write_labels(second, Volume(array, affine), table=table)
    return first, second


def test_a_table_and_a_file(run: Run, maps: tuple[Path, Path], tmp_path: Path) -> None:
    code, out, err = run("compare", *maps, "-o", "change.csv")
    assert (code, err) == (0, "")
    assert all(word in out for word in ("+2.00 ml", "+25.0 %", "0.889", "new", "cyst"))
    assert "spleen" not in out
    rows = list(csv.DictReader((tmp_path / "change.csv").open(newline="", encoding="utf-8")))
    assert [row["structure"] for row in rows] == ["liver", "cyst"]
    assert (rows[0]["change_ml"], rows[1]["change_percent"]) == ("2", "")


def test_json_and_chosen_structures(run: Run, maps: tuple[Path, Path]) -> None:
    _, out, _ = run("compare", *maps, "--labels", "Cyst", "--json")
    (cyst,) = json.loads(out)["structures"]
    assert (cyst["structure"], cyst["after_ml"], cyst["dice"]) == ("cyst", pytest.approx(2), 0)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--labels", "livr"], "Did you mean 'liver'?"),
        (["-o", "change.txt"], "must end in .csv"),
    ],
)
def test_what_cannot_be(run: Run, maps: tuple[Path, Path], words: list[str], says: str) -> None:
    code, _, err = run("compare", *maps, *words)
    assert code == 2
    assert says in err and err.count("\n") == 1


def test_a_file_that_is_missing(run: Run, maps: tuple[Path, Path]) -> None:
    code, _, err = run("compare", maps[0], "nothing.nii")
    assert code == 2 and err.count("\n") == 1
