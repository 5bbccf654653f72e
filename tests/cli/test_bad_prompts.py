"""What a user can get wrong with a promptable model on the command line: one sentence, and no output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]
    Scan = Callable[..., Path]

ANYTHING = ("-o", "o.nii.gz", "-m", "anything", "--threads", 1)
HERE = ("--at", 0, 0, 0)


def image_of(values: np.ndarray) -> Path:
    nib.save(nib.Nifti1Image(values, np.eye(4)), "odd.nii.gz")
    return Path("odd.nii.gz")


def mask_of(scan: Path, affine: np.ndarray | None = None) -> str:
    """Write a mask with as many voxels as a scan, elsewhere if an affine is given."""
    image = nib.load(scan)
    values = np.zeros(image.shape, np.uint8)
    values[5:9, 5:9, 5:9] = 1
    nib.save(nib.Nifti1Image(values, image.affine if affine is None else affine), "mask.nii.gz")
    return "mask.nii.gz"


@pytest.mark.parametrize(
    ("prompts", "said"),
    [
        (("--at", 0, 0, 500), "lies outside the volume"),
        ((*HERE, "--not-at", 0, 500, 0), "lies outside the volume"),
        ((*HERE, "--not-at", 0, 0, 0), "is both included and excluded"),
        (("--not-at", 0, 0, 0), "only exclude prompts"),
        (("--box", -3, -3, 2, 3, 3, 2), "The box has no volume (it is flat along axis 0)"),
        (("--box", 100, 100, 100, 120, 120, 120), "lies outside the scan of 18 x 24 x 20 voxels"),
    ],
)
def test_prompts_that_cannot_be_answered(
    run: Run, scan: Scan, prompts: tuple[object, ...], said: str
) -> None:
    code, _, err = run("segment", scan(), *ANYTHING, *prompts)
    assert code == 2 and said in " ".join(err.split())
    assert not Path("o.nii.gz").exists()


def test_masks_to_refine_that_do_not_fit(run: Run, scan: Scan) -> None:
    source = scan()
    code, _, err = run(
        "segment", source, *ANYTHING, *HERE, "--refine", mask_of(source, np.diag([2, 2, 2, 1]))
    )
    assert code == 2 and "as many voxels as the scan, in other places" in " ".join(err.split())
    code, _, err = run("segment", source, *ANYTHING, *HERE, "--refine", f"{mask_of(source)}:7")
    assert code == 2 and "holds no voxel of label 7" in " ".join(err.split())
    assert not Path("o.nii.gz").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompts": [{"kind": "include", "points": []}]}, "The stroke is empty"),
        ({"prompts": [{"kind": "box", "points": [[0, 0, 0]]}]}, "A box needs two opposite corners"),
        ({"prompts": [{"kind": "guess", "points": [[0, 0, 0]]}]}, "A prompt is one of include, exclude, box"),
    ],
)
def test_objects_in_a_file_that_cannot_be_answered(run: Run, scan: Scan, change: dict, said: str) -> None:
    Path("objects.json").write_text(json.dumps({"objects": [{"name": "it", **change}]}))
    code, _, err = run("segment", scan(), *ANYTHING, "--prompts", "objects.json")
    assert code == 2 and f"Object 'it': {said}" in " ".join(err.split())


def test_a_file_of_prompts_for_another_scan(run: Run, scan: Scan) -> None:
    source = scan()
    grid = {"shape": [18, 24, 20], "affine": np.eye(4).tolist()}
    one = {"prompts": [{"kind": "include", "points": [[0, 0, 0]]}]}
    Path("objects.json").write_text(json.dumps({"grid": grid, "objects": [one]}))
    code, _, err = run("segment", source, *ANYTHING, "--prompts", "objects.json")
    assert code == 2 and "belong to another scan (with as many voxels as this one, in other" in " ".join(
        err.split()
    )
    code, _, err = run("segment", source, *ANYTHING, *HERE, "--report", "r.json")
    assert code == 0, err
    written = json.loads(Path("r.json").read_text())
    assert written["grid"]["shape"] == [18, 24, 20]
    code, _, err = run("segment", source, *ANYTHING, "--prompts", "r.json")
    assert code == 0, err
    code, _, err = run("segment", scan("larger.nii.gz", (30, 24, 18)), *ANYTHING, "--prompts", "r.json")
    assert code == 2 and "of 18 x 24 x 20 voxels; this one has 18 x 24 x 30" in " ".join(err.split())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full((20, 24, 18), 7, np.int16), "Every voxel of the image is 7, so there is nothing to tell"),
        (np.arange(480, dtype=np.float32).reshape(20, 24), "2D"),
        (np.arange(480, dtype=np.float32).reshape(20, 24, 1), "single plane"),
        (np.zeros((20, 24, 18), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])), "colour"),
    ],
)
def test_images_without_anything_to_click(run: Run, values: np.ndarray, said: str) -> None:
    code, _, err = run("segment", image_of(values), *ANYTHING, "--at", 5, 5, 0)
    assert code == 2 and said in " ".join(err.split()), err
    assert not Path("o.nii.gz").exists()


def test_a_structure_larger_than_the_scan_is_cut_and_said_so(run: Run, scan: Scan) -> None:
    code, _, err = run("segment", scan(), *ANYTHING, *HERE)
    assert code == 0 and "reaches the edge of the scan" in " ".join(err.split())
    assert (np.asanyarray(nib.load("o.nii.gz").dataobj) == 1).all()
