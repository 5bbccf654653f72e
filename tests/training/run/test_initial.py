"""Starting from a trained model: what fits is taken over."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_scd.errors import InputError
from napari_scd.model import build_network
from napari_scd.training.run.initial import Initial, start_from


def _initial(config):
    network = build_network(config)
    return Initial("old", network.state_dict(), config)


def test_the_same_network_takes_all(config):
    old = _initial(config.model)
    network = build_network(config.model)
    assert str(start_from(network, old)) == "Starting from 'old': all weights fit."
    assert all(torch.equal(weight, old.weights[name]) for name, weight in network.state_dict().items())


def test_other_structures_get_a_new_output_layer_only(config):
    old = _initial(config.model)
    network = build_network(dataclasses.replace(config.model, out_channels=9))
    notice = start_from(network, old)
    assert notice.new_layers == ("decoder.out",)
    assert 0.9 < notice.share < 1
    assert "% of the weights fit; new layers: decoder.out." in str(notice)
    fresh = [name for name, weight in network.state_dict().items() if weight.shape != old.weights[name].shape]
    assert all(name.startswith("decoder.out") for name in fresh)


def test_positions_of_another_window_are_interpolated(config):
    old = _initial(config.model)
    rising = torch.linspace(0, 1, 4)[:, None, None].expand(4, 4, 4).reshape(1, 64, 1)
    old.weights["encoder.pos_embed"][:, 1:] = rising.expand(1, 64, 24)
    network = build_network(dataclasses.replace(config.model, roi=(32, 16, 16)))
    start_from(network, old)
    positions = network.state_dict()["encoder.pos_embed"]
    assert torch.equal(positions[:, 0], old.weights["encoder.pos_embed"][:, 0])
    along_z = positions[0, 1:, 0].reshape(8, 4, 4)[:, 0, 0]
    assert torch.all(along_z.diff() >= 0)


def test_another_architecture_is_refused(config):
    network = build_network(dataclasses.replace(config.model, embed_dim=48, features=4))
    with pytest.raises(InputError, match="leave 'model:' out"):
        start_from(network, _initial(config.model))
