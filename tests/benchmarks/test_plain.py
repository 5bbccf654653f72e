from __future__ import annotations

import pytest
import torch
from torch import nn

from napari_scd.benchmarks import plain_copy
from napari_scd.model import build_network


@pytest.mark.parametrize("keep", [None, 1.0, 0.25])
def test_the_plain_copy_gives_the_same_logits_with_the_same_weights(tiny, keep) -> None:
    torch.manual_seed(0)
    network = build_network(tiny).eval()
    plain = plain_copy(network)
    image = torch.randn(2, 1, *tiny.roi)
    with torch.inference_mode():
        assert torch.allclose(plain(image, keep), network(image, keep), atol=1e-5)
    ours, theirs = dict(network.named_parameters()), dict(plain.named_parameters())
    assert ours.keys() == theirs.keys()
    assert all(theirs[key] is weight for key, weight in ours.items())


def test_only_the_copy_keeps_channels_first(tiny) -> None:
    network = build_network(tiny).eval()
    seen = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d):
            layer.register_forward_hook(lambda layer, came, went: seen.append(went))
    for kind, first in ((plain_copy(network), True), (network, False)):
        seen.clear()
        with torch.inference_mode():
            kind(torch.randn(1, 1, *tiny.roi))
        wide = [went for went in seen if went.shape[1] > 1 and went[0, 0].numel() > 1]
        assert wide
        assert all(went.is_contiguous() is first for went in wide)
