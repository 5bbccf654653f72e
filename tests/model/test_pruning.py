"""Who stays and who leaves, and what the scorer learns from it."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import layer_norm

from napari_scd.model.pruning import (
    Scorer,
    kept_share_loss,
    split_gumbel,
    split_soft_top,
    split_top,
    split_top_through,
    take,
)


def test_split_top_keeps_the_best_in_grid_order() -> None:
    scores = torch.tensor([[0.1, 0.9, 0.3, 0.8], [4.0, 3.0, 2.0, 1.0]])
    split = split_top(scores, 2)
    assert split.kept.tolist() == [[1, 3], [0, 1]]
    assert split.pruned.tolist() == [[0, 2], [2, 3]]
    assert split.kept_factor is None


def test_take_picks_tokens_of_each_sample() -> None:
    tokens = torch.arange(12.0).view(2, 3, 2)
    assert take(tokens, torch.tensor([[2], [0]])).tolist() == [[[4.0, 5.0]], [[6.0, 7.0]]]
    assert take(torch.tensor([[7, 8], [9, 10]]), torch.tensor([[1], [0]])).tolist() == [[8], [9]]


def test_soft_top_changes_no_value_and_disturbs_the_choice() -> None:
    scores = torch.log(torch.linspace(0.1, 0.9, 64)).repeat(50, 1).requires_grad_()
    torch.manual_seed(0)
    split = split_soft_top(scores, 16)
    assert torch.allclose(split.kept_factor, torch.ones(50, 16))
    assert torch.allclose(split.pruned_factor, torch.ones(50, 48))
    both = torch.cat([split.kept, split.pruned], dim=1).sort(dim=1).values
    assert torch.equal(both, torch.arange(64).repeat(50, 1))
    rows = {tuple(row) for row in split.kept.tolist()}
    assert len(rows) > 40, "Gumbel noise draws anew for each sample"
    often = torch.zeros(64).scatter_add_(0, split.kept.flatten(), torch.ones(split.kept.numel()))
    assert often[32:].sum() > 1.5 * often[:32].sum(), "better scores are kept more often"


def test_gradient_is_that_of_the_softmax_on_both_sides() -> None:
    torch.manual_seed(0)
    scores = torch.randn(3, 12).requires_grad_()
    value_kept, value_pruned = torch.randn(3, 5), torch.randn(3, 7)
    split = split_top_through(scores, 5)
    soft = scores.softmax(dim=1)
    for factor, value, expected in (
        (split.kept_factor, value_kept, soft.gather(1, split.kept)),
        (split.pruned_factor, value_pruned, 1 - soft.gather(1, split.pruned)),
    ):
        (came,) = torch.autograd.grad((factor * value).sum(), scores, retain_graph=True)
        (needed,) = torch.autograd.grad((expected * value).sum(), scores, retain_graph=True)
        assert torch.allclose(came, needed, atol=1e-6)
        assert came.norm() > 1e-4


def test_a_factor_before_the_norm_would_teach_nothing() -> None:
    """Why the pruned side is multiplied after its norm: the norm removes any factor in front of it."""
    torch.manual_seed(0)
    scores, tokens, weight = torch.randn(2, 10).requires_grad_(), torch.randn(2, 6, 24), torch.randn(2, 6, 24)
    factor = split_top_through(scores, 4).pruned_factor[..., None]
    before = layer_norm(tokens * factor, (24,), eps=1e-6)
    after = layer_norm(tokens, (24,), eps=1e-6) * factor
    assert torch.allclose(before, after, atol=1e-5)
    (lost,) = torch.autograd.grad((before * weight).sum(), scores, retain_graph=True)
    (real,) = torch.autograd.grad((after * weight).sum(), scores)
    assert real.norm() > 1e-2
    assert lost.norm() < 1e-4 * real.norm()


def test_gumbel_draws_by_each_tokens_own_odds() -> None:
    torch.manual_seed(0)
    sure = torch.tensor([0.99, 0.01]).repeat(20).log().repeat(8, 1).requires_grad_()
    split = split_gumbel(sure, 20)
    assert torch.allclose(split.kept_factor, torch.ones(8, 20))
    assert (split.kept % 2 == 0).float().mean() > 0.9
    (split.kept_factor.sum() - split.pruned_factor.sum()).backward()
    assert sure.grad.isfinite().all()
    assert sure.grad.norm() > 1e-4


def test_ratio_loss_pulls_the_mean_keep_probability_to_the_ratio() -> None:
    half = torch.full((2, 10), 0.5).log()
    half[:, 7:] = torch.nan
    assert kept_share_loss(half, 0.5) == pytest.approx(0.0, abs=1e-9)
    assert kept_share_loss(half, 0.2) == pytest.approx(0.09, abs=1e-6)
    odds = torch.zeros(1, 16, requires_grad=True)
    optimiser = torch.optim.SGD([odds], lr=20.0)
    for _ in range(200):
        optimiser.zero_grad()
        kept_share_loss(torch.nn.functional.logsigmoid(odds), 0.3).backward()
        optimiser.step()
    assert odds.sigmoid().mean().item() == pytest.approx(0.3, abs=0.01)


def test_scores_are_log_probabilities_that_see_the_other_tokens() -> None:
    torch.manual_seed(0)
    scorer, tokens = Scorer(24), torch.randn(2, 9, 24)
    for weight in scorer.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    scores = scorer(tokens)
    assert scores.shape == (2, 9)
    assert scores.dtype == torch.float32
    assert (scores <= 0).all()
    order = torch.randperm(9)
    assert torch.allclose(scorer(tokens[:, order]), scores[:, order], atol=1e-6)
    others = tokens.clone()
    others[:, 1:] += torch.randn(2, 8, 24)
    assert not torch.allclose(scorer(others)[:, 0], scores[:, 0]), "global context is the mean of the living"
