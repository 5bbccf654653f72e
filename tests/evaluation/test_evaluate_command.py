"""`napari-scd evaluate`: cases in, tables and a plot out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import yaml

from napari_scd.checkpoints import Provenance, save
from napari_scd.cli import main
from napari_scd.model import build_network
from napari_scd.volume import LabelTable, Recipe, Volume, write_labels
from tests.tiny_network import TINY_WIDE

FAST = ("--device", "cpu", "--precision", "float32", "--keep", "1,.25")


def _run(*words) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code or 0


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "random.safetensors"
    table = LabelTable.from_names(["shell", "core"])
    save(path, build_network(TINY_WIDE), Recipe("MR"), table, Provenance(name="random"))
    return path


def test_two_folders_give_tables_and_a_plot(model, data_folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert _run("evaluate", model, data_folder / "images", data_folder / "labels", "-o", out, *FAST) == 0
    said = capsys.readouterr().out
    assert "mean Dice" in said
    assert "volume ratio" in said and "At keep 0.25:" in said
    assert sorted(path.name for path in out.iterdir()) == [
        "card.md",
        "cases.csv",
        "dice-against-seconds.png",
        "summary.json",
        "summary.md",
    ]
    assert len((out / "cases.csv").read_text().splitlines()) == 1 + 2 * 2 * 2


def test_json_on_stdout(model, data_folder, capsys):
    words = ("evaluate", model, data_folder, "--cases", "full", "--structures", "core", "--json", *FAST)
    assert _run(*words, "--no-surface") == 0
    values = json.loads(capsys.readouterr().out)
    assert [row["keep"] for row in values["keep"]] == [1.0, 0.25]
    assert values["keep"][0]["n_cases"] == 1
    assert set(values["keep"][0]["structures"]) == {"core"}
    assert values["tolerance_mm"] is None


def test_zeroed_tokens_change_the_answer(model, data_folder, capsys):
    said = []
    for extra in ((), ("--zero-tokens",)):
        assert _run("evaluate", model, data_folder, "--cases", "full", "--json", *FAST, *extra) == 0
        said.append(json.loads(capsys.readouterr().out))
    assert said[0]["keep"][0]["dice"] != said[1]["keep"][0]["dice"]
    assert said[1]["keep"][0]["dice"] == said[1]["keep"][1]["dice"]
    assert "zeros" in said[1]["note"]


def test_a_bad_case_stops_no_other(model, data_folder, capsys):
    broken = Volume(np.full((12, 18, 20), 9, np.uint8), np.diag([2.0, 1.0, 1.5, 1.0]))
    write_labels(data_folder / "labels" / "hollow.nii.gz", broken)
    assert _run("evaluate", model, data_folder, *FAST) == 2
    said = capsys.readouterr()
    assert "hollow.nii.gz holds the label value 9" in said.err
    assert "on 1 case" in said.out


def test_splits_of_a_training_file(model, data_folder, capsys):
    values = {
        "name": "x",
        "data": {"images": "images", "labels": "labels", "validation": ["full"], "training": ["hollow"]},
        "recipe": {"modality": "MR"},
        "labels": ["shell", "core"],
        "model": {"preset": "house-8"},
    }
    file = data_folder / "train.yaml"
    file.write_text(yaml.safe_dump(values))
    for split, n_cases in (("validation", 1), ("all", 2)):
        assert _run("evaluate", model, file, "--split", split, "--no-surface", "--json", *FAST) == 0
        assert json.loads(capsys.readouterr().out)["keep"][0]["n_cases"] == n_cases
    assert _run("evaluate", model, file, "--split", "test", *FAST) == 2
    assert "--split" in capsys.readouterr().err
    file.write_text(yaml.safe_dump({**values, "labels": ["other"]}))
    assert _run("evaluate", model, file, *FAST) == 2
    assert "other structures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--keep", "0.01"), "0.01"),
        (("--keep", "some"), "--keep"),
        (("--cases", "nobody"), "'nobody'"),
        (("--split", "test"), "training file"),
        (("--split", "half"), "--split"),
        (("--structures", "liver"), "'liver'"),
    ],
)
def test_bad_options_get_one_sentence(model, data_folder, capsys, words, said):
    assert _run("evaluate", model, data_folder, *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_folder_without_cases(model, tmp_path, capsys):
    assert _run("evaluate", model, tmp_path, *FAST) == 2
    assert "'images' and 'labels'" in capsys.readouterr().err
