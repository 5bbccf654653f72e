from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_scd.benchmarks.counting import counted_macs
from napari_scd.benchmarks.memory import working_memory
from napari_scd.benchmarks.other_networks import OTHER_NETWORKS, build_other, fitting_others
from napari_scd.benchmarks.peak import product_peak
from napari_scd.model import build_network


@pytest.mark.parametrize("keep", [1.0, 0.5])
@pytest.mark.parametrize("decoder", ["unetr4", "half"])
def test_counter_and_formula_agree(tiny, keep, decoder) -> None:
    """PyTorch's counter on the running network against the formula: attention on the CPU included."""
    network = build_network(replace(tiny, decoder=decoder)).eval()
    image = torch.randn(1, 1, 16, 16, 16)
    with torch.inference_mode():
        counted = counted_macs(lambda: network(image, keep))
    assert counted == pytest.approx(network.macs(keep).total, rel=0.002)


def test_working_memory_is_that_of_the_call() -> None:
    device = torch.device("cpu")
    needed = working_memory(lambda: torch.ones(2**24).sum(), device)
    if needed is None:
        pytest.skip("only Linux can forget a process's highest memory use")
    assert needed == pytest.approx(2**26, rel=0.2)  # the system counts pages in batches


def test_peak_is_a_rate(timer, monkeypatch) -> None:
    monkeypatch.setattr("napari_scd.benchmarks.peak._EDGE", {"cpu": 64})
    assert product_peak(timer)() > 1e6


def test_other_networks_answer_a_window() -> None:
    assert fitting_others((48, 48, 48)) == ("SegResNet-16", "DynUNet")
    assert fitting_others((64, 64, 96)) == tuple(OTHER_NETWORKS)
    for name in fitting_others((32, 32, 32)):
        with torch.inference_mode():
            logits = build_other(name, (32, 32, 32), 1, 3)(torch.randn(1, 1, 32, 32, 32))
        assert logits.shape == (1, 3, 32, 32, 32)
