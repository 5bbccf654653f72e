"""What speaks for a structure: the model's own confidence, tests, and whether the scan fits."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_scd.viewer.logic.trust import Trust, trust_in
from napari_scd.viewer.state import State

from ..conftest import TABLE
from .test_controller import BRIGHT, click, ours, segment

if TYPE_CHECKING:
    import pytest


def test_confidence_is_a_layer_on_request(desk: Any) -> None:
    segment(desk)
    assert ours(desk, "confidence") is None
    desk.control.show_confidence(True)
    layer = ours(desk, "confidence")
    assert layer.data.shape == desk.image.data.shape and np.allclose(layer.scale, desk.image.scale)
    assert set(np.unique(layer.data)) == {60, 90}
    assert desk.viewer.layers.selection.active is desk.image
    desk.control.discard()
    assert ours(desk, "confidence") is None
    desk.control.undo()
    assert ours(desk, "confidence") is not None
    desk.control.show_confidence(False)
    assert ours(desk, "confidence") is None


def test_structures_carry_the_confidence_of_the_latest_answer(desk: Any) -> None:
    segment(desk)
    sure = desk.control.result.sure
    assert sure == {1: 0.9, 2: 0.6}
    click(desk, BRIGHT)  # removes it
    click(desk, BRIGHT)
    assert desk.control.result.sure == {1: 0.9, 2: 0.6}
    assert desk.control.result.confidence[BRIGHT] == 90


def test_tests_count_for_the_same_structures_only(desk: Any) -> None:
    segment(desk)
    metrics = {
        "tested": {
            "on": "6 cases",
            "structures": {"anterior hippocampus": {"dice": 0.87, "volume_ratio": 1.1}},
        }
    }
    model = SimpleNamespace(labels=TABLE, provenance=SimpleNamespace(metrics=metrics))
    trust = trust_in(desk.control.result, model)
    assert trust[1] == Trust(0.9, 0.87, 1.1, "6 cases") and trust[3] == Trust(None, None, None, "6 cases")
    assert trust[1].sentences() == [
        "The model gave its voxels 90% on average.",
        "Tested Dice 0.87 on 6 cases.",
        "Its volume came out +10 % there, in the median.",
    ]
    assert trust_in(desk.control.result, SimpleNamespace(labels=None, provenance=None))[1].dice is None
    assert trust_in(desk.control.result, None)[1].sure == 0.9


def test_a_scan_that_does_not_fit_is_said_loudly(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.backend.misfits = ("Unusual sizes: left kidney 0.2 ml (usually 25 to 800).",)
    segment(desk)
    status = desk.control.status
    assert status.state is State.DONE and "This scan may not fit fake" in status.sentence
    assert status.warnings[0] == (State.WARN_FIT, f"Doubtful: {desk.backend.misfits[0]}")
    desk.control.accept()
    assert desk.control.status.warnings[0][0] is State.WARN_FIT, "as long as the result is on screen"
    desk.control.undo()
    desk.control.discard()
    assert all(state is not State.WARN_FIT for state, _ in desk.control.status.warnings)
