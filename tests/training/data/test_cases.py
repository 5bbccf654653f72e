"""Cases: found, checked before the first step, prepared as in use."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch

from napari_scd.errors import InputError
from napari_scd.training import config_from_dict
from napari_scd.training.data.cases import absent_labels, load_case, load_cases
from napari_scd.training.data.listing import list_cases
from napari_scd.volume import Volume, read_labels, read_volume, write_labels, write_volume


@pytest.fixture
def own_copy(data_folder, tmp_path):
    shutil.copytree(data_folder, tmp_path / "copy")
    return tmp_path / "copy"


def _rewrite(folder, kind, change):
    path = folder / kind / "case1.nii.gz"
    volume = read_labels(path) if kind == "labels" else read_volume(path)
    changed = change(volume)
    (write_labels if kind == "labels" else write_volume)(path, changed)


def _moved(volume):
    affine = np.array(volume.affine)
    affine[0, 3] += 20
    return Volume(volume.array, affine)


def _with_value(volume, value):
    array = np.array(volume.array, np.float32 if isinstance(value, float) else volume.array.dtype)
    array[0, 0, 0] = value
    return Volume(array, volume.affine)


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("labels", lambda v: Volume(v.array[1:], v.affine), "19x22x24 voxels"),
        ("labels", _moved, "lies elsewhere"),
        ("labels", lambda v: _with_value(v, 7), "label value 7"),
        ("images", lambda v: _with_value(v, np.nan), "NaN"),
        ("images", lambda v: _with_value(v, np.inf), "infinite"),
    ],
)
def test_bad_data_stop_the_run_and_name_the_file(values, own_copy, tmp_path, kind, change, said):
    _rewrite(own_copy, kind, change)
    config = config_from_dict(values, own_copy)
    training, _ = list_cases(config.data)
    with pytest.raises(InputError, match=said) as caught:
        load_cases(training, config, tmp_path)
    assert "case1.nii.gz" in str(caught.value)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"images": "nowhere", "labels": "labels"}, "nowhere does not exist"),
        ({"images": "images"}, "needs 'dataset:'"),
        ({"images": "images", "labels": "labels", "validation": ["case9"]}, "'case9'"),
        (
            {"images": "images", "labels": "labels", "training": ["case0"], "validation": ["case0"]},
            "two roles",
        ),
        (
            {"images": "images", "labels": "labels", "validation": [f"case{i}" for i in range(4)]},
            "No training",
        ),
        ({"dataset": "nothing.json"}, "cannot be read"),
    ],
)
def test_cases_that_cannot_be_found(values, data_folder, section, said):
    config = config_from_dict({**values, "data": section}, data_folder)
    with pytest.raises(InputError, match=said):
        list_cases(config.data)


def test_an_image_without_label(values, own_copy):
    (own_copy / "labels" / "case2.nii.gz").unlink()
    config = config_from_dict(values, own_copy)
    with pytest.raises(InputError, match=r"case2.nii.gz has no label"):
        list_cases(config.data)


def test_holdout_and_test_cases_are_never_trained_on(values, data_folder):
    values["data"].update(test=["case0"], holdout=1)
    training, validation = list_cases(config_from_dict(values, data_folder).data)
    assert [case.name for case in validation] == ["case3"]
    assert [case.name for case in training] == ["case1", "case2"]


def test_a_decathlon_list(values, data_folder, tmp_path):
    entries = [
        {"image": f"{data_folder}/images/case{i}.nii.gz", "label": f"{data_folder}/labels/case{i}.nii.gz"}
        for i in range(4)
    ]
    (tmp_path / "dataset.json").write_text(json.dumps({"training": entries[:3], "validation": entries[3:]}))
    config = config_from_dict({**values, "data": {"dataset": "dataset.json"}}, tmp_path)
    training, validation = list_cases(config.data)
    assert [case.name for case in training] == ["case0", "case1", "case2"]
    assert [case.name for case in validation] == ["case3"]


def test_values_of_the_files_become_ids(values, data_folder):
    values["labels"] = [{"name": "both", "values": [1, 2]}]
    config = config_from_dict(values, data_folder)
    files = list_cases(config.data)[0][0]
    assert load_case(files, config).label.unique().tolist() == [0, 1]


def test_values_may_count_as_background(values, data_folder):
    values["labels"] = [{"name": "spleen", "values": [2]}]
    files = list_cases(config_from_dict(values, data_folder).data)[0][0]
    with pytest.raises(InputError, match="label value 1"):
        load_case(files, config_from_dict(values, data_folder))
    values["data"]["background"] = [1]
    case = load_case(files, config_from_dict(values, data_folder))
    truth = read_labels(files.label).array == 2
    assert torch.equal(case.label[0] == 1, torch.from_numpy(truth))


def test_an_absent_class_is_told(values, data_folder, tmp_path):
    values["labels"] = ["liver", "spleen", "unicorn"]
    config = config_from_dict(values, data_folder)
    cases = load_cases(list_cases(config.data)[0], config, tmp_path)
    assert absent_labels(cases, config) == ["unicorn"]


def test_cases_beyond_the_budget_are_mapped_from_disk(config, tmp_path):
    files = list_cases(config.data)[0]
    in_memory = load_cases(files, config, tmp_path / "unused")
    frugal = dataclasses.replace(config, data=dataclasses.replace(config.data, memory_gb=0.0))
    mapped = load_cases(files, frugal, tmp_path / "cases")
    assert not (tmp_path / "unused").exists()
    assert len(list((tmp_path / "cases").glob("*.npy"))) == 2 * len(files)
    for one, other in zip(in_memory, mapped, strict=True):
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.label, other.label)
