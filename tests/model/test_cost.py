"""Multiply-accumulates: the formula against a counted run, and against the paper."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from napari_scd.model import PRESETS, build_network
from napari_scd.model.cost import block_macs

PAPER_G = {"paper-btcv": 146.627, "paper-brats": 439.42}
CONVOLUTION_G = {"paper-btcv": 71.034, "paper-brats": 175.657}


def counted(run) -> int:
    """Count on tensors without data: on the CPU the counter overlooks fused attention."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        run()
    return counter.get_total_flops() // 2


DECODERS = {
    "deep8": {"patch": 8, "roi": (32, 48, 64)},
    "shallow8": {"patch": 8, "roi": (24, 40, 16)},
    "unetr16": {"patch": 16, "roi": (32, 48, 16)},
    "unetr4": {"patch": 4, "roi": (16, 24, 32)},
    "half": {"patch": 16, "roi": (32, 48, 16)},
    "half-crisp": {"patch": 16, "roi": (32, 48, 16)},
    "pyramid": {"patch": 16, "roi": (32, 48, 16)},
    "sharp": {"patch": 16, "roi": (32, 48, 16)},
    "crisp": {"patch": 16, "roi": (32, 48, 16)},
}


@pytest.mark.parametrize(
    ("decoder", "stem", "features"),
    [
        *((name, "patch", 4) for name in DECODERS),
        ("half", "conv", 5),
        ("half", "shared", 4),
        ("pyramid", "shared", 4),
        ("sharp", "shared", 4),
        ("crisp", "shared", 4),
        ("half-crisp", "shared", 2),
    ],
)
def test_every_decoder_and_stem_is_counted(network, image, decoder, stem, features) -> None:
    sizes = {**DECODERS[decoder], "decoder": decoder, "stem": stem, "features": features}
    net = network(**sizes, in_channels=2, embed_dim=72).to("meta")
    x = image(net.config, batch=1).to("meta")
    with torch.no_grad():
        parts, prefix = net.macs(), net.prefix(x)
    maps = [torch.empty(1, 72, *net.config.grid, device="meta")] * net.decoder.n_maps
    encoding = counted(lambda: net.decoder.encode_image(x))
    assert parts.decoder == encoding + counted(lambda: net.decoder(prefix.image_features, maps))
    assert parts.total == counted(lambda: net(x))


@pytest.mark.parametrize("keep", [1.0, 0.5, (0.7, 0.3, 0.9)])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stem": "conv"},
        {"stem": "shared"},
        {"stem": "shared", "decoder": "pyramid", "patch": 8},
        {"pruning": "topk", "decoder": "unetr4", "completion": "mask"},
        {"pruning": "random", "completion": "mta-plain", "completion_dim": 24},
        {"completion": "zero"},
        {"completion_depth": 3, "min_tokens": 20},
    ],
)
def test_the_formula_equals_a_counted_run(network, image, changes, keep) -> None:
    net = network(**changes).to("meta")
    x = image(net.config, batch=1).to("meta")
    parts = net.macs(keep)
    assert parts.total == counted(lambda: net(x, keep))
    prefix = net.prefix(x)
    encoded = net.encoder.rest(prefix.tokens, net.token_counts(keep)[1:])
    assert parts.assembly == counted(lambda: net.completion(encoded))
    assert parts.encoder + parts.decoder + parts.assembly == parts.total


@pytest.mark.parametrize("keep", [1.0, 0.25, 0.05])
@pytest.mark.parametrize("coarse_vox", [4, 8])
def test_promptable_networks_are_counted(coarse_vox, keep) -> None:
    with torch.device("meta"):
        net = build_network(replace(PRESETS["any"], coarse_vox=coarse_vox)).to("meta").eval()
        x = torch.empty(1, 4, 64, 64, 64)
    assert net.macs(keep).total == counted(lambda: net(x, keep))


def test_a_dense_network_has_no_assembly(network, image) -> None:
    sizes = {"prune_after": (), "prune_ratio": (), "pruning": "none", "completion": "none"}
    net = network(**sizes).to("meta")
    assert net.macs().assembly == 0
    assert net.macs().total == counted(lambda: net(image(net.config, batch=1).to("meta")))


def test_encoder_saving_saturates_as_the_paper_says() -> None:
    """Blocks before the first stage always see all tokens; stem and scorers take a little of it back."""
    config = PRESETS["paper-btcv"]
    with torch.device("meta"):
        net = build_network(config)

    def blocks(keep) -> int:
        counts = net.token_counts(keep)
        stages = [sum(index > after for after in config.prune_after) for index in range(config.depth)]
        return sum(block_macs(counts[stage] + 1, config.embed_dim) for stage in stages)

    keeps = (0.75, 0.5, 0.25, 0.1)
    saved = [1 - blocks(keep) / blocks(1.0) for keep in keeps]
    assert saved == pytest.approx([0.36, 0.57, 0.69, 0.73], abs=0.006)
    dense = net.macs(1.0).encoder
    for keep, share in zip(keeps, saved, strict=True):
        assert share - 0.025 < 1 - net.macs(keep).encoder / dense < share


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_counted_without_memory(preset) -> None:
    with torch.device("meta"):
        net = build_network(preset).eval().to("meta")
        x = torch.empty(1, net.config.in_channels, *net.config.roi)
    assert net.macs().total == counted(lambda: net(x))


@pytest.mark.parametrize("preset", PAPER_G)
def test_paper_presets_cost_what_the_paper_says(preset) -> None:
    """Linear and attention products as counted by us, convolutions as `torchprofile` counts them.

    It multiplies output voxels, input channels and kernel also for transposed convolutions, eight times
    what a 2x2x2 one of stride 2 computes; our own count does not.
    """
    with torch.device("meta"):
        net = build_network(preset).eval().to("meta")
        x = torch.empty(1, net.config.in_channels, *net.config.roi)
    theirs, true = 0, 0

    def add(module, inputs, output) -> None:
        nonlocal theirs, true
        taps = math.prod(module.kernel_size)
        once = output.numel() * module.in_channels
        theirs += once * taps
        true += once * (1 if isinstance(module, nn.ConvTranspose3d) else taps)

    for module in net.modules():
        if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
            module.register_forward_hook(add)
    with torch.no_grad():
        net(x)
    assert theirs / 1e9 == pytest.approx(CONVOLUTION_G[preset], abs=0.001)
    total = net.macs().total - true + theirs
    assert total / 1e9 == pytest.approx(PAPER_G[preset], rel=0.003)


def test_torchprofile_agrees_by_operator() -> None:
    """`paper-btcv` run for real, about ten seconds."""
    torchprofile = pytest.importorskip(
        "torchprofile", reason="counts the paper's MACs: pip install torchprofile"
    )
    net = build_network("paper-btcv").eval()
    with torch.no_grad():
        counts = torchprofile.profile_macs(net, torch.zeros(1, 1, 96, 96, 96), reduction=None)
    by_operator: dict[str, float] = {}
    for node, macs in counts.items():
        by_operator[node.operator] = by_operator.get(node.operator, 0) + macs / 1e9
    assert by_operator["aten::_convolution"] == pytest.approx(71.034, abs=0.001)
    assert by_operator["aten::linear"] == pytest.approx(56.926, abs=0.001)
    attention = sum(
        by_operator.get(f"aten::{name}", 0) for name in ("scaled_dot_product_attention", "matmul")
    )
    assert attention == pytest.approx(18.507, abs=0.001)
    assert sum(by_operator.values()) == pytest.approx(PAPER_G["paper-btcv"], rel=0.003)
