"""A few rounds of what the long campaign does five hundred times; `test_windows.py` does so with the dock."""

from __future__ import annotations

import random
import sys
from typing import TYPE_CHECKING

import pytest
import torch

from napari_scd.checkpoints import load
from napari_scd.engine import Session

from .long_session import Footprint, answer, one_round

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts in /proc")


def test_a_session_stays_the_same(stock: Path) -> None:
    torch.set_num_threads(1)
    session, draw = Session(*load(stock / "good.safetensors")), random.Random(0)
    expected, first = answer(session), Footprint.now()
    done = {one_round(session, draw) for _ in range(60)}
    assert done == {"volume", "segment", "click", "preview", "plan", "stop", "nonsense"}
    assert answer(session) == expected
    last = Footprint.now()
    assert last.files <= first.files
