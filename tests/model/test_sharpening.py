"""Sharpening where labels meet: there it is the dense answer, elsewhere the blocks' own."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from napari_scd.model import NOWHERE, sharpening
from napari_scd.model.crisp_decoder import Neighbourhoods
from napari_scd.model.sharpening import best_class, labels_meet, sampled, sampled_statistics

SHARP = {"patch": 16, "roi": (48, 64, 48), "stem": "shared"}


@pytest.fixture(params=["sharp", "crisp", "half-crisp"])
def coarse_first(network, request):
    net = network(**SHARP, decoder=request.param)
    last = net.decoder.out if request.param == "half-crisp" else net.decoder.sharp_out
    torch.nn.init.normal_(last.weight, std=0.3)
    if request.param != "sharp":
        torch.nn.init.normal_(net.decoder.near_out.weight, std=0.3)
    return net


@pytest.fixture(params=["sharp", "crisp"])
def sharp(network, request):
    net = network(**SHARP, decoder=request.param)
    torch.nn.init.normal_(net.decoder.sharp_out.weight, std=0.3)
    return net


@pytest.fixture
def prefix(coarse_first, image):
    with torch.inference_mode():
        yield coarse_first.prefix(image(coarse_first.config))


def test_where_everything_is_sharpened_the_answer_is_the_dense_one(coarse_first, prefix, monkeypatch) -> None:
    monkeypatch.setattr(
        sharpening, "labels_meet", lambda coarse: torch.ones(coarse.shape[1:], dtype=torch.bool)
    )
    dense, trace = coarse_first.rest(prefix, 0.5, True)
    found, same_trace = coarse_first.sharpen(prefix, 0.5, [None, None])
    torch.testing.assert_close(torch.stack([one.dense() for one in found]), dense, atol=1e-5, rtol=1e-5)
    assert torch.equal(trace.exit_stage, same_trace.exit_stage)


def test_blocks_far_from_other_labels_keep_their_own_answer(coarse_first, prefix) -> None:
    (found, _), _ = coarse_first.sharpen(prefix, 0.5, [None, None])
    dense, logits = coarse_first.rest(prefix, 0.5)[0], found.dense()
    meet = labels_meet(found.coarse)
    assert torch.equal(meet.flatten().nonzero()[:, 0], found.where)
    voxels = meet.repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2)
    torch.testing.assert_close(logits[:, voxels], dense[:, voxels], atol=1e-5, rtol=1e-5)
    repeated = found.coarse.repeat_interleave(2, 1).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(logits[:, ~voxels], repeated[:, ~voxels])
    assert 0 < len(found.where)


def test_nowhere_leaves_the_answer_for_blocks(coarse_first, prefix) -> None:
    found, _ = coarse_first.sharpen(prefix, 0.5, [NOWHERE, None])
    assert not len(found[0].where) and len(found[1].where)
    both, _ = coarse_first.sharpen(prefix, 0.5, [None, None])
    assert torch.equal(found[0].coarse, both[0].coarse)


def test_a_cell_is_sharpened_as_if_the_whole_window_were(coarse_first, prefix, monkeypatch) -> None:
    """With statistics of the whole window, which lines only estimate."""
    whole = coarse_first.sharpen(prefix, 0.5, [None, None])[0][1]
    monkeypatch.setattr("napari_scd.model.pyramid_decoder.sampled", lambda values: values)
    monkeypatch.setattr("napari_scd.model.pyramid_decoder.sampled_statistics", exact_statistics)
    cell = coarse_first.sharpen(prefix, 0.5, [None, ((0, 16, 10), (30, 64, 40))])[0][1]
    z, y, x = torch.unravel_index(whole.where, whole.coarse.shape[1:])
    inside = (z < 15) & (y >= 8) & (x >= 5) & (x < 20)
    assert torch.equal(cell.where, whole.where[inside])
    torch.testing.assert_close(cell.fine, whole.fine[inside], atol=1e-4, rtol=1e-4)


def exact_statistics(block, image):
    def of(values):
        variance, mean = torch.var_mean(values, dim=(0, 2, 3, 4), correction=0)
        return sharpening.Statistics(mean, variance)

    first = block.conv1(image)
    second = block.conv2(block.lrelu(block.norm1(first)))
    return of(first), of(second), of(block.conv3(image))


def test_sampled_statistics_are_near_those_of_the_whole_map(sharp) -> None:
    block = sharp.decoder.sharp.layer
    with torch.inference_mode():
        image = torch.randn(1, 8, 40, 48, 40) + torch.linspace(0, 1, 40)[:, None, None]
        for found, exact in zip(
            sampled_statistics(block, sampled(image)), exact_statistics(block, image), strict=True
        ):
            torch.testing.assert_close(found.variance, exact.variance, rtol=0.1, atol=0)
            assert ((found.mean - exact.mean).abs() < 0.1 * exact.variance.sqrt()).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_voxels_around_a_block_are_those_of_the_image_and_zero_outside_it(dtype) -> None:
    image = torch.arange(1.0, 2 * 4 * 6 * 8 + 1).view(2, 4, 6, 8).to(dtype)
    blocks = torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(4)).T
    around = Neighbourhoods(image).around(blocks).view(2, 3, 4, 2, 4, 4, 4)
    rimmed = torch.nn.functional.pad(image, (1,) * 6)
    for z, y, x in blocks.T.tolist():
        here = tuple(slice(2 * at, 2 * at + 4) for at in (z, y, x))
        assert torch.equal(around[z, y, x], rimmed[:, *here])


def test_lines_lie_evenly_on_a_map() -> None:
    place = torch.arange(24.0 * 16 * 9).view(1, 1, 24, 16, 9)
    lines = sampled(place)
    assert lines.shape == (6, 1, 5, 5, 9)
    corners = [divmod(int(line.min()) // 9, 16) for line in lines]
    assert corners == [(3, 2), (3, 8), (9, 2), (9, 8), (15, 2), (15, 8)]


def test_labels_meet_up_to_two_blocks_away() -> None:
    coarse = torch.zeros(2, 3, 3, 9)
    coarse[1, ..., 6:] = 1
    assert labels_meet(coarse)[1, 1].tolist() == [False] * 4 + [True] * 4 + [False]
    assert not labels_meet(torch.zeros(3, 4, 4, 4)).any()


@pytest.mark.parametrize("n_classes", [2, 3, 32, 33])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_best_class_is_the_first_of_the_largest_logits(n_classes, dtype) -> None:
    rows = torch.randn(9000, n_classes, generator=torch.Generator().manual_seed(0)).to(dtype)
    rows[:100] = rows[:100].round()  # many of one size, above and below zero
    rows = torch.where(rows == 0, 0.0, rows)
    assert torch.equal(best_class(rows).long(), rows.float().argmax(1))


def test_sharpening_does_not_import_pytorchs_compiler() -> None:
    """Importing it takes longer than a window."""
    code = """
import sys, torch
from napari_scd.model import ModelConfig, build_network
size = dict(embed_dim=24, depth=3, heads=2, completion_dim=12, completion_heads=2, features=2, min_tokens=4)
net = build_network(ModelConfig(decoder="sharp", stem="shared", patch=16, roi=(48, 48, 48), out_channels=3,
    prune_after=(0, 1), prune_ratio=(0.5, 0.5), **size)).eval()
with torch.inference_mode():
    (found,), _ = net.sharpen(net.prefix(torch.randn(1, 1, 48, 48, 48)), 0.5, [None])
assert len(found.where)
print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch._dynamo", "sympy"}.isdisjoint(done.stdout.split())
