"""A report on a device, with the CPU in the GPU's place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("lightning_fabric")

from napari_scd.benchmarks import report_on
from napari_scd.benchmarks.device_report import label_agreement
from napari_scd.checkpoints import Checkpoint, Provenance
from napari_scd.errors import DeviceUnavailable
from napari_scd.model import build_network
from napari_scd.volume import LabelTable, Recipe


@pytest.fixture
def models(tiny):
    """One model of whole scans, one of clicks."""
    torch.manual_seed(0)
    table = LabelTable.from_names(["one"])
    return [
        Checkpoint(build_network(tiny), Recipe("CT"), table, Provenance(name="whole")),
        Checkpoint(build_network(tiny), Recipe("MR", field="click"), table, Provenance(name="clicky")),
    ]


def test_every_step_works(models) -> None:
    told: list[str] = []
    report = report_on("cpu", models, shape=(20, 24, 22), tell=told.append)
    assert report.device == "cpu" and report.skipped == ()
    assert [(row.model, row.precision) for row in report.scans] == [
        ("whole", "float32"), ("whole", "bfloat16"), ("clicky", "float32"), ("clicky", "bfloat16"),
    ]  # fmt: skip
    exact = [row.agreement for row in report.scans if row.precision == "float32"]
    assert exact == [1.0, 1.0]
    assert all(row.agreement > 0.9 for row in report.scans)
    assert all(row.first_s > 0 and row.again_s > 0 for row in report.scans)
    assert [one.precision for one in report.windows] == ["float32", "bfloat16"] * 2
    assert {row.keep for row in report.windows[0].rows} == {1.0, 0.25}
    assert [one.task for one in report.training] == ["training step"] * 2
    assert told[0] == "a scan of whole, float32"
    assert told[-1] == "a training step of clicky, bfloat16"


def test_what_there_is_no_time_for_is_named(models) -> None:
    report = report_on("cpu", models[:1], budget_s=0.0)
    assert report.scans == () and report.windows == ()
    assert len(report.skipped) == 5


def test_a_device_that_is_not_there(models) -> None:
    if torch.backends.mps.is_available():
        pytest.skip("this machine has it")
    with pytest.raises(DeviceUnavailable):
        report_on("mps", models)


def test_agreement_counts_labelled_voxels() -> None:
    labels = np.array([[0, 1], [2, 2]])
    assert label_agreement(labels, labels) == 1
    assert label_agreement(labels, 0 * labels) == 0
    assert label_agreement(0 * labels, 0 * labels) == 1
