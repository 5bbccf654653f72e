from __future__ import annotations

from typing import NoReturn

import pytest
import torch
from monai.networks.nets import UNet

from napari_scd.benchmarks import TimedNetwork, WindowShape, compare_inference, compare_training
from napari_scd.benchmarks.other_networks import OTHER_NETWORKS, build_other
from napari_scd.benchmarks.parts import time_parts
from napari_scd.errors import InputError
from napari_scd.model import build_network


@pytest.fixture
def networks(tiny):
    torch.manual_seed(0)
    other = UNet(3, 1, 2, channels=(4, 8), strides=(2,))
    return [TimedNetwork("tiny", build_network(tiny), (0.25,)), TimedNetwork("U-Net", other)]


WINDOW = WindowShape((16, 16, 16), 1, 2)


def test_inference_counts_tokens_macs_and_parts(networks, timer) -> None:
    told: list[tuple[int, int]] = []
    result = compare_inference(networks, WINDOW, timer, rounds=2, progress=lambda *now: told.append(now))
    dense, pruned, other = result.rows
    assert [(row.network, row.keep) for row in result.rows] == [
        ("tiny", 1.0),
        ("tiny", 0.25),
        ("U-Net", None),
    ]
    assert (dense.tokens, pruned.tokens, other.tokens) == ((64, 64, 64), (64, 16, 4), ())
    assert dense.speedup == 1.0
    assert other.speedup is None
    assert 0 < pruned.macs < dense.macs
    assert dense.macs == networks[0].network.macs(1.0).total
    assert all(len(row.rounds_s) == 2 and min(row.rounds_s) > 0 for row in result.rows)
    assert sum(dense.parts) == pytest.approx(dense.parts.total_s)
    assert min(dense.parts.prefix_s, dense.parts.assembly_s, dense.parts.decoder_s) > 0
    assert other.parts is None
    assert all(0 < share < 1 for share in dense.peak)
    assert told == [(1, 2), (2, 2)]
    assert result.row("U-Net") is other


def test_training_steps_cost_about_three_forward_passes(networks, timer) -> None:
    pytest.importorskip("lightning_fabric")
    before = [weight.clone() for weight in networks[0].network.parameters()]
    result = compare_training(networks, WINDOW, timer, rounds=1)
    forward = {row.network: row.macs for row in compare_inference(networks, WINDOW, timer, rounds=1).rows}
    for name in ("tiny", "U-Net"):
        row = next(row for row in result.rows if row.network == name)
        assert 2 * forward[name] < row.macs < 3.5 * forward[name]
        assert row.median_s > 0
    assert result.task == "training step"
    moved = [
        not torch.equal(old, new) for old, new in zip(before, networks[0].network.parameters(), strict=True)
    ]
    assert all(moved), "every weight of the network gets a gradient"


def test_watching_a_network_leaves_no_trace(tiny, timer) -> None:
    network = build_network(tiny).eval()
    image = torch.randn(2, 1, 16, 16, 16)
    with torch.inference_mode():
        expected = network(image, 0.5)
    time_parts(network, image, 0.5, timer)
    for part in (network.decoder, network.encoder, network.completion):
        assert not {"forward", "rest", "prefix", "encode_image"} & set(vars(part))
    with torch.inference_mode():
        assert torch.equal(network(image, 0.5), expected)


def test_what_another_network_is_built_with_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> NoReturn:
        raise ImportError("from einops.layers.torch import Rearrange")

    monkeypatch.setitem(OTHER_NETWORKS, "UNETR-16", missing)
    with pytest.raises(InputError, match="UNETR-16 needs the package 'einops'.*leave the other networks out"):
        build_other("UNETR-16", (64, 64, 64), 1, 3)
