"""Nothing leaves the machine, and nothing of a patient leaves the scan but its file's name."""

from __future__ import annotations

import json
import shutil
import socket
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest
import yaml

from napari_scd.batch.source_names import KEY, code_of

from .offline import offline
from .tiny import TRAINING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

SECRET = "Doe^Jane"


def test_the_watchman_watches() -> None:
    with offline() as refused:
        for place in (("192.0.2.1", 80), ("example.invalid", 443)):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(place, timeout=1)
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname()).close()
    assert len(refused) == 2


def test_commands_talk_to_nobody(run: Run, stock: Path, tmp_path: Path) -> None:
    model = stock / "good.safetensors"
    shutil.copytree(stock / "cases", tmp_path / "cases")
    config = tmp_path / "cases" / "train.yaml"
    config.write_text(yaml.safe_dump({**TRAINING, "steps": 1}))
    truth = [tmp_path / "cases" / name for name in ("images", "labels")]
    commands = (
        ("models", "list"),
        ("models", "info", model),
        ("models", "add", model, "--name", "mine"),
        ("segment", stock / "scan.nii.gz", "-o", tmp_path / "out.nii.gz", "-m", model),
        ("train", config, "-o", tmp_path / "run", "--device", "cpu"),
        ("evaluate", stock / "coarse.safetensors", *truth, "-o", tmp_path / "measured", "-k", "1"),
    )
    with offline() as refused:
        for words in commands:
            code, _, err = run(*words)
            assert code == 0, (words, err)
    assert refused == []


def scan_of_a_patient(folder: Path) -> Path:
    """Write a scan that names its patient wherever NIfTI has room for it, and in its folder."""
    folder = folder / SECRET
    folder.mkdir()
    image = nib.Nifti1Image(np.zeros((20, 18, 16), np.int16), np.diag([2.0, 2, 2, 1]))
    for field in ("descrip", "db_name", "intent_name", "aux_file"):
        image.header[field] = SECRET
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", SECRET.encode()))
    nib.save(image, folder / "scan.nii.gz")
    assert image.header.binaryblock.count(SECRET.encode()) == 4
    return folder / "scan.nii.gz"


def test_results_hold_nothing_of_the_patient(run: Run, stock: Path, tmp_path: Path) -> None:
    source = scan_of_a_patient(tmp_path)
    out = tmp_path / "out"
    extras = [
        word for kind in ("tokens", "score", "probability") for word in (f"--{kind}", out / f"{kind}.nii")
    ]
    options = (*extras, "--report", out / "report.json", "-m", stock / "good.safetensors")
    assert run("segment", source, "-o", out / "labels.nii", *options)[0] == 0
    assert len(list(out.iterdir())) == 5
    for file in out.iterdir():
        assert SECRET.encode() not in file.read_bytes(), file.name
    report = json.loads((out / "report.json").read_text())
    assert report["input"] == report["source"] == "scan.nii.gz"
    assert report["outputs"]["labels"] == "labels.nii"


@pytest.mark.parametrize("many", [False, True])
def test_names_can_be_replaced_by_codes(
    run: Run, stock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: bool
) -> None:
    monkeypatch.setenv(KEY, "a secret of ours")
    scans = [tmp_path / f"{SECRET}-{number}.nii.gz" for number in range(3 if many else 1)]
    for file in scans:
        shutil.copyfile(stock / "scan.nii.gz", file)
    if many:
        scans[1].write_bytes(b"broken")
    out = tmp_path / "out"
    words = ("--report", out / "all.json", "--hash-names", "-m", stock / "good.safetensors")
    run("segment", *scans, "-o", out, *words)
    text = (out / "all.json").read_text()
    assert SECRET not in text
    cases = json.loads(text)["cases"] if many else [json.loads(text)]
    assert [case["input"] for case in cases] == [code_of(file.name) for file in scans]
    first = code_of(scans[0].name)
    monkeypatch.setenv(KEY, "another secret")
    assert code_of(scans[0].name) != first


def test_trained_models_name_no_folder(run: Run, stock: Path, tmp_path: Path) -> None:
    folder = tmp_path / SECRET
    shutil.copytree(stock / "cases", folder)
    (folder / "train.yaml").write_text(yaml.safe_dump({**TRAINING, "steps": 1}))
    images, labels = folder / "images", folder / "labels"
    assert (
        run("train", folder / "train.yaml", "-o", tmp_path / "run", "--images", images, "--labels", labels)[0]
        == 0
    )
    for file in (path for path in (tmp_path / "run").rglob("*") if path.is_file()):
        assert SECRET.encode() not in file.read_bytes(), file.name
