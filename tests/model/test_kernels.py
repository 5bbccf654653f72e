"""Kernels that are chosen here give what PyTorch's own give, and step aside where they must."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from napari_scd.model import attention, build_network, narrowed, plain_kernels
from napari_scd.model.attention import attend
from napari_scd.model.kernels import QuickConv3d, QuickConvTranspose3d, QuickInstanceNorm3d, QuickLinear

SIZES = {
    "deep8": {"patch": 8, "roi": (32, 32, 32), "stem": "patch"},
    "unetr16": {"patch": 16, "roi": (32, 32, 48), "stem": "patch"},
    "half": {"patch": 8, "roi": (24, 32, 24), "stem": "conv"},
    "half-crisp": {"patch": 8, "roi": (24, 32, 24), "stem": "shared"},
    "pyramid": {"patch": 8, "roi": (24, 32, 24), "stem": "shared"},
    "sharp": {"patch": 16, "roi": (48, 64, 48), "stem": "shared"},
    "crisp": {"patch": 16, "roi": (48, 64, 48), "stem": "shared"},
}


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("decoder", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_networks_answer_as_with_plain_layers(network, image, decoder, channels, autocast) -> None:
    net = network(decoder=decoder, in_channels=channels, embed_dim=48, heads=2, **SIZES[decoder])
    x = image(net.config)
    context = torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext()
    keep = 1.0 if autocast else 0.5  # rounding may change which of two tokens leaves
    with torch.inference_mode(), context:
        ours = net(x, keep)
        with plain_kernels():
            plain = net(x, keep)
    assert (ours - plain).abs().mean() <= (0.02 if autocast else 1e-6) * plain.abs().max()


@pytest.mark.parametrize("edge", [4, 40])  # below and above the size at which PyTorch turns to oneDNN itself
@pytest.mark.parametrize(
    ("plain", "quick", "sizes"),
    [
        (nn.Conv3d, QuickConv3d, {"kernel_size": 3, "padding": 1}),
        (nn.Conv3d, QuickConv3d, {"in_channels": 1, "kernel_size": 2, "stride": 2}),
        (nn.Conv3d, QuickConv3d, {"kernel_size": 1, "bias": False}),
        (nn.Conv3d, QuickConv3d, {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}),
        (nn.ConvTranspose3d, QuickConvTranspose3d, {"kernel_size": 2, "stride": 2}),
        (
            nn.ConvTranspose3d,
            QuickConvTranspose3d,
            {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1},
        ),
        (nn.InstanceNorm3d, QuickInstanceNorm3d, {"num_features": 4}),
        (nn.InstanceNorm3d, QuickInstanceNorm3d, {"num_features": 4, "affine": True}),
    ],
)
def test_layers_answer_alike_with_and_without_gradients(plain, quick, sizes, edge) -> None:
    given = sizes if "num_features" in sizes else {"in_channels": 4, "out_channels": 6, **sizes}
    layer, ours = plain(**given), quick(**given)
    ours.load_state_dict(layer.state_dict())
    x = torch.randn(
        2, given.get("in_channels", 4), edge, edge, edge, generator=torch.Generator().manual_seed(0)
    )
    expected = layer(x).detach()
    torch.testing.assert_close(ours(x).detach(), expected, rtol=0, atol=0)
    with torch.inference_mode():
        for one in (x[:1], x, x.contiguous(memory_format=torch.channels_last_3d)):
            torch.testing.assert_close(ours(one), expected[: len(one)], rtol=1e-4, atol=1e-5)


def test_token_maps_are_doubled_as_by_pytorch() -> None:
    tokens = torch.randn(2, 1 + 6**3, 24, generator=torch.Generator().manual_seed(0))
    token_map = tokens[:, 1:].transpose(1, 2).reshape(2, 24, 6, 6, 6)
    layer = QuickConvTranspose3d(24, 16, kernel_size=2, stride=2)
    with torch.inference_mode():
        torch.testing.assert_close(
            layer(token_map), nn.ConvTranspose3d.forward(layer, token_map), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("n", [10, 900])  # below and above the size from which oneDNN multiplies
def test_linear_layers_answer_alike_with_and_without_gradients(n) -> None:
    layer = QuickLinear(96, 240)
    tokens = torch.randn(2, n, 96, generator=torch.Generator().manual_seed(0))
    expected = nn.Linear.forward(layer, tokens)
    assert torch.equal(layer(tokens), expected)
    with torch.inference_mode():
        torch.testing.assert_close(layer(tokens), expected.detach(), rtol=1e-4, atol=1e-5)
        narrow = narrowed(layer, torch.bfloat16)
        half = tokens.bfloat16()
        assert torch.equal(narrow(half), nn.Linear.forward(narrow, half))


@pytest.mark.parametrize(
    ("batch", "heads", "n", "width"), [(1, 3, 1100, 32), (2, 2, 401, 24), (1, 12, 300, 64)]
)
def test_attention_head_by_head_is_attention_of_all_heads_at_once(
    batch, heads, n, width, monkeypatch
) -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, batch, heads, n, width, generator=generator).bfloat16()
    with torch.inference_mode():
        monkeypatch.setattr(attention, "_ALL_BYTES", 2**40)
        at_once = attend(q, k, v)
        monkeypatch.setattr(attention, "_ALL_BYTES", 0)
        assert torch.equal(attend(q, k, v), at_once)


@pytest.mark.parametrize(("n", "width"), [(300, 16), (1201, 24)])
def test_attention_in_strips(n, width) -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = torch.randn(3, 2, 4, n, width, generator=generator)
    exact = scaled_dot_product_attention(q, k, v)
    halves = [part.bfloat16() for part in (q, k, v)]
    fused = scaled_dot_product_attention(*halves).float()
    with torch.inference_mode():
        strips = attend(*halves).float()
        torch.testing.assert_close(attend(q, k, v), exact)
    assert (strips - exact).abs().mean() <= 1.5 * (fused - exact).abs().mean()


def test_attention_with_gradients_is_pytorchs_own() -> None:
    q, k, v = torch.randn(3, 1, 2, 300, 8).bfloat16()
    q.requires_grad_()
    attend(q, k, v).sum().backward()
    assert q.grad is not None


@pytest.mark.parametrize("decoder", SIZES)
def test_every_convolution_and_norm_of_a_network_chooses_its_kernel(small, decoder) -> None:
    net = build_network(small(decoder=decoder, **SIZES[decoder]))
    kinds = {type(layer) for layer in net.modules()}
    assert {nn.Conv3d, nn.ConvTranspose3d, nn.InstanceNorm3d}.isdisjoint(kinds)
    assert {QuickConv3d, QuickConvTranspose3d, QuickInstanceNorm3d} <= kinds
    assert all(weight.is_contiguous() for weight in net.state_dict().values())


@pytest.mark.parametrize("decoder", SIZES)
def test_weights_rounded_once_give_the_same_bits(network, image, decoder) -> None:
    net = network(decoder=decoder, embed_dim=48, heads=2, **SIZES[decoder])
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    narrow = narrowed(net, torch.bfloat16)
    x = image(net.config)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(net(x, 0.5), narrow(x, 0.5))
    assert {weight.dtype for weight in narrow.parameters()} == {torch.float32, torch.bfloat16}
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())
