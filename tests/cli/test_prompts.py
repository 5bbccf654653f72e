"""`napari-scd segment` with a promptable model: points, boxes, masks to refine, files of objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

from napari_scd.cli.points import fold_points, parse_box
from napari_scd.cli.prompts import parse_prompts
from napari_scd.engine import Prompts, objects_from_dict
from napari_scd.errors import InputError
from napari_scd.volume import read_label_table, read_volume

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]
    Scan = Callable[..., Path]

ANYTHING = ("-m", "anything", "--threads", 1)


def voxels(path: str) -> np.ndarray:
    return np.asanyarray(nib.load(path).dataobj)


def labels_like(scan: Path, **boxes: tuple[slice, slice, slice]) -> str:
    """Write a label file on the grid of a scan; `l3=box` puts label 3 into a box."""
    image = nib.load(scan)
    array = np.zeros(image.shape, np.uint8)
    for name, box in boxes.items():
        array[box] = int(name[1:])
    nib.save(nib.Nifti1Image(array, image.affine), "mask.nii.gz")
    return "mask.nii.gz"


def test_points_of_a_promptable_model(run: Run, scan: Scan) -> None:
    source = scan()
    points = ["--at", 0, 0, 0, "--at", 2, 3, -1, "--not-at", 5, 5, 5]
    code, out, err = run("segment", source, "-o", "o.nii.gz", *ANYTHING, *points, "--report", "r.json")
    assert code == 0 and "object" in out and "8.62 ml" in out
    assert "reaches the edge of the scan" in err
    labels = voxels("o.nii.gz").copy()
    assert labels[5, 17, 14] == 0, "the place that was excluded"
    labels[4:7, 16:19, 13:16] = 1
    assert (labels == 1).all()
    assert nib.load("o.nii.gz").shape == nib.load(source).shape
    assert read_label_table("o.nii.gz").names == ("object",)
    report = json.loads(Path("r.json").read_text())
    kinds = [step["kind"] for step in report["prompts"]["prompts"]["steps"]]
    assert kinds == ["include", "include", "exclude"]
    assert report["points_ras_mm"] == [[0, 0, 0], [2, 3, -1]]
    (again,) = objects_from_dict(report, read_volume(source))
    assert again.prompts == Prompts.from_dict(report["prompts"]["prompts"]), "a report can be repeated"


def test_a_box_limits_the_object_in_any_order_of_its_corners(run: Run, scan: Scan) -> None:
    source = scan()
    for corners in ([-3, -5, -2, 4, 6, 1], [4, -5, 1, -3, 6, -2]):
        code, _, _ = run("segment", source, "-o", "o.nii.gz", *ANYTHING, "--box", *corners)
        assert code == 0
        found = voxels("o.nii.gz")
        assert found.sum() == 8 * 12 * 4
        inside = (
            np.argwhere(found) @ nib.load("o.nii.gz").affine[:3, :3].T + nib.load("o.nii.gz").affine[:3, 3]
        )
        np.testing.assert_allclose(inside.min(axis=0), [-3, -5, -2])
        np.testing.assert_allclose(inside.max(axis=0), [4, 6, 1])


def test_one_label_of_a_file_is_refined(run: Run, scan: Scan) -> None:
    source = scan()
    box = (slice(2, 6), slice(2, 6), slice(2, 6))
    file = labels_like(source, l3=box, l4=(slice(10, 12), slice(10, 12), slice(10, 12)))
    code, _, err = run(
        "segment", source, "-o", "o.nii.gz", *ANYTHING, "--refine", f"{file}:3", "--not-at", 0, 0, 0,
        "--report", "r.json",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(Path("r.json").read_text())["objects"][0]["previous"] == {"voxels": 64}
    code, _, err = run(
        "segment", source, "-o", "p.nii.gz", *ANYTHING, "--refine", f"{file}:9", "--at", 0, 0, 0
    )
    assert code == 2 and "no voxel of label 9" in err
    other = scan("other.nii.gz", (10, 10, 10))
    code, _, err = run("segment", other, "-o", "p.nii.gz", *ANYTHING, "--refine", file, "--at", 0, 0, 0)
    assert code == 2 and "another grid" in err
    code, _, err = run("segment", source, "-o", file, *ANYTHING, "--refine", f"{file}:3", "--at", 0, 0, 0)
    assert code == 2 and "overwrite an input" in err


def two_objects(unit: str = "mm") -> dict:
    return {
        "unit": unit,
        "objects": [
            {"name": "left", "label": 4, "prompts": [{"kind": "box", "points": [[-8, -5, -2], [-3, 6, 1]]}]},
            {
                "name": "right",
                "label": 2,
                "prompts": [
                    {"kind": "box", "points": [[-4, -5, -2], [5, 6, 1]]},
                    {"kind": "include", "points": [[2, 0, 0]]},
                ],
            },
        ],
    }


def test_several_objects_of_a_file(run: Run, scan: Scan) -> None:
    source = scan()
    Path("objects.json").write_text(json.dumps(two_objects()))
    code, out, err = run(
        "segment", source, "-o", "o.nii.gz", *ANYTHING, "--prompts", "objects.json", "--report", "r.json",
        "--tokens", "t.nii.gz", "--probability", "p.nii.gz",
    )  # fmt: skip
    assert code == 0, err
    found = voxels("o.nii.gz")
    assert {int(i): int((found == i).sum()) for i in np.unique(found)} == {
        0: found.size - 48 * 14, 2: 8 * 48, 4: 6 * 48,
    }  # fmt: skip
    table = read_label_table("o.nii.gz")
    assert {label.index: label.name for label in table.labels} == {4: "left", 2: "right"}
    assert "left" in out and "0.29 ml" in out and "0.38 ml" in out
    report = json.loads(Path("r.json").read_text())
    assert report["volumes_ml"] == {"left": 0.288, "right": 0.384}
    assert [one["name"] for one in report["objects"]] == ["left", "right"]
    assert voxels("p.nii.gz").shape == (*found.shape, 2)
    Path("again.json").write_text(json.dumps(report))
    code, _, _ = run("segment", source, "-o", "again.nii.gz", *ANYTHING, "--prompts", "again.json")
    assert code == 0
    np.testing.assert_array_equal(voxels("again.nii.gz"), found)


def test_masks_of_each_object_may_overlap(run: Run, scan: Scan) -> None:
    values = two_objects()
    Path("objects.json").write_text(json.dumps(values))
    arguments = [
        "segment",
        scan(),
        "-o",
        "o.nii.gz",
        *ANYTHING,
        "--prompts",
        "objects.json",
        "--each",
        "each",
    ]
    code, _, err = run(*arguments)
    assert code == 2 and "labels are 1, 2, 3 and so on" in err
    for one, label in zip(values["objects"], (2, 1), strict=True):
        one["label"] = label
    Path("objects.json").write_text(json.dumps(values))
    assert run(*arguments)[0] == 0
    assert voxels("each/scan_left.nii.gz").sum() == 6 * 48
    assert voxels("each/scan_right.nii.gz").sum() == 10 * 48


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda values: values.clear(), "no objects"),
        (lambda values: values.update(objects=[]), "no objects"),
        (lambda values: values.update(unit="inch"), "unit must be one of mm, voxel"),
        (lambda values: values["objects"][0].pop("prompts"), "Object 'left': it has no list of 'prompts'"),
        (lambda values: values["objects"][0].update(colour=1), "unknown entry 'colour'"),
        (lambda values: values["objects"][0].update(label=0), "whole number from 1 to 65535"),
        (lambda values: values["objects"][0].update(label=2), "Two objects have the label 2"),
        (lambda values: values["objects"][0].update(name="Right"), "Two objects have the name 'right'"),
        (lambda values: values["objects"][0].update(name=""), "needs a name"),
        (lambda values: values["objects"][0].update(prompts=[]), "no prompts"),
        (lambda values: values["objects"][0].update(prompts=[{"kind": "include"}]), "three numbers each"),
        (
            lambda values: values["objects"][1]["prompts"][1].update(points=[[1, 2]]),
            "Object 'right': a prompt needs",
        ),
        (
            lambda values: values["objects"][1]["prompts"][1].update(points=[[999, 0, 0]]),
            "Object 'right': The point at voxel",
        ),
        (lambda values: values["objects"][0].update(refine={"label": 1}), "'refine' needs a 'file'"),
        (lambda values: values["objects"][0].update(refine={"file": "no.nii.gz"}), "no.nii.gz"),
    ],
)
def test_files_of_objects_that_cannot_be_used(run: Run, scan: Scan, change: Callable, sentence: str) -> None:
    values = two_objects()
    change(values)
    Path("objects.json").write_text(json.dumps(values))
    code, _, err = run("segment", scan(), "-o", "o.nii.gz", *ANYTHING, "--prompts", "objects.json")
    assert code == 2 and sentence in " ".join(err.split())
    assert not Path("o.nii.gz").exists()


def test_refine_in_a_file_and_voxels_as_unit(run: Run, scan: Scan) -> None:
    source = scan()
    labels_like(source, l3=(slice(2, 6), slice(2, 6), slice(2, 6)))
    one = {
        "refine": {"file": "mask.nii.gz", "label": 3},
        "prompts": [{"kind": "include", "points": [[9, 12, 10]]}],
    }
    Path("objects.json").write_text(json.dumps({"unit": "voxel", "objects": [one]}))
    code, _, err = run(
        "segment", source, "-o", "o.nii.gz", *ANYTHING, "--prompts", "objects.json", "--report", "r.json"
    )
    assert code == 0, err
    report = json.loads(Path("r.json").read_text())
    assert report["prompts"]["prompts"]["steps"][0]["voxels"] == [[9, 12, 10]]
    assert report["objects"][0]["name"] == "object 1"


@pytest.mark.parametrize("text", [None, "{", "[1, 2"])
def test_a_prompts_file_that_cannot_be_read(run: Run, scan: Scan, text: str | None) -> None:
    if text is not None:
        Path("objects.json").write_text(text)
    code, _, err = run("segment", scan(), "-o", "o.nii.gz", *ANYTHING, "--prompts", "objects.json")
    assert code == 2 and "objects.json" in err and "prompts file" in err


def test_what_belongs_to_one_scan_is_refused_for_several(run: Run, scan: Scan) -> None:
    one, two = scan("one.nii.gz"), scan("two.nii.gz")
    for model, extra in (
        ("anything", ["--at", 0, 0, 0]),
        ("anything", []),
        ("whole", ["--not-at", 0, 0, 0]),
        ("whole", ["--box", 0, 0, 0, 1, 1, 1]),
    ):
        code, _, err = run("segment", one, two, "-o", "out", "-m", model, *extra)
        assert code == 2 and "Prompts belong to one scan" in err
    code, _, err = run("segment", ".", "-o", "out", "-m", "anything", "--at", 0, 0, 0)
    assert code == 2 and "Prompts belong to one scan" in err


def test_models_and_options_that_do_not_go_together(run: Run, scan: Scan) -> None:
    source = scan()
    code, _, err = run(
        "segment", source, "-o", "o.nii.gz", "-m", "clicky", "--at", 0, 0, 0, "--not-at", 1, 1, 1
    )
    assert code == 2 and "clicky does not take prompts" in err
    code, _, err = run("segment", source, "-o", "o.nii.gz", *ANYTHING)
    assert code == 2 and "needs a point inside it. Give one with --at" in err
    code, _, err = run("segment", source, "-o", "o.nii.gz", *ANYTHING, "--not-at", 0, 0, 0)
    assert code == 2 and "only exclude prompts" in err
    code, _, err = run("segment", source, "-o", "o.nii.gz", *ANYTHING, "--at", 0, 0, 0, "--not-at", 0, 0, 0)
    assert code == 2 and "both included and excluded" in err
    code, _, err = run("segment", source, "-o", "o.nii.gz", *ANYTHING, "--at", 99, 0, 0)
    assert code == 2 and "lies outside the volume, which spans" in err
    code, _, err = run("segment", source, "-o", "o.nii.gz", *ANYTHING, "--prompts", "a.json", "--at", 0, 0, 0)
    assert code == 2 and "Use either --prompts" in err
    assert not Path("o.nii.gz").exists()


def test_boxes_are_folded_and_parsed() -> None:
    words = ["--box", "-1", "2", "3", "4", "5", "6", "--not-at", "1", "2", "3"]
    assert fold_points(words) == ["--box=-1,2,3,4,5,6", "--not-at=1,2,3"]
    assert parse_box("-1,2,3,4,5,6") == ((-1, 2, 3), (4, 5, 6))
    for text in ("1,2,3", "1,2,3,4,5,x", ""):
        with pytest.raises(InputError, match="two opposite corners"):
            parse_box(text)


@pytest.mark.parametrize(
    ("text", "path", "label"),
    [
        ("a.nii.gz:3", "a.nii.gz", 3),
        ("a.nii.gz", "a.nii.gz", None),
        ("C:\\data\\a.nii.gz:12", "C:\\data\\a.nii.gz", 12),
        ("C:\\data\\a.nii.gz", "C:\\data\\a.nii.gz", None),
        ("a:b", "a:b", None),
    ],
)
def test_a_file_and_its_label(text: str, path: str, label: int | None) -> None:
    options = parse_prompts(None, None, text, None, points=True)
    assert (options.refine, options.refine_label) == (Path(path), label)
    assert options.given and options.files == (Path(path),)


def test_clicks_are_timed_without_a_window(run: Run, scan: Scan) -> None:
    code, out, err = run("benchmark", "latency", scan(), "-m", "anything", "--rounds", 1, "--json")
    assert code == 0, err
    timed = json.loads(out)
    assert timed["model"] == "anything" and timed["windows_per_click"] > 0
    waits = {wait["what"]: wait for wait in timed["waits"]}
    assert waits["model loaded, scan prepared, first click answered"]["n"] == 1
    assert waits["any click, median"]["n"] == 2 and waits["any click, median"]["goal_s"] == 0.5
    assert any("zooms out" in what for what in waits) != bool(timed["notes"]), "timed, or why not"
    words = ("benchmark", "latency", scan(), "--rounds", 1, "--threads", 1, "--processor-time")
    code, out, _ = run(*words, "-m", "anything")
    assert code == 0 and "any click, 95 of 100" in out and "processor time" in out
    assert not timed["notes"] or timed["notes"][0] in " ".join(out.split())
    code, _, err = run(*words)
    assert code == 2 and "The dock is timed as it runs" in err
