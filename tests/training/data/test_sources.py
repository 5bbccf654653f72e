"""Where a run's windows come from: labelled images, label maps to draw from, or both."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_scd.training import config_from_dict, train
from napari_scd.training.config.sections import IGNORED
from napari_scd.training.data.balance import balanced
from napari_scd.training.data.batches import BatchMaker
from napari_scd.training.data.sources import load_sources
from napari_scd.training.run.state_file import STATE_NAME
from napari_scd.volume import read_labels, write_labels

STILL = {"rotate_deg": 0, "scale": 0, "shear": 0, "bend_vox": 0}


@pytest.fixture
def mixed(values, data_folder, tmp_path):
    """Values of a run on images, and on maps whose labels have numbers of their own; and its folder."""
    (tmp_path / "maps").mkdir()
    for path in sorted((data_folder / "labels").iterdir())[:2]:
        label = read_labels(path)
        coded = np.array([0, 7, 9], np.uint8)[np.minimum(label.array, 2)]
        coded[:2] = 5
        write_labels(tmp_path / "maps" / f"map_{path.name}", label.with_array(coded))
    for kind in ("images", "labels"):
        (tmp_path / kind).symlink_to(data_folder / kind)
    values["labels"] = [
        {"name": "liver", "values": [1], "map_values": [7]},
        {"name": "spleen", "values": [2], "map_values": [9]},
    ]
    values["data"] |= {"maps": "maps", "background": [5]}
    values["synthesis"] = {"share": 0.5}
    return values, tmp_path


def test_both_kinds_are_read(mixed, tmp_path):
    config = config_from_dict(*mixed)
    sources = load_sources(config, tmp_path / "memory")
    assert sources.names == ["case0", "case1", "case2", "map_case0", "map_case1"]
    assert [case.name for case in sources.checks] == ["case3"]
    assert all(case.image.shape[0] == 1 for case in (*sources.cases, *sources.checks))
    assert all(case.image.shape[0] == 0 for case in sources.maps)
    assert set(sources.maps[0].label.unique().tolist()) == {0, 5, 7, 9}
    assert sources.maps[0].present == (1, 2)


def test_the_share_says_how_many_windows_are_drawn(mixed, tmp_path, monkeypatch):
    values, folder = mixed
    values["synthesis"]["share"] = 0.25
    config = config_from_dict(values, folder)
    sources = load_sources(config, tmp_path / "memory")
    drawn = []
    original = BatchMaker._synthesis
    monkeypatch.setattr(
        BatchMaker, "_synthesis", lambda self: drawn.append(original(self) is not None) or original(self)
    )
    maker = BatchMaker(sources.cases, config, maps=sources.maps)
    labels = {value for step in range(60) for value in maker.batch(step).label.unique().tolist()}
    assert labels == {0, 1, 2}
    assert 0.15 < np.mean(drawn) < 0.35


def test_without_maps_of_their_own_images_are_drawn_from_the_labels(values, data_folder, tmp_path):
    values["synthesis"] = {"share": 0.5}
    sources = load_sources(config_from_dict(values, data_folder), tmp_path)
    assert sources.names == ["case0", "case1", "case2"] * 2
    for case, drawn_from in zip(sources.cases, sources.maps, strict=True):
        assert torch.equal(case.label, drawn_from.label)


def test_both_kinds_balance_the_classes(mixed, tmp_path):
    config = config_from_dict(*mixed)
    sources = load_sources(config, tmp_path / "memory")
    alone = balanced(config.loss, sources.cases, config).class_weights
    both = balanced(config.loss, sources.cases, config, sources.maps).class_weights
    assert both != alone
    assert both[0] == alone[0] == 1


def test_a_killed_mixed_run_resumes_exactly(mixed, tmp_path, options, monkeypatch):
    values, folder = mixed
    values["labels"][1]["weight"] = 3.0
    values["data"] |= {"background": [], "ignore": [5]}
    values |= {"loss": {"deep": 0.5}, "looks": {"structure_gamma_share": 0.5}, "checkpoint_seconds": 0.0}
    config = config_from_dict(values, folder)
    whole = train(config, options(tmp_path / "whole"))
    assert whole.done and whole.n_cases == 5 and whole.n_validation == 1
    original = BatchMaker.batch

    def killed(self, step):
        if step == 4:
            raise InterruptedError
        return original(self, step)

    with monkeypatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr(BatchMaker, "batch", killed)
        train(config, options(tmp_path / "killed"))
    resumed = train(config, options(tmp_path / "killed"))
    assert resumed.validation == whole.validation
    assert all(torch.equal(whole.weights[key], resumed.weights[key]) for key in whole.weights)
    states = [torch.load(tmp_path / name / STATE_NAME, weights_only=True) for name in ("whole", "killed")]
    assert any("level_heads" in name for name in states[0]["parts"])
    assert all(torch.equal(weight, states[1]["parts"][name]) for name, weight in states[0]["parts"].items())


def test_all_cases_train_in_the_end(values, data_folder, tmp_path, options):
    values["data"] |= {"all_cases": True, "test": ["case0"]}
    config = config_from_dict(values, data_folder)
    sources = load_sources(config, tmp_path)
    assert sorted(sources.names) == ["case1", "case2", "case3"]
    assert sources.checks == []
    finished = train(dataclasses.replace(config, steps=1), options(tmp_path / "run"))
    assert (finished.n_cases, finished.n_validation, finished.validation) == (3, 0, {})


@pytest.fixture
def partly_labelled(values, data_folder, tmp_path):
    """Cases whose upper half has no known label: values and folder."""
    (tmp_path / "labels").mkdir()
    for path in (data_folder / "labels").iterdir():
        label = read_labels(path)
        array = label.array.astype(np.uint8)
        array[..., array.shape[-1] // 2 :] = 77
        write_labels(tmp_path / "labels" / path.name, label.with_array(array))
    (tmp_path / "images").symlink_to(data_folder / "images")
    values["data"]["ignore"] = [77]
    return values, tmp_path


def test_ignored_voxels_are_no_structure(partly_labelled, tmp_path):
    config = config_from_dict(*partly_labelled)
    sources = load_sources(config, tmp_path / "memory")
    for case in sources.cases:
        assert IGNORED in case.label.unique().tolist()
        assert set(case.present) <= {1, 2}
        assert set(case.foreground[:, 0].tolist()) <= {1, 2}
    weights = balanced(config.loss, sources.cases, config).class_weights
    assert len(weights) == 3
    still = dataclasses.replace(config, warp=dataclasses.replace(config.warp, **STILL))
    maker = BatchMaker(sources.cases, still)
    assert IGNORED in {value for step in range(8) for value in maker.batch(step).label.unique().tolist()}


def test_an_ignored_half_is_neither_learned_nor_judged(partly_labelled, tmp_path, options):
    values, folder = partly_labelled
    config = config_from_dict({**values, "looks": {"structure_gamma_share": 0.5}}, folder)
    finished = train(config, options(tmp_path / "run"))
    assert finished.done
    assert all(0 <= dice <= 1 for dice in finished.validation.values())
