"""`napari-scd evaluate --clicks`: promptable models and models with names in one table."""

from __future__ import annotations

import csv
import json

import pytest
import torch

from napari_scd.checkpoints import Provenance, save
from napari_scd.cli import main
from napari_scd.model import ModelConfig, build_network
from napari_scd.volume import LabelTable, Recipe

SIZES = {
    "embed_dim": 24,
    "depth": 2,
    "heads": 2,
    "completion_dim": 12,
    "completion_heads": 2,
    "min_tokens": 4,
}
PROMPTABLE = ModelConfig(
    in_channels=4,
    out_channels=1,
    roi=(32, 32, 32),
    patch=8,
    prune_after=(1,),
    prune_ratio=(0.75,),
    decoder="fine",
    features=4,
    prompts=True,
    **SIZES,
)
NAMED = ModelConfig(
    out_channels=3,
    roi=(16, 16, 16),
    patch=4,
    prune_after=(0,),
    prune_ratio=(0.5,),
    features=2,
    stem="patch",
    **SIZES,
)
RECIPE = Recipe("any", field="prompt", normalise_over="window", activation="sigmoid")
FAST = ("--device", "cpu", "--precision", "float32", "--threads", "1")


def _run(*words) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code or 0


@pytest.fixture
def promptable(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "point.safetensors"
    save(path, build_network(PROMPTABLE), RECIPE, LabelTable.from_names(["object"]), Provenance(name="point"))
    return path


@pytest.fixture
def named(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "named.safetensors"
    table = LabelTable.from_names(["shell", "core"])
    save(path, build_network(NAMED), Recipe("MR"), table, Provenance(name="named"))
    return path


def test_two_models_are_clicked_into_one_table(promptable, named, data_folder, tmp_path, capsys):
    (data_folder / "labels.json").write_text('{"background": 0, "shell": 1, "core": 2}')
    out = tmp_path / "out"
    words = ("evaluate", promptable, data_folder, "--clicks", 3, "--baseline", named, "--keep", 0.25, *FAST)
    assert _run(*words, "-o", out) == 0
    assert "3 clicks" in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        "clicks.csv",
        "clicks.json",
        "clicks.md",
        "dice-against-clicks.png",
    ]
    values = json.loads((out / "clicks.json").read_text())
    assert list(values["mean"]) == ["1", "2", "3"]
    assert set(values["structures"]) == {"shell", "core"}
    assert values["structures"]["core"]["cases"] == 1
    assert values["keep"] == 0.25
    assert values["tokens"] == [64, 16]
    assert set(values["baselines"]) == {"named"}
    lines = list(csv.DictReader((out / "clicks.csv").read_text().splitlines()))
    assert {line["model"] for line in lines} == {"point", "named"}
    again = tmp_path / "again"
    assert _run(*words, "-o", again) == 0
    repeated = json.loads((again / "clicks.json").read_text())
    assert repeated["mean"] == values["mean"]


def test_the_choice_of_tokens_can_be_replaced(promptable, named, data_folder, capsys):
    words = ("--choose", "random", "--json", *FAST)
    assert _run("evaluate", promptable, data_folder, "--clicks", 1, *words) == 0
    assert json.loads(capsys.readouterr().out)["chooser"] == "random"
    assert _run("evaluate", named, data_folder, "--keep", ".5", "--no-surface", *words) == 0
    assert json.loads(capsys.readouterr().out)["note"] == "Tokens chosen by 'random'."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--clicks", "2", "--keep", "1,.5"), "--clicks measures one keep ratio at a time"),
        (("--clicks", "2", "--split", "test"), "--clicks takes label values as they are"),
        (("--clicks", "2", "--zero-tokens"), "Use either --clicks or --zero-tokens, not both."),
        (("--clicks", "2", "--choose", "best"), "not by 'best'"),
        (("--clicks", "2", "--structures", "heart"), "No structure could be measured"),
        (("--baseline", "abdomen-ct"), "--baseline compares clicks: add --clicks 10."),
        ((), "segments what it is pointed at: add --clicks 10 to measure that."),
    ],
)
def test_what_does_not_go_together_is_said(promptable, data_folder, capsys, words, said):
    assert _run("evaluate", promptable, data_folder, *words, *FAST) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_bad_case_stops_no_other(promptable, data_folder, capsys):
    (data_folder / "labels" / "full.nii.gz").write_bytes(b"nothing")
    assert _run("evaluate", promptable, data_folder, "--clicks", 1, "--json", *FAST) == 2
    captured = capsys.readouterr()
    assert "full" in captured.err
    assert json.loads(captured.out)["cases"] == 1
