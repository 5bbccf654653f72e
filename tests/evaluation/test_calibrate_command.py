"""`napari-scd models calibrate` and the card of an evaluation: the same weights, a longer recipe."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_scd.checkpoints import Provenance, describe, load, save
from napari_scd.cli import main
from napari_scd.model import ModelConfig, build_network
from napari_scd.volume import LabelTable, Recipe

TINY = {"embed_dim": 24, "depth": 3, "heads": 2, "completion_dim": 12, "completion_heads": 2, "features": 2}
FAST = ("--threads", "1", "--device", "cpu", "--precision", "float32")


def _run(*words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code or 0


@pytest.fixture
def model(tmp_path):
    """Model of random weights whose first structure is everywhere."""
    config = ModelConfig(
        roi=(16, 16, 16), patch=4, out_channels=3, prune_after=(0,), prune_ratio=(0.5,), min_tokens=4, **TINY
    )
    torch.manual_seed(0)
    network = build_network(config)
    with torch.no_grad():
        network.decoder.out.bias += torch.tensor([0.0, 0.6, 0.2])
    path = tmp_path / "random.safetensors"
    provenance = Provenance(name="random", metrics={"training": {"steps": 3}})
    save(path, network, Recipe("MR"), LabelTable.from_names(["shell", "core"]), provenance)
    return path


def test_a_model_is_calibrated_and_its_weights_stay(model, data_folder, tmp_path, capsys) -> None:
    out = tmp_path / "calibrated.safetensors"
    assert _run("models", "calibrate", model, data_folder, "-o", out, "--gap", 3, *FAST) == 0
    said = capsys.readouterr().out
    assert all(
        word in said for word in ("shell", "offset", "Volumes were off by", "left out of the fit", str(out))
    )
    old, new = load(model), load(out)
    for name, weight in old.network.state_dict().items():
        assert torch.equal(weight, new.network.state_dict()[name])
    assert len(new.recipe.logit_offsets) == 3 and new.recipe.logit_offsets[0] == 0
    assert any(new.recipe.logit_offsets)
    assert new.recipe.part_gap_mm == 3
    assert len(new.recipe.usual_ml) == 2
    calibration = new.provenance.metrics["calibration"]
    assert calibration["cases"] == 2
    before, after = calibration["volume_bias"]
    assert after < before
    assert new.provenance.metrics["training"] == {"steps": 3}


def test_calibrating_again_changes_nothing(model, data_folder, tmp_path, capsys) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert _run("models", "calibrate", model, data_folder, "-o", first, *FAST) == 0
    assert _run("models", "calibrate", first, data_folder, "-o", second, *FAST) == 0
    assert load(first).recipe == load(second).recipe


def test_json_and_no_file(model, data_folder, tmp_path, capsys) -> None:
    words = (
        "models",
        "calibrate",
        model,
        data_folder,
        "--cases",
        "full",
        "--single",
        "none",
        "--no-usual",
        "--json",
        *FAST,
    )
    assert _run(*words) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["left_out"] is None
    assert values["recipe"]["single_labels"] == []
    assert values["recipe"]["usual_ml"] == []
    assert set(values["structures"]) == {"shell", "core"}
    assert [path.name for path in tmp_path.glob("*.safetensors")] == ["random.safetensors"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "model.pt"), "must end in .safetensors"),
        (("--ignore", "x"), "--ignore"),
        (("--single", "liver"), "liver"),
        (("--cases", "nobody"), "'nobody'"),
    ],
)
def test_bad_settings(model, data_folder, capsys, words, said) -> None:
    assert _run("models", "calibrate", model, data_folder, *words, *FAST) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def test_a_bad_case_writes_nothing(model, data_folder, tmp_path, write, shell_and_core, capsys) -> None:
    write(data_folder, "odd", np.where(shell_and_core == 2, 9, shell_and_core).astype(np.uint8))
    out = tmp_path / "calibrated.safetensors"
    assert _run("models", "calibrate", model, data_folder, "-o", out, *FAST) == 2
    assert "label value 9" in capsys.readouterr().err
    assert not out.exists()


def test_an_evaluation_writes_the_card(model, data_folder, tmp_path, capsys) -> None:
    card = tmp_path / "measured.safetensors"
    words = ("evaluate", model, data_folder, "-k", "1,.5", "--card", card, "--cases-are", "2 made-up cases")
    assert _run(*words, "-o", tmp_path / "out", *FAST) == 0
    metrics = describe(card).provenance.metrics
    tested = metrics["tested"]
    assert tested["on"] == "2 made-up cases"
    assert set(tested["dice"]) == set(tested["volume_ratio"]) == set(tested["seconds"]) == {"1", "0.5"}
    assert tested["structures_at_keep"] == 0.5
    assert set(tested["structures"]) == {"shell", "core"}
    assert set(tested["structures"]["shell"]) == {"dice", "surface_dice", "hd95_mm", "volume_ratio"}
    assert metrics["training"] == {"steps": 3}
    page = (tmp_path / "out" / "card.md").read_text()
    assert "| keep | mean Dice | surface Dice 1 mm |" in page
    assert "| core |" in page
    capsys.readouterr()
    assert _run("models", "info", card) == 0
    shown = capsys.readouterr().out
    assert "2 made-up cases" in shown and "volume ratio" in shown


def test_a_card_says_what_it_was_measured_on(model, data_folder, tmp_path, capsys) -> None:
    assert _run("evaluate", model, data_folder, "--card", tmp_path / "m.safetensors", *FAST) == 2
    assert "--cases-are" in capsys.readouterr().err
