"""Training files: what they may hold, and what is said about everything else."""

from __future__ import annotations

import pytest
import yaml

from napari_scd.errors import InputError
from napari_scd.training import Base, config_from_dict, find_config, preset_names, read_config


@pytest.mark.parametrize("name", preset_names())
def test_shipped_files_are_usable(name):
    config = read_config(find_config(name))
    assert config.name == name
    assert len(config.file_values) == len(config.table)


def test_seven_files_ship():
    brains = ("brain-mr", "brain-mr-free")
    assert preset_names() == ("abdomen-ct", "any", *brains, "hippocampus-mr", "paper-brats", "paper-btcv")


def test_paper_regions_overlap():
    config = read_config(find_config("paper-brats"))
    assert config.values == ((2, 3), (1, 2, 3), (2,))
    assert config.model.out_channels == 3
    assert config.recipe.activation == "sigmoid"


def test_paper_networks_prune_as_in_the_paper():
    for name, pruned in (("paper-btcv", 0.9), ("paper-brats", 0.75)):
        config = read_config(find_config(name))
        assert 1 - config.keep.low == pytest.approx(pruned)
        assert config.keep.low == config.keep.high


def _changed(values, path, value):
    *way, last = path.split(".")
    for key in way:
        values = values.setdefault(key, {})
    if value is None:
        del values[last]
    else:
        values[last] = value


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("steps", 0, "'steps'"),
        ("steps", "many", "a whole number"),
        ("lr", "1e-3", "1.0e-3"),
        ("lr", -1.0, "'lr'"),
        ("stepz", 3, "unknown entry 'stepz'"),
        ("labels", None, "'labels:'"),
        ("labels", [], "list the structures"),
        ("labels", [{"title": "liver"}], "give a name"),
        ("labels", [{"name": "liver", "values": [1, 2]}, {"name": "spleen", "values": [2]}], "sigmoid"),
        ("labels", [{"name": "liver", "values": [1]}, {"name": "spleen"}], "for every label"),
        ("warp.rotate", 3, "unknown entry 'rotate'"),
        ("warp.flip_axes", [3], "array axes"),
        ("warp.turn_share", 0.2, "two of them"),
        ("keep.low", 0.0, "low"),
        ("validate_keep", [2.0], "0.05 to 1"),
        ("model.preset", "house-9", "no preset 'house-9'"),
        ("model.depth", 0, "depth"),
        ("recipe.modality", "PET", "modality"),
        ("loss.class_weights", [1.0], "3 numbers"),
        ("loss.balance", 2.0, "'balance'"),
        ("data.validation", "case0", "a list"),
        ("data.ignore", [0], "from 1 to 255"),
        ("data.ignore", [2], "value 2 is both ignored and used"),
        ("data.maps", "maps", "needs the section 'synthesis:'"),
        ("labels", [{"name": "liver", "weight": 0}, "spleen"], "each 'weight'"),
        ("labels", [{"name": "liver", "map_values": [1]}, "spleen"], "'map_values:' for every label"),
        ("loss.deep", -1.0, "'deep'"),
        ("looks.structure_gamma", [0.0, 1.0], "structure_gamma"),
        ("name", "a b", "letters"),
    ],
)
def test_a_bad_entry_is_named(values, data_folder, path, value, said):
    _changed(values, path, value)
    with pytest.raises(InputError, match=said):
        config_from_dict(values, data_folder)


def test_relative_paths_start_at_the_file(values, data_folder, tmp_path):
    file = tmp_path / "train.yaml"
    file.write_text(yaml.safe_dump(values))
    config = read_config(file)
    assert config.data.images == str(tmp_path / "images")
    moved = read_config(
        file, data={"images": str(data_folder / "images"), "labels": str(data_folder / "labels")}
    )
    assert moved.data.images == str(data_folder / "images")
    assert moved.data.holdout == 1


def test_a_model_to_start_from_fills_in_what_is_missing(values, config, data_folder, tmp_path):
    base = Base(config.model.to_dict(), config.recipe.to_dict(), config.table.to_list())
    for key in ("model", "recipe", "labels"):
        del values[key]
    file = tmp_path / "train.yaml"
    file.write_text(yaml.safe_dump(values))
    filled = read_config(file, base=base)
    assert (filled.model, filled.recipe, filled.table) == (config.model, config.recipe, config.table)


@pytest.mark.parametrize(("text", "said"), [("[1, 2", "not valid YAML"), ("just text", "must hold")])
def test_no_yaml(tmp_path, text, said):
    file = tmp_path / "train.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        read_config(file)


def test_a_missing_file_lists_the_presets():
    with pytest.raises(InputError, match="paper-btcv"):
        find_config("abdomen")


def test_the_control_differs_in_its_tokens_only(config):
    control = config.control()
    assert control.name == "tiny-control"
    assert control.model.completion == "zero"
    assert {**control.fingerprint(), "name": "", "model": ""} == {
        **config.fingerprint(),
        "name": "",
        "model": "",
    }
