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


def test_confidence_is_a_layer_on_request(dock: Any) -> None:
    segment(dock)
    assert ours(dock, "confidence") is None
    dock.control.show_confidence(True)
    layer = ours(dock, "confidence")
    assert layer.data.shape == dock.image.data.shape and np.allclose(layer.scale, dock.image.scale)
    assert set(np.unique(layer.data)) == {60, 90}
    assert dock.viewer.layers.selection.active is dock.image
    dock.control.discard()
    assert ours(dock, "confidence") is None
    dock.control.undo()
    assert ours(dock, "confidence") is not None
    dock.control.show_confidence(False)
    assert ours(dock, "confidence") is None


def test_structures_carry_the_confidence_of_the_latest_answer(dock: Any) -> None:
    segment(dock)
    sure = dock.control.result.sure
    assert sure == {1: 0.9, 2: 0.6}
    click(dock, BRIGHT)  # removes it
    click(dock, BRIGHT)
    assert dock.control.result.sure == {1: 0.9, 2: 0.6}
    assert dock.control.result.confidence[BRIGHT] == 90


def test_tests_count_for_the_same_structures_only(dock: Any) -> None:
    segment(dock)
    metrics = {
        "tested": {
            "on": "6 cases",
            "structures": {"anterior hippocampus": {"dice": 0.87, "volume_ratio": 1.1}},
        }
    }
    model = SimpleNamespace(labels=TABLE, provenance=SimpleNamespace(metrics=metrics))
    trust = trust_in(dock.control.result, model)
    assert trust[1] == Trust(0.9, 0.87, 1.1, "6 cases") and trust[3] == Trust(None, None, None, "6 cases")
    assert trust[1].sentences() == [
        "The model gave its voxels 90% on average.",
        "Tested Dice 0.87 on 6 cases.",
        "Its volume came out +10 % there, in the median.",
    ]
    assert trust_in(dock.control.result, SimpleNamespace(labels=None, provenance=None))[1].dice is None
    assert trust_in(dock.control.result, None)[1].sure == 0.9


def test_a_scan_that_does_not_fit_is_said_loudly(dock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dock.backend.misfits = ("Unusual sizes: left kidney 0.2 ml (usually 25 to 800).",)
    segment(dock)
    status = dock.control.status
    assert status.state is State.DONE and "This scan may not fit fake" in status.sentence
    assert status.warnings[0] == (State.WARN_FIT, f"Doubtful: {dock.backend.misfits[0]}")
    dock.control.accept()
    assert dock.control.status.warnings[0][0] is State.WARN_FIT, "as long as the result is on screen"
    dock.control.undo()
    dock.control.discard()
    assert all(state is not State.WARN_FIT for state, _ in dock.control.status.warnings)
