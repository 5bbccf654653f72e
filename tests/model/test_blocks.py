"""Our blocks against MONAI's: the same initial weights, the same outputs and gradients, bit for bit."""

from __future__ import annotations

import pytest
import torch
from monai.networks import blocks as monai_blocks
from monai.networks import layers as monai_layers

from napari_scd.model import blocks

KINDS = {"spatial_dims": 3, "kernel_size": 3, "norm_name": "instance", "res_block": True}
PROJECTION = {"num_layer": 2, "stride": 1, "conv_block": True}
UP = {"upsample_kernel_size": 2}


def both(name: str, channels: int, width: int):
    """A block of MONAI and ours, made from the same seed."""
    ends = {"in_channels": channels, "out_channels": width}
    pairs = {
        "basic": (
            lambda: monai_blocks.UnetrBasicBlock(stride=1, **ends, **KINDS),
            lambda: blocks.BasicBlock(channels, width),
        ),
        "up": (
            lambda: monai_blocks.UnetrUpBlock(**ends, **UP, **KINDS),
            lambda: blocks.UpBlock(channels, width),
        ),
        "token up": (
            lambda: monai_blocks.UnetrPrUpBlock(
                num_layer=2, stride=1, conv_block=True, **ends, **UP, **KINDS
            ),
            lambda: blocks.TokenUpBlock(channels, width, 2),
        ),
        "out": (
            lambda: monai_blocks.UnetOutBlock(spatial_dims=3, **ends),
            lambda: blocks.OutBlock(channels, width),
        ),
    }
    made = []
    for make in pairs[name]:
        torch.manual_seed(0)
        made.append(make())
    return made


def inputs(name: str, channels: int, width: int):
    image = torch.randn(2, channels, 6, 8, 4, generator=torch.Generator().manual_seed(1))
    skip = torch.randn(2, width, 12, 16, 8, generator=torch.Generator().manual_seed(2))
    return (image, skip) if name == "up" else (image,)


@pytest.mark.parametrize("sizes", [(5, 7), (4, 4)])
@pytest.mark.parametrize("name", ["basic", "up", "token up", "out"])
def test_blocks_equal_monais(name, sizes) -> None:
    theirs, ours = both(name, *sizes)
    expected, found = theirs.state_dict(), ours.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[key], expected[key]) for key in expected), "the same draws"
    given = inputs(name, *sizes)
    outputs = [block(*given) for block in (theirs, ours)]
    assert torch.equal(*outputs)
    for output in outputs:
        output.square().sum().backward()
    gradients = [[weight.grad for weight in block.parameters()] for block in (theirs, ours)]
    assert all(map(torch.equal, *gradients))


@pytest.mark.parametrize("training", [True, False])
def test_stochastic_depth_draws_as_monais(training) -> None:
    branch = torch.randn(64, 3, 2, generator=torch.Generator().manual_seed(1))
    found = []
    for layer in (monai_layers.DropPath(0.3), blocks.DropPath(0.3)):
        torch.manual_seed(3)
        found.append(layer.train(training)(branch))
    assert torch.equal(*found)
    assert torch.equal(found[0], branch) is not training
