"""A few rounds of what the long campaigns do five hundred times."""

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
    from collections.abc import Callable
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


@pytest.mark.window
def test_a_dock_that_comes_and_goes_leaves_nothing(viewer_rounds: Callable[..., list[object]]) -> None:
    first, *others = viewer_rounds(4)
    assert all(counts == first for counts in others)
