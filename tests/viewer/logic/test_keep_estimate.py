from __future__ import annotations

import numpy as np
import pytest

from napari_scd.viewer.logic.keep_estimate import cost_of, dice, estimate_exit_stages, saving_curve

from ..conftest import FakeNetwork


def scores_of(n: int = 64, stages: int = 3, keep: float = 0.5) -> np.ndarray:
    """Scores of one window as a run at `keep` leaves them: NaN where a token was gone."""
    rng = np.random.default_rng(1)
    found = np.full((stages, n), np.nan, np.float32)
    alive = np.arange(n)
    for stage in range(stages):
        found[stage, alive] = -rng.random(alive.size)
        alive = alive[np.argsort(-found[stage, alive])[: int(alive.size * keep)]]
    return found.reshape(stages, 4, 4, n // 16)


def test_the_first_stage_is_exact() -> None:
    scores = scores_of()
    exits = estimate_exit_stages(scores, (64, 16, 4, 1))
    best = np.argsort(-scores[0].reshape(-1))[:16]
    assert set(np.flatnonzero(exits.reshape(-1) > 1)) == set(best)


@pytest.mark.parametrize("counts", [(64, 64, 64, 64), (64, 32, 16, 8), (64, 8, 8, 8), (64, 60, 3, 1)])
def test_as_many_tokens_stay_as_the_network_counts(counts: tuple[int, ...]) -> None:
    exits = estimate_exit_stages(scores_of(), counts)
    assert tuple(int((exits > stage).sum()) for stage in range(4)) == counts


def test_the_same_ratio_gives_the_same_tokens() -> None:
    scores = scores_of(keep=0.5)
    exits = estimate_exit_stages(scores, (64, 32, 16, 8))
    for stage in (1, 2):
        assert np.array_equal(exits > stage, ~np.isnan(scores[stage]))


def test_tokens_that_left_before_rank_below_all_others() -> None:
    scores = scores_of(keep=0.25)
    exits = estimate_exit_stages(scores, (64, 48, 40, 1))
    assert (exits[~np.isnan(scores[1])] > 2).all(), "those measured at stage 2 outlive those that were not"


def test_tokens_not_computed_stay_zero() -> None:
    scores = scores_of()
    scores[:, 0] = np.nan
    assert (estimate_exit_stages(scores, (64, 32, 16, 8))[0] == 0).all()


def test_a_network_without_stages_keeps_nothing_apart() -> None:
    assert estimate_exit_stages(np.zeros((0, 2, 2, 2), np.float32), (8,)).shape == (2, 2, 2)


def test_costs_are_the_networks_own_counts() -> None:
    cost = cost_of(FakeNetwork(), 0.5)
    assert cost.tokens == (512, 256, 128, 64)
    assert cost.encoder_saved == pytest.approx(1 - 960 / 2048)
    assert cost_of(FakeNetwork(), 1.0).encoder_saved == 0


def test_the_saving_curve_falls() -> None:
    curve = saving_curve(FakeNetwork())
    assert curve[0][0] == pytest.approx(0.05) and curve[-1] == (1.0, 0.0)
    assert all(a[1] >= b[1] for a, b in zip(curve, curve[1:], strict=False))


def test_dice() -> None:
    a, b = np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2])
    assert dice(a, a) == 1
    assert dice(a, b) == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert dice(np.zeros(4), np.zeros(4)) is None
