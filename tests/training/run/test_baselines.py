"""Every baseline of the paper goes through the same trainer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_scd.model import build_network
from napari_scd.training import train


@pytest.mark.parametrize(
    ("pruning", "completion"),
    [("random", "mta"), ("attention", "mta"), ("gumbel", "mta"), ("topk", "mta"), ("stp", "mask")],
)
def test_a_baseline_trains(config, options, tmp_path, pruning, completion) -> None:
    model = replace(config.model, pruning=pruning, completion=completion)
    finished = train(replace(config, model=model, validate_every=6), options(tmp_path))
    assert finished.done
    assert set(finished.validation) == {"dice@1", "dice@0.5"}
    torch.manual_seed(config.seed)
    fresh = build_network(model).state_dict()
    learned = {"scorers", "blocks"} if pruning in ("gumbel", "topk", "stp") else {"blocks"}
    for part in learned:
        names = [name for name in fresh if f"encoder.{part}" in name and name.endswith("weight")]
        assert any(not torch.equal(fresh[name], finished.weights[name]) for name in names)
