from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from napari_scd.checkpoints import describe, shipped_figures
from napari_scd.cli.models import by_keep_ratio, facts, mean_dice, measures

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]


def test_list(run: Run) -> None:
    code, out, _ = run("models", "list")
    assert code == 0
    assert all(name in out for name in ("whole", "clicky", "blind", "at a point"))


def test_list_as_json(run: Run) -> None:
    _, out, _ = run("models", "list", "--json")
    cards = {card["name"]: card for card in json.loads(out)}
    assert cards["clicky"]["recipe"]["field"] == "click"
    assert cards["clicky"]["config"]["patch"] == 4


def test_info(run: Run) -> None:
    code, out, _ = run("models", "info", "whole")
    assert code == 0
    assert all(word in out for word in ("Tiny test model", "16 x 16 x 16", "CC0", "0.250", "anterior"))


def test_info_of_nothing(run: Run, tmp_path: Path) -> None:
    (tmp_path / "text.safetensors").write_text("hello")
    assert run("models", "info", "nothing")[0] == 2
    code, _, err = run("models", "info", "text.safetensors")
    assert code == 2
    assert err.count("\n") == 1


def test_measures_by_keep_ratio() -> None:
    metrics = {
        "dice": {"1": 0.9, "0.5": {"liver": 0.8, "spleen": 0.7}},
        "dice@0.25": 0.6,
        "control": 0.5,
        "text": "x",
    }
    assert by_keep_ratio(metrics) == {
        "dice": {"1": 0.9, "0.25": 0.6},
        "dice liver": {"0.5": 0.8},
        "dice spleen": {"0.5": 0.7},
    }


def test_shipped_figures_stand_above_those_of_validation() -> None:
    card = describe("abdomen-ct")
    assert mean_dice(card) == (0.743, "6 test cases of BTCV")
    shown = dict(facts(card))
    assert shown["Dice"] == "0.743, 6 test cases of BTCV"
    assert "liver (0.94)" in shown["structures"]
    assert measures(card.provenance.metrics)["dice"]["0.1"] == 0.742


def test_a_promptable_model_shows_dice_after_clicks(run: Run) -> None:
    card = describe("any")
    value, cases = mean_dice(card)
    assert value == shipped_figures("any")["tested"]["dice_after"]["5 clicks"]
    assert cases.endswith("after 5 clicks")
    shown = dict(facts(card))
    assert shown["Dice after"].startswith("1 click: ")
    assert (shown["input"], shown["structures"]) == ("any scan", "anything")
    assert "  anything  " in run("models", "list")[1]


def test_pages_of_models_state_the_figures_of_the_list() -> None:
    pages = Path(__file__).parents[2] / "docs" / "models"
    for name in ("abdomen-ct", "brain-mr", "brain-mr-free", "hippocampus-mr"):
        figures = shipped_figures(name)["tested"]
        page = (pages / f"{name}.md").read_text(encoding="utf-8")
        for keep, dice in figures["dice"].items():
            assert re.search(rf"^\| {re.escape(keep)} \| {dice:.3f} \|", page, re.MULTILINE), (name, keep)
        assert set(figures["structures"]) == set(describe(name).labels.names)
        for structure, values in figures["structures"].items():
            line = re.search(rf"^\| {re.escape(structure)} \| (.*) \|$", page, re.MULTILINE)
            assert line and f"{values['volume_ratio']:.2f}" in line[1].split(" | "), (name, structure)


def test_a_model_without_tests_shows_its_validation(run: Run) -> None:
    value, cases = mean_dice(describe("whole"))
    assert (value, cases) == (0.25, "cases not named")
    _, out, _ = run("models", "list")
    assert "0.250" in out and "CC0" in out and "licence" in out


@pytest.mark.parametrize("word", ["abdomen", "abdomen-tc", "Brain-MR", "hipocampus-mr"])
def test_a_misspelt_model_is_recognised(run: Run, word: str) -> None:
    code, _, err = run("models", "info", word)
    assert code == 2
    meant = {"a": "abdomen-ct", "B": "brain-mr", "h": "hippocampus-mr"}[word[0]]
    assert f"Did you mean '{meant}'?" in err
    assert err.count("\n") == 1
