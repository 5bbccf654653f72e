"""What a job asks of the engine, and what its results depend on."""

from __future__ import annotations

from pathlib import Path

from napari_scd.batch import SegmentJob, Targets
from napari_scd.batch.checks import request_of
from napari_scd.volume import LabelTable, Recipe


def test_the_clean_up_can_be_turned_off() -> None:
    table = LabelTable.from_names(["liver"])
    usual = SegmentJob(Targets(Path("o.nii.gz")), model="m")
    without = SegmentJob(Targets(Path("o.nii.gz")), model="m", clean_up=False)
    assert request_of(usual, "m", table, Recipe("CT")).clean_up
    assert not request_of(without, "m", table, Recipe("CT")).clean_up
    assert "clean_up" not in usual.asked("sum"), "results of earlier versions stay finished"
    assert without.asked("sum") == usual.asked("sum") | {"clean_up": False}


def test_the_air_can_be_looked_at() -> None:
    table = LabelTable.from_names(["liver"])
    usual = SegmentJob(Targets(Path("o.nii.gz")), model="m")
    with_air = SegmentJob(Targets(Path("o.nii.gz")), model="m", air=True)
    assert not request_of(usual, "m", table, Recipe("CT")).air
    assert request_of(with_air, "m", table, Recipe("CT")).air
    assert with_air.asked("sum") == usual.asked("sum") | {"air": True}
