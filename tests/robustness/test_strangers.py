"""Files of strangers run no code, take no memory they cannot justify, and lead nowhere."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest
import torch
import yaml

from napari_scd.checkpoints import load, zoo
from napari_scd.checkpoints.foreign_config import reference_config
from napari_scd.cli.run.entries import read_entries
from napari_scd.errors import InputError
from napari_scd.plain import DEEPEST, MOST_VALUES, from_json, from_yaml
from napari_scd.training import read_config
from napari_scd.training.run.state_file import STATE_NAME

from .corpus.models import bomb, inner
from .corpus.training import LAUGHS
from .tiny import SIZES, TRAINING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

HOW = pytest.mark.parametrize("how", ["plain", "zip", "old"])
ENTRIES = {
    "recipe.json": {"modality": "MR"},
    "labels.json": ["front", "back"],
    "config.json": {"roi": [16, 16, 16]},
}


def test_the_bomb_is_real(tmp_path: Path) -> None:
    """Opened carelessly it does run: the tests below prove something."""
    torch.load(bomb(tmp_path, "m.pth", "zip"), weights_only=False)
    assert (tmp_path / "ran").is_dir()


@HOW
def test_converting_a_pickle_runs_nothing(run: Run, tmp_path: Path, how: str) -> None:
    checkpoint = bomb(tmp_path, "m.pth.tar", how)
    for name, value in ENTRIES.items():
        (tmp_path / name).write_text(json.dumps(value))
    files = [word for key in ENTRIES for word in (f"--{key.removesuffix('.json')}", tmp_path / key)]
    code, out, err = run("models", "convert", checkpoint, "-o", tmp_path / "m.safetensors", *files)
    assert (code, out) == (2, "")
    assert "nothing in it was run" in err and err.count("\n") == 1
    assert not (tmp_path / "ran").exists() and not (tmp_path / "m.safetensors").exists()


@HOW
def test_resuming_from_a_pickle_runs_nothing(run: Run, stock: Path, tmp_path: Path, how: str) -> None:
    shutil.copytree(stock / "cases", tmp_path / "cases")
    config = tmp_path / "cases" / "train.yaml"
    config.write_text(yaml.safe_dump(TRAINING))
    (tmp_path / "run").mkdir()
    bomb(tmp_path, f"run/{STATE_NAME}", how)
    code, _, err = run("train", config, "-o", tmp_path / "run", "--device", "cpu")
    assert code == 2 and "is damaged" in err and err.count("\n") == 1
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "words", [("models", "add"), ("models", "info"), ("train", "hippocampus-mr", "--init")]
)
def test_other_ways_in_are_shut_too(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    code, _, err = run(*words, bomb(tmp_path, "m.safetensors", "plain"))
    assert code == 2 and "could run code when opened" in err
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "text",
    [
        "name: !!python/object/apply:os.mkdir [ran]",
        "name: !!python/object/new:os.system [mkdir ran]",
        "name: !!python/name:os.mkdir",
        "name: !!python/module:os",
        LAUGHS,
        "name: &a [*a]",
        "name: " + "[" * 2000,
        "name: 2020-99-99",
    ],
    ids=["apply", "new", "name", "module", "laughs", "loop", "deep", "date"],
)
def test_yaml_stays_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.yaml").write_text(text)
    for read in (read_config, lambda path: read_entries(path, "recipe")):
        with pytest.raises(InputError, match="is not valid") as caught:
            read(tmp_path / "file.yaml")
        assert len(str(caught.value)) < 900
    assert not (tmp_path / "ran").exists()


def test_plain_values_have_bounds() -> None:
    assert from_yaml("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}
    assert from_json("[" * DEEPEST + "]" * DEEPEST)
    for text in ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "[" * 10**6, json.dumps([0] * MOST_VALUES)):
        with pytest.raises(ValueError, match=r"deep|more than"):
            from_json(text)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("roi", [float("inf"), 16, 16]),
        ("num_heads", float("nan")),
        ("prune_after_block", [1e400]),
        ("decoder", ["UNETRx8_decoder"]),
        ("completion", {"FusionNet": 1}),
        ("dataset", ["btcv"]),
        ("prune_ratio", "half"),
        ("embed_dim", 10**400),
    ],
)
def test_sizes_by_the_references_names_are_checked(name: str, value: Any) -> None:
    with pytest.raises(InputError):
        reference_config({key: of for key, of in SIZES.items() if key != "num_classes"} | {name: value})


@pytest.mark.skipif(not hasattr(os, "fork") or sys.platform == "darwin", reason="needs a limit on memory")
@pytest.mark.parametrize(
    "sizes",
    [
        {"features": 256, "out_channels": 1024},
        {"roi": [512, 512, 512], "patch": 16, "decoder": "unetr16", "features": 256},
        {"embed_dim": 4096, "heads": 8, "depth": 64},
    ],
    ids=["decoder", "window", "encoder"],
)
def test_a_lying_configuration_takes_no_memory(stock: Path, tmp_path: Path, sizes: dict[str, Any]) -> None:
    import resource

    shutil.copyfile(stock / "good.safetensors", tmp_path / "good.safetensors")
    path = inner("config", **sizes)(tmp_path)
    child = os.fork()
    if child == 0:  # the limit holds for this process only
        with open("/proc/self/statm", encoding="ascii") as file:
            room = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + 2**27
        resource.setrlimit(resource.RLIMIT_AS, (room, room))
        try:
            load(path)
        except InputError:
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_every_shipped_model_is_listed_with_its_checksum() -> None:
    shipped = sorted(zoo.WEIGHTS.glob("*.safetensors"))
    assert shipped
    for path in shipped:
        with path.open("rb") as file:
            assert zoo.listed_sha256(path) == hashlib.file_digest(file, "sha256").hexdigest(), path.name


@pytest.mark.parametrize(
    "name", ["../evil", "..", "/etc/passwd", "a/b", "a\\b", "a\0b", "~root", "", ".hidden"]
)
def test_names_that_lead_elsewhere_are_not_added(run: Run, stock: Path, tmp_path: Path, name: str) -> None:
    before = sorted(path.name for path in stock.rglob("*"))
    code, _, err = run("models", "add", stock / "good.safetensors", "--name", name)
    if name == "":
        assert code in (0, 2)
        return
    assert code == 2 and "A model cannot be called" in err
    assert sorted(path.name for path in stock.rglob("*")) == before
