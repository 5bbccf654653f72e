from __future__ import annotations

import pytest

from napari_scd.viewer.logic.wording import duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.31, "0.31 s"), (11.2, "11 s"), (125, "2 min 5 s"), (0.0731, "73 ms")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
