"""What makes each way of choosing tokens itself."""

from __future__ import annotations

import pytest
import torch

from napari_scd.model import build_network
from napari_scd.model.pruning import Scorer, kept_share_loss


def test_a_fresh_scorer_tells_tokens_apart() -> None:
    """Scores spread enough to matter beside Gumbel noise, whose spread is 1.28."""
    torch.manual_seed(0)
    scores = Scorer(96)(torch.randn(4, 512, 96))
    assert 0.1 < scores.std().item() < 2.0


@pytest.mark.parametrize("pruning", ["stp", "topk", "gumbel"])
def test_a_fresh_network_teaches_its_scorers_from_both_sides(small, image, pruning) -> None:
    torch.manual_seed(0)
    net = build_network(small(pruning=pruning, embed_dim=48)).train()
    encoded = net.encoder.rest(net.encoder.prefix(image(net.config)), net.token_counts(0.6)[1:])
    for stage, scorer in enumerate(net.encoder.scorers):
        weights = list(scorer.parameters())
        for side in (encoded.groups[stage].tokens, encoded.groups[-1].tokens):
            came = torch.autograd.grad((side * torch.randn_like(side)).sum(), weights, retain_graph=True)
            assert sum(float(part.norm()) ** 2 for part in came) ** 0.5 > 1e-4


def test_random_keeps_every_token_equally_often(small, image) -> None:
    torch.manual_seed(0)
    net = build_network(small(pruning="random", prune_after=(0,), prune_ratio=(0.75,), depth=1)).eval()
    tokens = net.encoder.prefix(image(net.config, batch=2))
    draws, n = 200, net.config.n_tokens
    kept = torch.zeros(n)
    with torch.inference_mode():
        for _ in range(draws):
            for row in net.encoder.rest(tokens, (n // 4,)).groups[-1].positions:
                kept[row] += 1
    expected, spread = 2 * draws * 0.25, (2 * draws * 0.25 * 0.75) ** 0.5
    assert kept.sum() == 2 * draws * (n // 4)
    assert (kept - expected).abs().max() < 5 * spread


@pytest.mark.parametrize("ratio", [0.2, 0.7])
def test_gumbels_ratio_loss_drives_the_kept_share(small, image, ratio) -> None:
    """After some steps on the ratio loss alone, the tokens' own draws keep the share that was asked for."""
    torch.manual_seed(0)
    net = build_network(small(pruning="gumbel", prune_after=(0,), prune_ratio=(1 - ratio,), depth=1)).train()
    x = image(net.config)
    optimiser = torch.optim.AdamW(net.encoder.scorers.parameters(), lr=3e-3)
    for _ in range(60):
        loss = kept_share_loss(net(x, ratio, True)[1].scores[:, 0], ratio)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    probabilities = net(x, ratio, True)[1].scores[:, 0].exp()
    assert probabilities.mean().item() == pytest.approx(ratio, abs=0.05)
    drawn = torch.rand(100, *probabilities.shape) < probabilities
    assert drawn.float().mean().item() == pytest.approx(ratio, abs=0.06)
