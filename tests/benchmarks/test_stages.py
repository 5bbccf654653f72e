"""Stages add up to the whole."""

from __future__ import annotations

import pytest
import torch

from napari_scd.benchmarks import time_stages
from napari_scd.benchmarks.stages import OTHER, READING, WRITING
from napari_scd.checkpoints import Checkpoint, Provenance
from napari_scd.engine import Request, steps_of
from napari_scd.engine.steps import BACK, BLENDING, DECODER
from napari_scd.model import build_network
from napari_scd.volume import LabelTable, Recipe, write_volume
from napari_scd.volume.phantom import make_phantom


def test_stages_add_up(tiny, tmp_path) -> None:
    torch.manual_seed(0)
    model = Checkpoint(
        build_network(tiny), Recipe("MR"), LabelTable.from_names(["one"]), Provenance(name="tiny")
    )
    scan, labels = tmp_path / "scan.nii.gz", tmp_path / "labels.nii"
    write_volume(scan, make_phantom((20, 24, 22), (2.0, 2.0, 2.0), modality="MR")[0])

    rounds: list[tuple[int, ...]] = []
    result = time_stages(
        model,
        scan,
        labels,
        Request(device="cpu"),
        rounds=1,
        progress=lambda *done: rounds.append(done),
    )
    steps = steps_of(model.network)
    assert list(result.seconds) == [READING, *steps, WRITING, OTHER]
    assert rounds == [(0, 1), (1, 1)]
    assert sum(result.seconds.values()) == pytest.approx(result.total_s)
    assert result.seconds[DECODER] > 0
    assert result.seconds[BACK] > 0
    assert result.seconds[BLENDING] > 0
    assert labels.exists()
    assert result.n_windows > 1
