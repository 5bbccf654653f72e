from __future__ import annotations

import pytest
import torch

from napari_scd.benchmarks import time_windows
from napari_scd.engine.hardware import Hardware
from napari_scd.model import ModelConfig, build_network

TINY = ModelConfig(
    roi=(16, 16, 16),
    patch=4,
    embed_dim=12,
    depth=3,
    heads=2,
    prune_after=(0, 1),
    prune_ratio=(0.5, 0.5),
    completion_dim=12,
    completion_heads=2,
    decoder="unetr4",
    stem="patch",
    features=2,
    min_tokens=2,
)
CPU = Hardware(torch.device("cpu"), torch.float32, 2)


def test_a_sweep_counts_tokens_and_parts() -> None:
    told: list[tuple[int, int]] = []
    result = time_windows(
        build_network(TINY), [0.25], CPU, name="tiny", rounds=2, progress=lambda *now: told.append(now)
    )
    dense, pruned = result.rows
    assert (dense.keep, pruned.keep) == (1.0, 0.25)
    assert (dense.tokens, pruned.tokens) == ((64, 64, 64), (64, 16, 4))
    assert dense.speedup == 1.0
    assert pruned.macs < dense.macs
    assert all(seconds > 0 for row in result.rows for seconds in row.median)
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_speedup_is_paired_within_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that gets slower from call to call slows both alike: the ratio of one round stays."""
    from napari_scd.benchmarks import window

    calls = iter(range(100))

    def slower_and_slower(network: object, image: object, keep: float, hardware: object) -> window.PartTimes:
        pace = 10.0 ** (next(calls) // 2)
        return window.PartTimes(pace, pace if keep == 1 else 0.0, 0.0)

    monkeypatch.setattr(window, "_time_once", slower_and_slower)
    result = time_windows(build_network(TINY), [0.25], CPU, name="tiny", rounds=3)
    assert result.rows[1].speedup == pytest.approx(2.0)
