from __future__ import annotations

import json
from typing import TYPE_CHECKING

from napari_scd.cli.models import by_keep_ratio

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
