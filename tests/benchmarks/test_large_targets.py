"""Large things to click are found by their brightness."""

from __future__ import annotations

import numpy as np

from napari_scd.benchmarks.large_targets import large_targets
from tests.promptable_network import ball, scan

SHAPE = (60, 80, 80)


def test_the_deepest_region_comes_first_and_what_an_answer_missed_is_found() -> None:
    large, small = ball(SHAPE, (30, 40, 30), 24), ball(SHAPE, (30, 40, 70), 7)
    volume = scan(np.zeros(SHAPE, bool), small, large, spacing_mm=(2.0, 1.0, 1.0))
    targets = large_targets(volume)
    middles = [target.middle for target in targets]
    bright = [target for target in targets if large[target.middle]]
    assert bright and bright[0].step == (2, 4, 4)
    assert [target.depth for target in targets] == sorted((t.depth for t in targets), reverse=True)
    missed = bright[0].missed_by(ball(SHAPE, (30, 40, 20), 14))
    assert missed is not None and large[missed] and missed[2] > 30, "beyond the answer"
    assert bright[0].missed_by(np.ones(SHAPE, bool)) is None
    assert middles == [target.middle for target in large_targets(volume)], "the same in every run"
