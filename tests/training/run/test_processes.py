"""Two processes learn what one learns: the same losses, the same gradients, the same weights."""

from __future__ import annotations

import csv
import os
import subprocess
import sys

import pytest
import torch
import yaml

from napari_scd.training import read_config, train
from napari_scd.training.run.processes import SharedDraws
from napari_scd.training.run.state_file import STATE_NAME


def _draw():
    torch.manual_seed(5)
    scores = torch.zeros(4, 7)
    first = torch.empty_like(scores).exponential_()
    second = torch.empty(4, 1, 1).bernoulli_(0.5)
    return first, second, torch.rand((4, 3))


def _draw_share(rank):
    torch.manual_seed(5)
    with SharedDraws(rank, 2):
        first = torch.empty_like(torch.zeros(2, 7)).exponential_()
        second = torch.empty(2, 1, 1).bernoulli_(0.5)
        return first, second, torch.rand((2, 3))


@pytest.mark.parametrize("rank", [0, 1])
def test_noise_is_that_of_the_whole_batch(rank):
    for whole, share in zip(_draw(), _draw_share(rank), strict=True):
        assert torch.equal(share, whole[rank::2])


def test_two_processes_equal_one(values, data_folder, tmp_path, options):
    values.update(steps=3, batch=4, validate_every=3)
    values["data"] = {
        "images": str(data_folder / "images"),
        "labels": str(data_folder / "labels"),
        "holdout": 1,
    }
    values["model"]["drop_path"] = 0.2
    values["loss"] = {"class_weights": [1.0, 2.0, 3.0]}
    values["keep"] = {"dense_share": 0.0, "low": 0.4, "high": 0.6}
    file = tmp_path / "train.yaml"
    file.write_text(yaml.safe_dump(values))
    program = tmp_path / "napari-scd.py"
    program.write_text("from napari_scd.cli import main\nmain()\n")
    command = [sys.executable, str(program), "train", str(file)]
    command += ["--out", str(tmp_path / "two"), "--devices", "2", "--device", "cpu", "--precision", "float32"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"}
    done = subprocess.run(
        [*command, "--threads", "1"], env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Wrote") == 1
    assert (tmp_path / "two" / "tiny.safetensors").is_file()
    train(read_config(file), options(tmp_path / "one"))

    one, two = (torch.load(tmp_path / name / STATE_NAME, weights_only=True) for name in ("one", "two"))
    assert one["loss"] == pytest.approx(two["loss"], rel=1e-4)
    assert one["validation"] == pytest.approx(two["validation"], abs=1e-3)
    for key, moments in one["optimiser"]["state"].items():
        mean, other = moments["exp_avg"], two["optimiser"]["state"][key]["exp_avg"]
        torch.testing.assert_close(mean, other, rtol=1e-2, atol=1e-4 * float(mean.abs().max() + 1e-6))
    losses = [
        [float(row["loss"]) for row in csv.DictReader((tmp_path / name / "log.csv").open())]
        for name in ("one", "two")
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
