"""The way back: whatever left wherever, the grid is whole and in order."""

from __future__ import annotations

import math

import pytest
import torch

from napari_scd.model import build_network
from napari_scd.model.assembly import TokenAssembly
from napari_scd.model.embedding import sincos_positions
from napari_scd.model.encoder import Encoded
from napari_scd.model.pruning import TokenGroup


def groups_of(tokens, order, sizes):
    """Split tokens ``(b, n, d)`` into groups at shuffled positions."""
    parts, at = [], 0
    for size in sizes:
        index = order[at : at + size].expand(len(tokens), -1)
        parts.append(TokenGroup(tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[-1])), index))
        at += size
    return tuple(parts)


def bare(config):
    """An assembly that only reorders: no projections, no marks, no positions, no blocks."""
    assembly = TokenAssembly(config)
    for mark in assembly.layer_embeddings:
        torch.nn.init.zeros_(mark)
    assembly.mixer.positions.zero_()
    assembly.mixer.out_norm = torch.nn.Identity()
    return assembly


def test_grid_order_is_restored(small) -> None:
    config = small(completion="mta-plain", completion_dim=24, completion_depth=0)
    torch.manual_seed(0)
    tokens, cls = torch.randn(2, 96, 24), torch.randn(2, 1, 24)
    groups = groups_of(tokens, torch.randperm(96), (40, 0, 31, 25))
    completed = bare(config)(Encoded(groups, cls, (), (), ()))
    assert torch.equal(completed, tokens)


def test_each_group_has_its_own_projection_and_mark(small) -> None:
    config = small(completion_depth=0)
    torch.manual_seed(0)
    assembly = TokenAssembly(config)
    assembly.mixer.out_norm, assembly.mixer.out_linear = torch.nn.Identity(), torch.nn.Identity()
    tokens, cls = torch.randn(1, 96, 24), torch.randn(1, 1, 24)
    groups = groups_of(tokens, torch.randperm(96), (40, 20, 20, 16))
    completed = assembly(Encoded(groups, cls, (), (), ()))
    for index, group in enumerate(groups):
        project, mark = assembly.projections[index], assembly.layer_embeddings[index]
        at = group.positions[0]
        expected = project(group.tokens) + mark + sincos_positions(config.grid, 12)[:, 1:][:, at]
        assert torch.allclose(completed[:, at], expected, atol=1e-6)


def test_mask_token_fills_what_left(small) -> None:
    config = small(completion="mask", completion_depth=0)
    torch.manual_seed(0)
    completion = build_network(config).completion
    completion.mixer.out_norm, completion.mixer.out_linear = torch.nn.Identity(), torch.nn.Identity()
    groups = groups_of(torch.randn(1, 96, 24), torch.randperm(96), (40, 20, 20, 16))
    completed = completion(Encoded(groups, torch.randn(1, 1, 24), (), (), ()))
    without_position = completed - sincos_positions(config.grid, 12)[:, 1:]
    survivors = groups[-1]
    expected = completion.in_linear(completion.in_norm(survivors.tokens))
    assert torch.allclose(without_position[:, survivors.positions[0]], expected, atol=1e-6)
    gone = torch.cat([group.positions[0] for group in groups[:-1]])
    assert torch.allclose(without_position[:, gone], completion.mask_token, atol=1e-6)


def test_cls_takes_part_and_is_dropped(network, image) -> None:
    net = network()
    encoded = net.encoder.rest(net.encoder.prefix(image(net.config)), net.token_counts(0.5)[1:])
    completed = net.completion(encoded)
    assert completed.shape == (2, 96, 24)
    changed = net.completion(encoded._replace(cls=encoded.cls + 1))
    assert not torch.allclose(completed, changed)


def test_zero_completion_is_the_control(network, image) -> None:
    net = network(completion="zero")
    x = image(net.config)
    logits, trace = net(x, 0.5, True)
    assert not trace.completed.any()
    for weight in net.encoder.parameters():
        torch.nn.init.normal_(weight)
    assert torch.equal(net(x, 0.25), logits)


@pytest.mark.parametrize(("grid", "dim"), [((2, 3, 4), 12), ((4, 6, 4), 24), ((1, 1, 5), 6)])
def test_position_table_is_the_formula(grid, dim) -> None:
    table = sincos_positions(grid, dim)
    assert table.shape == (1, 1 + math.prod(grid), dim)
    assert not table[0, 0].any(), "CLS has no place"
    width = dim // 6
    for z, y, x in ((0, 0, 0), (grid[0] - 1, grid[1] - 1, grid[2] - 1), (0, 0, grid[2] - 1)):
        row = table[0, 1 + (z * grid[1] + y) * grid[2] + x]
        for block, place in enumerate((z, z, y, y, x, x)):
            for i in range(width):
                angle = place * 10000 ** (-i / width)
                expected = math.cos(angle) if block % 2 else math.sin(angle)
                assert row[block * width + i].item() == pytest.approx(expected, abs=1e-6)


def test_positions_are_not_stored(small) -> None:
    assert not [name for name in build_network(small()).state_dict() if "positions" in name]
