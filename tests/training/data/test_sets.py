"""Data sets with labels of their own become cases that can be seen at several resolutions."""

import dataclasses
import shutil

import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.training import config_from_dict
from napari_scd.training.config import IGNORED
from napari_scd.training.data.sets import WITHHELD, list_sets, load_prompt_cases
from napari_scd.volume import Volume, read_labels, write_labels


@pytest.fixture
def own_folder(prompt_folder, tmp_path):
    return shutil.copytree(prompt_folder, tmp_path / "sets", ignore=shutil.ignore_patterns("cases"))


def _load(folder, values, tmp_path):
    config = config_from_dict(values, folder)
    training, validation = list_sets(config)
    return load_prompt_cases([*training, *validation], config, tmp_path / "cases")


def test_each_set_has_its_cases_and_its_own_labels(prompt_config, prompt_cases):
    training, validation = list_sets(prompt_config)
    assert [(one.name, files.name) for one, files in validation] == [("organs", "case2"), ("maps", "case2")]
    assert len(training) == 4
    organs, maps = prompt_cases[0], prompt_cases[2]
    assert organs.name == "organs/case0"
    assert set(organs.values.values()) == {1, 3}  # 2 is withheld, 4 is not known
    assert set(maps.values.values()) == {1, 2, 3, 4}
    assert maps.drawn
    assert not organs.drawn


def test_withheld_and_ignored_voxels_have_codes_of_their_own(prompt_cases, prompt_folder):
    case = prompt_cases[0]
    truth = read_labels(prompt_folder / "organs/labels/case0.nii.gz").array
    codes = case.levels[0].label.numpy()
    assert np.count_nonzero(codes == WITHHELD) == np.count_nonzero(truth == 2)
    assert np.count_nonzero(codes == IGNORED) == np.count_nonzero(truth == 4)
    assert WITHHELD not in case.targets
    assert IGNORED not in case.targets


def test_levels_become_isotropic_and_keep_their_first_voxel(prompt_cases):
    levels = prompt_cases[0].levels
    assert levels[0].spacing_mm == (6.0, 3.0, 3.0)
    fine = np.random.default_rng(0)
    assert fine is not None
    for level in levels:
        step = tuple(slice(None, None, stride) for stride in level.stride)
        assert (level.label[0].numpy() == levels[0].label[0].numpy()[step]).all()
        assert level.image is not None
        assert level.image.shape == level.label.shape


def test_places_lie_inside_and_on_the_border(prompt_cases):
    case = prompt_cases[0]
    codes = case.levels[0].label[0].numpy()
    for code, places in case.targets.items():
        assert (codes[tuple(places.inside.T)] == code).all()
        assert (codes[tuple(places.border.T)] == code).all()
        assert 0 < places.extent_mm <= case.edge_mm()


def test_beyond_the_memory_budget_cases_are_mapped_from_files(prompt_values, prompt_folder, tmp_path):
    in_memory = _load(prompt_folder, prompt_values, tmp_path)
    prompt_values["data"]["memory_gb"] = 0
    mapped = _load(prompt_folder, prompt_values, tmp_path)
    assert list((tmp_path / "cases").glob("organs-case0.0.*.npy"))
    for one, other in zip(in_memory, mapped, strict=True):
        assert (one.levels[0].label == other.levels[0].label).all()


def test_a_missing_label_is_named_with_its_set(own_folder, prompt_values, tmp_path):
    (own_folder / "organs/labels/case1.nii.gz").unlink()
    with pytest.raises(InputError, match=r"Data set 'organs': .*case1.nii.gz has no label of the same name"):
        _load(own_folder, prompt_values, tmp_path)


def test_a_missing_folder_is_named_with_its_set(own_folder, prompt_values, tmp_path):
    shutil.rmtree(own_folder / "maps")
    with pytest.raises(InputError, match=r"Data set 'maps': The folder .*maps/labels does not exist"):
        _load(own_folder, prompt_values, tmp_path)


def test_a_case_without_structures_is_named(own_folder, prompt_values, tmp_path):
    path = own_folder / "maps/labels/case1.nii.gz"
    labels = read_labels(path)
    write_labels(path, labels.with_array(np.zeros_like(labels.array)))
    with pytest.raises(
        InputError, match=r"Data set 'maps': .*case1.nii.gz has no structure that could be a target"
    ):
        _load(own_folder, prompt_values, tmp_path)


def test_mixed_grids_are_named(own_folder, prompt_values, tmp_path):
    path = own_folder / "organs/labels/case0.nii.gz"
    labels = read_labels(path)
    moved = labels.affine.copy()
    moved[:3, 3] += 30
    write_labels(path, Volume(labels.array, moved))
    with pytest.raises(InputError, match=r"Data set 'organs': .*case0.nii.gz .*image case0"):
        _load(own_folder, prompt_values, tmp_path)


def test_a_case_that_is_not_there_is_named(own_folder, prompt_values, tmp_path):
    prompt_values["data"]["sets"][1]["validation"] = ["case9"]
    with pytest.raises(InputError, match=r"Data set 'maps': The case 'case9'"):
        _load(own_folder, prompt_values, tmp_path)


def test_sets_are_frozen(prompt_config):
    with pytest.raises(dataclasses.FrozenInstanceError):
        prompt_config.data.sets[0].share = 3.0
