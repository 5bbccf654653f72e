"""Tokens leave in stages, nobody is lost, and the prefix is all that precedes the first stage."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

PRUNED = ("random", "attention", "gumbel", "topk", "stp")


def positions(encoded):
    return [group.positions for group in encoded.groups]


@pytest.mark.parametrize("pruning", PRUNED)
@pytest.mark.parametrize("training", [False, True])
def test_groups_are_disjoint_and_cover_the_grid(network, image, pruning, training) -> None:
    net = network(pruning=pruning).train(training)
    encoder, x = net.encoder, image(net.config)
    encoded = encoder.rest(encoder.prefix(x), (48, 28, 19))
    everyone = torch.cat(positions(encoded), dim=1).sort(dim=1).values
    assert torch.equal(everyone, torch.arange(96).expand(2, 96))
    assert [group.tokens.shape[1] for group in encoded.groups] == [48, 20, 9, 19]
    assert [p.shape[1] for p in positions(encoded)] == [48, 20, 9, 19]
    assert encoded.cls.shape == (2, 1, 24)


def test_masks_are_nested_over_stages(network, image) -> None:
    net = network()
    _, trace = net(image(net.config), 0.5, True)
    scored = [set(row.isfinite().nonzero()[:, 0].tolist()) for row in trace.scores[0]]
    for before, after in pairwise(scored):
        assert after < before, "whoever is rated at a stage was alive at the one before"
    for stage in (1, 2, 3):
        left = set((trace.exit_stage[0] == stage).nonzero()[:, 0].tolist())
        alive_after = set((trace.exit_stage[0] > stage).nonzero()[:, 0].tolist())
        assert left | alive_after == scored[stage - 1]


def test_the_lowest_scores_leave(network, image) -> None:
    net = network()
    _, trace = net(image(net.config), (0.5, 0.3, 0.8), True)
    for scores, exits in zip(trace.scores, trace.exit_stage, strict=True):
        for stage in range(3):
            left, stayed = scores[stage][exits == stage + 1], scores[stage][exits > stage + 1]
            assert left.max() <= stayed.min()


def test_keep_ratios_agree_at_the_first_stage_only_by_inclusion(network, image) -> None:
    """The same scores, another cut: fewer tokens kept at stage 1 are a subset."""
    net = network()
    x = image(net.config)
    kept = [net(x, (ratio, 1, 1), True)[1].exit_stage > 1 for ratio in (0.25, 0.5, 0.75)]
    assert (kept[1] | ~kept[0]).all()
    assert (kept[2] | ~kept[1]).all()


def test_min_tokens_is_a_floor(network, image) -> None:
    net = network(min_tokens=30)
    assert net.token_counts(0.5) == (96, 48, 30, 30)
    _, trace = net(image(net.config), 0.5, True)
    assert (trace.exit_stage == 4).sum(dim=1).tolist() == [30, 30]
    assert (trace.exit_stage == 3).sum() == 0


def test_stages_may_follow_any_blocks(network, image) -> None:
    for after, ratio in (((3,), (0.5,)), ((0, 3), (0.2, 0.7)), ((0, 1, 2, 3), (0.1,) * 4)):
        net = network(prune_after=after, prune_ratio=ratio)
        _, trace = net(image(net.config), None, True)
        assert net.encoder.prefix_depth == after[0] + 1
        counts = net.token_counts()
        for stage, (before, now) in enumerate(pairwise(counts), start=1):
            assert ((trace.exit_stage == stage).sum(dim=1) == before - now).all()


def test_the_prefix_stops_before_the_first_stage(network, image) -> None:
    net = network(prune_after=(2, 3), prune_ratio=(0.5, 0.5))
    x = image(net.config)
    for block in net.encoder.blocks[3:]:
        block.forward = None
    for scorer in net.encoder.scorers:
        scorer.forward = None
    assert net.prefix(x).tokens.shape == (2, 97, 24)


def test_attention_pruning_keeps_what_cls_attends_to(network, image) -> None:
    net = network(pruning="attention", prune_after=(1,), prune_ratio=(0.5,))
    assert net.encoder.prefix_depth == 1, "the rating is made inside the block of the stage"
    x = image(net.config)
    _, trace = net(x, None, True)
    tokens = net.encoder.prefix(x)
    block = net.encoder.blocks[1]
    query, key, _ = block.attn._heads(block.norm1(tokens))
    weights = (query @ key.transpose(-2, -1) / 12**0.5).softmax(dim=-1).mean(dim=1)[:, 0, 1:]
    best = weights.topk(48, dim=1).indices.sort(dim=1).values
    kept = [(row == 2).nonzero()[:, 0] for row in trace.exit_stage]
    assert torch.equal(torch.stack(kept), best)


def test_random_pruning_draws_anew(network, image) -> None:
    net = network(pruning="random")
    x = image(net.config)
    torch.manual_seed(0)
    first = net(x, 0.5, True)[1].exit_stage
    again = net(x, 0.5, True)[1].exit_stage
    torch.manual_seed(0)
    assert torch.equal(net(x, 0.5, True)[1].exit_stage, first)
    assert not torch.equal(first, again)
    assert not list(net.encoder.scorers)


def test_gumbel_noise_is_for_training_only(network, image) -> None:
    net = network()
    x = image(net.config)
    assert torch.equal(net(x, 0.5), net(x, 0.5))
    net.train()
    first, second = (net(x, 0.5, True)[1].exit_stage for _ in range(2))
    assert not torch.equal(first, second)
    topk = network(pruning="topk").train()
    first, second = (topk(x, 0.5, True)[1].exit_stage for _ in range(2))
    assert torch.equal(first, second), "the baseline without perturbation"


@pytest.mark.parametrize("stage", [0, 1, 2])
@pytest.mark.parametrize("pruning", ["stp", "topk", "gumbel"])
def test_the_scorer_learns_from_both_sides(network, image, stage, pruning) -> None:
    net = network(pruning=pruning, patch=8, roi=(16, 24, 16), depth=4).train()
    encoded = net.encoder.rest(net.encoder.prefix(image(net.config)), net.token_counts(0.6)[1:])
    weights = list(net.encoder.scorers[stage].parameters())
    torch.manual_seed(2)
    for side in (encoded.groups[stage].tokens, encoded.groups[-1].tokens):
        loss = (side * torch.randn_like(side)).sum()
        gradient = torch.autograd.grad(loss, weights, retain_graph=True)
        norm = sum(float(part.detach().norm()) ** 2 for part in gradient) ** 0.5
        scale = sum(float(weight.detach().norm()) ** 2 for weight in weights) ** 0.5
        assert norm > 1e-4
        assert norm > 1e-4 * scale


def test_training_changes_no_forward_value(network, image) -> None:
    """The straight-through factors are 1: with the noise off, training and evaluation agree."""
    net = network(pruning="topk")
    x = image(net.config)
    evaluated = net(x, 0.5)
    assert torch.allclose(net.train()(x, 0.5), evaluated, atol=1e-5)


def test_drop_path_grows_to_the_last_block(network) -> None:
    net = network(drop_path=0.3)
    rates = [getattr(block.drop_path, "rate", 0.0) for block in net.encoder.blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3])
