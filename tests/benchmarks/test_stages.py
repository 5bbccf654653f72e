"""Stages add up to the whole, and watching leaves no trace."""

from __future__ import annotations

import pytest
import torch

from napari_scd.benchmarks import time_stages
from napari_scd.benchmarks.stages import BACK, DECODER, ORDER
from napari_scd.checkpoints import Checkpoint, Provenance
from napari_scd.engine import Request, Session, preprocess
from napari_scd.engine.blend import Canvas
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

    def watched():
        network = model.network
        return [
            vars(kind).get(name)
            for kind, name in (
                (Session, "set_volume"), (Canvas, "take"), (Canvas, "add"), (preprocess, "resample"),
                (type(network.decoder), "forward"), (type(network.encoder), "rest"),
            )
        ]  # fmt: skip

    before, rounds = watched(), []
    result = time_stages(
        model,
        scan,
        labels,
        Request(device="cpu"),
        rounds=1,
        progress=lambda *done: rounds.append(done),
    )
    assert list(result.seconds) == list(ORDER)
    assert rounds == [(0, 1), (1, 1)]
    assert sum(result.seconds.values()) == pytest.approx(result.total_s)
    assert result.seconds[DECODER] > 0
    assert result.seconds[BACK] > 0
    assert labels.exists()
    assert result.n_windows > 1
    assert watched() == before
