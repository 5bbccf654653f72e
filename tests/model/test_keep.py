"""The keep ratio's three forms: as stated, one for each stage, counts of tokens."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest

from napari_scd.errors import InputError
from napari_scd.model import PRESETS, check_keep
from napari_scd.model.keep import count_tokens, keep_per_stage

OWN = (0.5, 0.4, 0.3)


def test_one_ratio_is_for_all_stages() -> None:
    assert keep_per_stage(None, OWN) == OWN
    assert keep_per_stage(1, OWN) == (1.0, 1.0, 1.0)
    assert keep_per_stage((0.1, 0.2, 0.3), OWN) == (0.1, 0.2, 0.3)
    assert keep_per_stage(0.5, ()) == ()
    with pytest.raises(InputError, match="2 keep ratios for 3 pruning stages"):
        keep_per_stage((0.1, 0.2), OWN)


@pytest.mark.parametrize("keep", [0, 0.01, 0.049, 1.01, -0.5, math.nan, math.inf, True, "0.5", (0.5, 0.01)])
def test_ratios_out_of_range_are_refused_with_the_range(keep) -> None:
    with pytest.raises(InputError, match="A keep ratio is a number from 0.05 to 1, not"):
        check_keep(keep)


def test_a_models_own_ratios_may_lie_below_the_range(network) -> None:
    net = network(prune_ratio=(0.97, 0.97, 0.97))
    assert net.token_counts() == (96, 2, 1, 1)
    assert net.keep_per_stage() == pytest.approx((0.03, 0.03, 0.03))
    assert net.token_counts(0.05) == (96, 4, 1, 1)


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_own_ratios_count_alike_whether_stated_or_not(name) -> None:
    config = PRESETS[name]
    stated = [1.0 - ratio for ratio in config.default_keep]
    counts = [count_tokens(config.n_tokens, drop, config.min_tokens) for drop in (config.prune_ratio, stated)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("living", "prune_ratio", "floor", "kept"),
    [
        (170, 0.9, 1, 16),  # int(170 * (1 - 0.9)): the keep share 0.1 would give 17
        (1728, 0.9, 1, 172),
        (172, 0.9, 1, 17),
        (17, 0.9, 1, 1),
        (1728, 0.75, 1, 432),
        (100, 0.0, 1, 100),
        (100, 0.5, 60, 60),
        (5, 0.5, 8, 5),
        (3, 0.9, 1, 1),
    ],
)
def test_counts(living, prune_ratio, floor, kept) -> None:
    assert count_tokens(living, (prune_ratio,), floor) == (living, kept)


def test_stating_a_keep_ratio_needs_no_torch() -> None:
    code = "import sys; from napari_scd import Request; Request(keep=0.5); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "scipy", "monai"}.isdisjoint(done.stdout.split())
