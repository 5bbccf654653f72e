"""Numbers, names, colours and groups of structures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from napari_scd.errors import InputError
from napari_scd.volume import Label, LabelTable

TABLE = LabelTable(
    (
        Label(1, "anterior", (230, 159, 0), "hippocampus"),
        Label(2, "posterior", (86, 180, 233), "hippocampus"),
        Label(5, "liver", (0, 158, 115)),
    )
)


def test_lookups() -> None:
    assert TABLE.names == ("anterior", "posterior", "liver")
    assert TABLE.indices == (1, 2, 5)
    assert len(TABLE) == 3
    assert TABLE.index_of(" Liver ") == 5
    assert TABLE.name_of(2) == "posterior"
    assert TABLE.name_of(0) == "background"
    assert TABLE.label_of(5).colour == (0, 158, 115)
    with pytest.raises(InputError, match="anterior, posterior, liver"):
        TABLE.index_of("lever")
    with pytest.raises(InputError, match="no label 3"):
        TABLE.label_of(3)


def test_groups() -> None:
    assert TABLE.members_of_group(2) == (1, 2)
    assert TABLE.members_of_group(5) == (5,)
    assert TABLE.group_name(1) == "hippocampus"
    assert TABLE.group_name(5) == "liver"


def test_json_round_trip() -> None:
    assert LabelTable.from_list(json.loads(json.dumps(TABLE.to_list()))) == TABLE
    assert "group" not in TABLE.to_list()[2]


def test_itksnap_round_trip_but_for_groups() -> None:
    text = TABLE.to_itksnap()
    assert '"Clear Label"' in text
    again = LabelTable.from_itksnap(text)
    assert [(e.index, e.name, e.colour) for e in again.labels] == [
        (e.index, e.name, e.colour) for e in TABLE.labels
    ]
    quoted = LabelTable.from_names(['the "big" one', "Fuß"])
    assert LabelTable.from_itksnap(quoted.to_itksnap()).names == ("the 'big' one", "Fuß")
    with pytest.raises(InputError, match="not an ITK-SNAP label"):
        LabelTable.from_itksnap("1 2 3")


def test_itksnap_reads_a_file_of_the_program_itself() -> None:
    text = """################################################
# ITK-SnAP Label Description File
################################################
    0     0    0    0        0  0  0    "Clear Label"
    1   255    0    0        1  1  1    "Label 1"
    6     0  255  255        0.5  1  1    "Label 6"
"""
    assert LabelTable.from_itksnap(text).labels == (
        Label(1, "Label 1", (255, 0, 0)),
        Label(6, "Label 6", (0, 255, 255)),
    )


def test_from_names_numbers_and_colours() -> None:
    table = LabelTable.from_names([f"structure {n}" for n in range(60)])
    assert table.indices == tuple(range(1, 61))
    assert len({label.colour for label in table.labels}) == 60
    assert table == LabelTable.from_names([f"structure {n}" for n in range(60)])
    sparse = LabelTable.from_names({4: "a", 9: "b"}, groups={"b": "both"})
    assert [(e.index, e.group) for e in sparse.labels] == [(4, None), (9, "both")]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left kidney", "right kidney"),
        ("Left-Cerebral-Cortex", "Right-Cerebral-Cortex"),
        ("kidney_left", "kidney_right"),
        ("lh.insula", "rh.insula"),
        ("adrenal gland (L)", "adrenal gland (R)"),
    ],
)
def test_mirror_pairs_by_name(left: str, right: str) -> None:
    table = LabelTable.from_names([right, "spleen", left, "left ventricle only"])
    assert table.mirror_pairs == ((3, 1),)


def test_names_that_only_look_like_sides_are_no_pair() -> None:
    assert LabelTable.from_names(["cleft", "crright", "l1 vertebra", "r1"]).mirror_pairs == ()


@pytest.mark.parametrize(
    "entries",
    [
        [{"index": 0, "name": "a", "colour": [1, 2, 3]}],
        [{"index": 65536, "name": "a", "colour": [1, 2, 3]}],
        [{"index": 1.0, "name": "a", "colour": [1, 2, 3]}],
        [{"index": True, "name": "a", "colour": [1, 2, 3]}],
        [{"index": 1, "name": " ", "colour": [1, 2, 3]}],
        [{"index": 1, "name": None, "colour": [1, 2, 3]}],
        [{"index": 1, "name": "a", "colour": [1, 2]}],
        [{"index": 1, "name": "a", "colour": [1, 2, 256]}],
        [{"index": 1, "name": "a", "colour": "red"}],
        [{"index": 1, "name": "a", "colour": 7}],
        [{"index": 1, "name": "a"}],
        [{"index": 1, "name": "a", "colour": [1, 2, 3], "group": 5}],
        [{"index": 1, "name": "a", "colour": [1, 2, 3]}, {"index": 1, "name": "b", "colour": [1, 2, 3]}],
        [{"index": 1, "name": "a", "colour": [1, 2, 3]}, {"index": 2, "name": "a", "colour": [1, 2, 3]}],
        ["a"],
        7,
    ],
)
def test_bad_tables_are_refused(entries: Any) -> None:
    with pytest.raises(InputError) as caught:
        LabelTable.from_list(entries)
    assert str(caught.value).endswith(".")
