"""The dock in a real window: a few rounds of what the long campaign does five hundred times."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from .offline import offline

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.window


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts in /proc")
def test_a_dock_that_comes_and_goes_leaves_nothing(viewer_rounds: Callable[..., list[object]]) -> None:
    first, *others = viewer_rounds(4)
    assert all(counts == first for counts in others)


def test_the_dock_talks_to_nobody(viewer_rounds: Callable[..., object]) -> None:
    with offline() as refused:
        viewer_rounds(1)
    assert refused == []
