"""Clicks on promptable models are timed at the same places in every run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_scd.benchmarks.prompt_latency import ClickTimes, time_clicks, time_prompts, waits_of
from napari_scd.benchmarks.timer import Timer
from napari_scd.checkpoints import Provenance, save
from napari_scd.engine import Request, TakesNoPrompts, choose_hardware
from napari_scd.errors import InputError
from napari_scd.model import build_network
from napari_scd.volume import LabelTable, Recipe, Volume
from tests.promptable_network import ball, make_promptable, scan
from tests.tiny_network import TINY

EXACT = Request(precision="float32")
TIMER = Timer(choose_hardware(EXACT))


def test_first_clicks_corrections_and_zooming_out_are_timed() -> None:
    session = make_promptable(scan(ball((150, 150, 150), (75, 75, 75), 65)))
    times = time_clicks(session, rounds=3, request=EXACT, timer=TIMER)
    assert len(times.first_s) == len(times.correction_s) == 3
    assert len(times.zoomed_s) == times.n_large > 0, "the ball is larger than the first window"
    assert len(times.n_windows) == 6 and min(times.n_windows) >= 1
    asked = session._model.network.n_asked
    session.set_volume(session.volume)
    assert time_clicks(session, rounds=3, request=EXACT, timer=TIMER).n_windows == times.n_windows
    assert session._model.network.n_asked == 2 * asked, "the same clicks again"


def test_waits_are_set_beside_their_goals() -> None:
    times = ClickTimes((0.2, 0.3), (0.1, 2.0), (2, 1, 3, 1))
    waits = {wait.what: wait for wait in waits_of(times, [3.0])}
    assert not any("zooms out" in what for what in waits)
    assert waits["model loaded, scan prepared, first click answered"].median_s == 3.0
    every = waits["any click, median"]
    assert (every.n, every.median_s, every.met) == (4, pytest.approx(0.25), True)
    assert waits["any click, 95 of 100"].met is False
    zoomed = {wait.what: wait for wait in waits_of(times._replace(zoomed_s=(0.5, 0.7)))}
    row = zoomed["click that zooms out, as the object continues beyond its window"]
    assert (row.n, row.median_s) == (2, pytest.approx(0.6))
    assert zoomed["any click, median"] == every, "chosen for their size, so no part of these"


def test_a_model_file_is_timed_and_others_are_refused(tmp_path) -> None:
    recipe = Recipe("any", normalise_over="window", activation="sigmoid", field="prompt")
    made = Provenance(name="tiny", title="t", data="d", licence="CC0")
    network = build_network(replace(TINY, in_channels=4, out_channels=1))
    save(tmp_path / "tiny.safetensors", network, recipe, LabelTable.from_names(["object"]), made)
    rng = np.random.default_rng(0)
    volume = Volume(rng.normal(size=(20, 24, 18)).astype(np.float32), np.eye(4))
    result = time_prompts(str(tmp_path / "tiny.safetensors"), volume, rounds=2, request=EXACT)
    assert result.machine["model"] == "tiny" and result.machine["shape"] == [20, 24, 18]
    assert result.machine["windows_per_click"] > 0.5
    assert {wait.n for wait in result.waits} <= {2, 4}
    assert len(result.notes) == 1 and "Zooming out was not timed" in result.notes[0], "one window sees it all"
    save(
        tmp_path / "other.safetensors",
        build_network(TINY),
        Recipe("MR"),
        LabelTable.from_names(["a", "b"]),
        made,
    )
    with pytest.raises(TakesNoPrompts):
        time_prompts(str(tmp_path / "other.safetensors"), volume, rounds=1)
    with pytest.raises(InputError):
        time_prompts(str(tmp_path / "none.safetensors"), volume)
