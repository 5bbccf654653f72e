"""Which files belong together."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.evaluation import CaseFiles, find_cases, read_pair
from napari_scd.evaluation.cases import case_name
from napari_scd.volume import Volume, sentence_on, write_labels, write_volume


def _touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("image", "label", "case"),
    [
        ("a.nii.gz", "a.nii.gz", "a"),
        ("a.nii", "a.mgz", "a"),
        ("a_0000.nii.gz", "a.nii.gz", "a"),
        ("img0007.nii.gz", "label0007.nii.gz", "img0007"),
    ],
)
def test_names_that_belong_together(tmp_path, image, label, case):
    images, labels = _touch(tmp_path / "i", image, ".hidden.nii", "notes.txt"), _touch(tmp_path / "l", label)
    found = find_cases(images=images, labels=labels)
    assert found.cases == {case: CaseFiles(case, images / image, labels / label)}
    assert found.validation == ()


def test_what_belongs_to_no_case_is_told(tmp_path):
    images = _touch(tmp_path / "i", "a.hdr", "a.img", "scan.dcm", ".DS_Store")
    (images / "series").mkdir()
    labels = _touch(tmp_path / "l", "a.nii.gz", "b.nii.gz", "dataset.json")
    found = find_cases(images=images, labels=labels)
    assert list(found.cases) == ["a"]
    assert sentence_on(found.unused) == (
        "Left out: scan.dcm (not an image); series (a folder, where only files count); "
        "b.nii.gz (no image of that name)."
    )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("a.nii", "a_0000.nii.gz"), "both a.nii and a_0000.nii.gz"),
        (("a.nii", "a.nii.gz"), "both a.nii and a.nii.gz"),
        (("b.nii",), "no label"),
        ((), "no NIfTI"),
    ],
)
def test_folders_that_cannot_be_used(tmp_path, names, said):
    labels = _touch(tmp_path / "l", "a.nii.gz")
    with pytest.raises(InputError, match=said):
        find_cases(images=_touch(tmp_path / "i", *names), labels=labels)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a Decathlon"),
        ("[]", "not a Decathlon"),
        ('{"training": [{"image": "a.nii"}]}', "not a Decathlon"),
        ('{"training": [{"image": "a.nii", "label": "b.nii"}]}', "does not exist"),
    ],
)
def test_lists_that_cannot_be_used(tmp_path, text, said):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(InputError, match=said):
        find_cases(dataset=tmp_path / "dataset.json")


def test_test_images_without_labels_are_left_out(tmp_path):
    _touch(tmp_path / "imagesTr", "a.nii.gz")
    _touch(tmp_path / "labelsTr", "a.nii.gz")
    sections = {
        "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}],
        "test": ["./imagesTs/b.nii.gz"],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(sections))
    assert list(find_cases(dataset=tmp_path / "dataset.json").cases) == ["a"]


def test_small_rounding_errors_of_a_header_are_no_mismatch(tmp_path):
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    moved = affine.copy()
    moved[0, 3] = 0.01
    array = np.zeros((4, 5, 6), np.int16)
    write_volume(tmp_path / "a.nii", Volume(array, affine))
    write_labels(tmp_path / "b.nii", Volume(array, moved))
    image, label = read_pair(CaseFiles("a", tmp_path / "a.nii", tmp_path / "b.nii"))
    assert image.spatial_shape == label.spatial_shape


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.nii.gz", "a"), ("a.b.NII", "a.b"), ("a.hdr", "a"), ("a.img", ""), ("a.png", ""), (".a.nii", "")],
)
def test_stems(tmp_path, name, stem):
    assert case_name(tmp_path / name) == stem
