"""Killed at every step, two at once, a disk full at every size: files are whole or not there."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml

from napari_scd.checkpoints import load
from napari_scd.errors import InputError
from napari_scd.training.run.folder_lock import LOCK_NAME, locked_folder
from napari_scd.training.run.state_file import STATE_NAME
from napari_scd.volume import Volume, atomic, read_labels, write_labels

from .tiny import TABLE, TRAINING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that start as copies"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
]

KIB_LIMITS = (0, 0.2, 1, 2, 4, 16, 60)


def in_child(work: Callable[[], object], log: Path, prepare: Callable[[], object] = lambda: None) -> int:
    """Run work in a copy of this process; the exit code, or minus the signal that ended it.

    The copy computes with one thread: OpenMP's other threads stay behind in the parent, and who asks for
    them waits for ever.
    """
    child = os.fork()
    if child == 0:
        code = 70
        try:
            torch.set_num_threads(1)
            with log.open("wb", buffering=0) as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
                sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
            prepare()
            work()
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def command(*words: object) -> Callable[[], object]:
    from napari_scd.cli import main

    return lambda: main([str(word) for word in words])


def die_at(call: int, when: str) -> Callable[[], None]:
    """Kill this process before or after it gives the n-th file its name, or half-way through writing it."""

    def prepare() -> None:
        calls = [0]
        replace, save = os.replace, nib.Nifti1Image.to_filename

        def killing_replace(source: Any, target: Any) -> None:
            calls[0] += 1
            if when == "before" and calls[0] == call:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)
            if when == "after" and calls[0] == call:
                os.kill(os.getpid(), signal.SIGKILL)

        def killing_save(image: Any, path: Any) -> None:
            calls[0] += 1
            save(image, path)
            if calls[0] == call:
                os.truncate(path, os.path.getsize(path) // 2)
                os.kill(os.getpid(), signal.SIGKILL)

        if when == "writing":
            nib.Nifti1Image.to_filename = killing_save
        else:
            os.replace = killing_replace

    return prepare


def visible(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


@pytest.mark.parametrize("older", [False, True], ids=["new", "over-older-files"])
@pytest.mark.parametrize(
    ("call", "when"),
    [(1, "before"), (1, "after"), (2, "after"), (3, "before"), (3, "after"), (1, "writing"), (2, "writing")],
)
def test_segment_is_killed(run: Run, stock: Path, tmp_path: Path, call: int, when: str, older: bool) -> None:
    out = tmp_path / "out"
    out.mkdir()
    files = ("-o", out / "labels.nii.gz", "--tokens", out / "tokens.nii.gz", "--report", out / "report.json")
    words = ("segment", stock / "scan.nii.gz", *files, "-m", stock / "good.safetensors", "--threads", 1)
    if older:
        for name in ("labels.nii.gz", "tokens.nii.gz"):
            write_labels(out / name, Volume(np.full((3, 3, 3), 7, np.uint8), np.eye(4)))
        (out / "report.json").write_text('{"older": true}')
    assert in_child(command(*words), tmp_path / "log", die_at(call, when)) == -signal.SIGKILL
    for path in visible(out):
        json.loads(path.read_text()) if path.suffix == ".json" else read_labels(path)
    assert run(*words)[0] == 0
    assert sorted(path.name for path in out.iterdir()) == ["labels.nii.gz", "report.json", "tokens.nii.gz"]
    assert (read_labels(out / "labels.nii.gz").array == 1).all()


@pytest.mark.parametrize("call", [1, 2, 3, 5, 7, 8])
def test_training_is_killed(run: Run, stock: Path, tmp_path: Path, call: int) -> None:
    shutil.copytree(stock / "cases", tmp_path / "cases")
    config, out = tmp_path / "cases" / "train.yaml", tmp_path / "run"
    config.write_text(
        yaml.safe_dump({**TRAINING, "steps": 4, "validate_every": 2, "checkpoint_seconds": 0.0})
    )
    words = ("train", config, "-o", out, "--device", "cpu", "--precision", "float32")
    assert in_child(command(*words), tmp_path / "log", die_at(call, "before")) in (0, -signal.SIGKILL)
    if (out / STATE_NAME).exists():
        torch.load(out / STATE_NAME, weights_only=True)
    code, _, err = run(*words)
    assert code == 0, err
    load(out / "tiny.safetensors")
    names = sorted(path.name for path in out.iterdir() if path.name != "tensorboard")
    assert names == sorted([STATE_NAME, "log.csv", "tiny.safetensors", "validation.csv"])


@pytest.mark.parametrize("what", ["segment", "train", "add", "example", "evaluate"])
def test_the_disk_is_full(stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    import resource

    monkeypatch.setenv("NAPARI_SCD_MODELS", str(tmp_path / "out" / "models"))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    (tmp_path / "cases").symlink_to(stock / "cases")
    importlib.import_module("matplotlib.pyplot")  # once here, not in each child: it looks for fonts
    config, model, scan = tmp_path / "train.yaml", stock / "good.safetensors", stock / "scan.nii.gz"
    images, labels = stock / "cases" / "images", stock / "cases" / "labels"
    coarse = stock / "coarse.safetensors"
    data = {"images": str(images), "labels": str(labels), "holdout": 1}
    config.write_text(yaml.safe_dump({**TRAINING, "data": data, "steps": 1}))
    out = tmp_path / "out"
    words = {
        "segment": ("segment", scan, "-o", out / "o.nii.gz", "-m", model, "--report", out / "o.json"),
        "train": ("train", config, "-o", out / "run", "--device", "cpu"),
        "add": ("models", "add", model, "--name", "mine"),
        "example": ("train", "--example", out / "example"),
        "evaluate": ("evaluate", coarse, images, labels, "-o", out / "measured", "-k", "1", "--no-surface"),
    }[what]

    def limit(n_bytes: int) -> Callable[[], None]:
        def prepare() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))

        return prepare

    for kib in KIB_LIMITS:
        shutil.rmtree(out, ignore_errors=True)
        log = tmp_path / "log"
        os.mkfifo(log)  # what is said is not written to the full disk
        listener = subprocess.Popen(["cat", str(log)], stdout=subprocess.PIPE, text=True)
        code = in_child(command(*words), log, limit(int(1024 * kib)))
        said = listener.communicate(timeout=60)[0]
        log.unlink()
        assert code in (0, 2), (kib, said)
        assert "Traceback" not in said
        if code == 2:
            assert said.count("Error: ") == 1, (kib, said)
        hidden = [path for path in out.rglob(".*") if path.is_file()]
        assert hidden == [], kib
        for path in visible(out):
            if path.name.endswith(".nii.gz"):
                read_labels(path)
            elif path.suffix == ".safetensors":
                load(path)
            elif path.suffix == ".json":
                json.loads(path.read_text())


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    target = tmp_path / "labels.nii.gz"
    maps = [Volume(np.full((9, 9, 9), value, np.uint8), np.eye(4)) for value in (1, 2)]
    write_labels(target, maps[0])

    def write(labels: Volume) -> None:
        for _ in range(25):
            write_labels(target, labels, table=TABLE)

    children = []
    for labels in maps:
        child = os.fork()
        if child == 0:
            try:
                write(labels)
            finally:
                os._exit(0)
        children.append(child)
    running = set(children)
    while running:
        (tmp_path / "seen.nii.gz").write_bytes(target.read_bytes())
        assert len(np.unique(read_labels(tmp_path / "seen.nii.gz").array)) == 1
        running -= {child for child in running if os.waitpid(child, os.WNOHANG)[0]}
    assert sorted(path.name for path in tmp_path.glob("*labels*")) == ["labels.nii.gz"]


def test_one_folder_trains_once_at_a_time(run: Run, stock: Path, tmp_path: Path) -> None:
    shutil.copytree(stock / "cases", tmp_path / "cases")
    config, out = tmp_path / "cases" / "train.yaml", tmp_path / "run"
    config.write_text(yaml.safe_dump({**TRAINING, "steps": 1}))
    out.mkdir()
    with locked_folder(out):
        code, _, err = run("train", config, "-o", out, "--device", "cpu")
        assert code == 2 and "Another process is training" in err
        with (
            locked_folder(out, leads=False),
            pytest.raises(InputError, match="Another process"),
            locked_folder(out),
        ):
            pass
    assert not (out / LOCK_NAME).exists()
    assert run("train", config, "-o", out, "--device", "cpu")[0] == 0


def test_only_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    names = {
        "left": f".{atomic._PLACE}-{child.pid}-abcdef.out.nii",
        "alive": f".{atomic._PLACE}-{os.getppid()}-abcdef.out.nii",
        "elsewhere": f".00000000-{child.pid}-abcdef.out.nii",
        "other": f".{atomic._PLACE}-{child.pid}-abcdef.other.nii",
        "users": ".out.nii",
    }
    for name in names.values():
        (tmp_path / name).write_bytes(b"half")
    write_labels(tmp_path / "out.nii", Volume(np.ones((2, 2, 2), np.uint8), np.eye(4)))
    left = {key for key, name in names.items() if (tmp_path / name).exists()}
    assert left == {"alive", "elsewhere", "other", "users"}
