"""The dock in a real window: a few rounds of what the long campaign does five hundred times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .offline import offline

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.window


def test_a_dock_that_comes_and_goes_leaves_nothing_and_talks_to_nobody(
    viewer_rounds: Callable[..., list[object]],
) -> None:
    with offline() as refused:
        first, *others = viewer_rounds(4)
    assert len(others) == 3 and all(counts == first for counts in others)
    assert refused == []
