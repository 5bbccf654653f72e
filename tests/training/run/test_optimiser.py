"""Parameter groups and the learning rate's course."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_scd.model import build_network
from napari_scd.training.run.ema import WeightAverage
from napari_scd.training.run.optimiser import make_optimiser, schedule, set_rate


@pytest.mark.parametrize("layer_decay", [1.0, 0.75])
def test_every_parameter_is_in_one_group(config, layer_decay):
    network = build_network(config.model)
    optimiser = make_optimiser(network, dataclasses.replace(config, layer_decay=layer_decay))
    held = [id(p) for group in optimiser.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in network.parameters())


def test_earlier_blocks_learn_slower(config):
    network = build_network(config.model)
    config = dataclasses.replace(config, layer_decay=0.5, warmup=0)
    optimiser = make_optimiser(network, config)
    set_rate(optimiser, config, 0)
    rate_of = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    rates = {name: rate_of[id(p)] / config.lr for name, p in network.named_parameters()}
    depth = config.model.depth
    assert rates["encoder.pos_embed"] == 0.5 ** (depth + 1)
    assert rates["encoder.blocks.0.mlp.fc1.weight"] == 0.5**depth
    assert rates[f"encoder.blocks.{depth - 1}.mlp.fc1.weight"] == 0.5
    assert all(rate == 1 for name, rate in rates.items() if name.startswith("decoder"))


def test_warm_up_then_cosine():
    course = [schedule(step, 100, 10) for step in range(101)]
    assert course[0] == pytest.approx(0.1)
    assert max(course) == course[9] == course[10] == 1.0
    assert course[55] == pytest.approx(0.5)
    assert course[100] == pytest.approx(0.0)


def test_the_average_follows_and_steps_aside():
    network = torch.nn.Linear(2, 2)
    average = WeightAverage(network, 0.5)
    start = average.weights["weight"].clone()
    with torch.no_grad():
        network.weight += 1
    own = network.weight.detach().clone()
    average.update(network)
    assert torch.all(average.weights["weight"] > start)
    with average.in_use(network):
        assert torch.equal(network.weight, average.weights["weight"])
    assert torch.equal(network.weight, own)
