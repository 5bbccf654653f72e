"""Prompts as channels, steering, and decoding that is fine where tokens survive."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_scd.errors import InputError
from napari_scd.model import (
    EXCLUDE,
    IMAGE,
    INCLUDE,
    PREVIOUS,
    PROMPT_CHANNELS,
    ModelConfig,
    border_loss,
    build_network,
    draw_points,
    widened_inputs,
)
from napari_scd.model.fine_decoder import cut_blocks
from napari_scd.model.prompt_maps import token_evidence, with_likeness

TINY = ModelConfig(
    in_channels=4,
    out_channels=1,
    roi=(32, 32, 32),
    patch=8,
    embed_dim=24,
    depth=3,
    heads=2,
    prune_after=(0,),
    prune_ratio=(0.75,),
    completion_dim=12,
    completion_heads=2,
    decoder="fine",
    features=4,
    min_tokens=1,
    prompts=True,
)


@pytest.fixture
def tiny():
    """A small promptable network whose refinement is not zero."""

    def build(seed=0, **changes):
        torch.manual_seed(seed)
        net = build_network(replace(TINY, **changes))
        torch.nn.init.normal_(net.decoder.refinement.weight)
        return net.eval()

    return build


@pytest.fixture
def window():
    """Noise with an include click at (4, 4, 4), an exclude click at (28, 28, 28) and a previous mask."""
    drawn = torch.zeros(1, PROMPT_CHANNELS, 32, 32, 32)
    drawn[:, IMAGE] = torch.randn(32, 32, 32, generator=torch.Generator().manual_seed(0))
    drawn[:, PREVIOUS, 2:12, 2:12, 2:12] = 1
    drawn[:, INCLUDE] = draw_points([(4, 4, 4)], (32, 32, 32))
    drawn[:, EXCLUDE] = draw_points([(28, 28, 28)], (32, 32, 32))
    return drawn


def test_balls_are_soft_and_overlap_by_their_maximum() -> None:
    one = draw_points([(5, 5, 5)], (11, 11, 11))
    assert one.dtype == torch.float32
    assert one[5, 5, 5] == 1
    assert one[5, 5, 6] == pytest.approx(2 / 3)
    assert one[5, 5, 8] == 0
    assert one.count_nonzero() == (one > 0).sum() == 93
    both = draw_points([(5, 5, 5), (5, 5, 7)], (11, 11, 11))
    assert torch.equal(both, torch.maximum(one, draw_points([(5, 5, 7)], (11, 11, 11))))
    assert draw_points([(-1, 5, 5)], (11, 11, 11))[0, 5, 5] == pytest.approx(2 / 3)
    assert draw_points([(-9, 5, 5), (99, 0, 0)], (11, 11, 11)).count_nonzero() == 0
    assert draw_points([], (2, 3, 4)).shape == (2, 3, 4)


def test_likeness_is_one_where_the_image_is_as_under_the_click(window) -> None:
    window[:, IMAGE] = 3
    window[:, IMAGE, 16:] = 5
    seen = with_likeness(window)
    assert seen.shape[1] == PROMPT_CHANNELS + 2
    assert torch.equal(seen[:, :4], window)
    assert torch.allclose(seen[:, 4, :16], torch.ones(())), "like the include click"
    assert torch.allclose(seen[:, 5, 16:], torch.ones(())), "like the exclude click"
    assert seen[:, 4, 16:].max() < 0.05
    window[:, INCLUDE] = 0
    assert with_likeness(window)[:, 4].abs().max() == 0, "nobody clicked"


def test_evidence_names_clicks_and_the_border_of_the_previous_mask(window) -> None:
    evidence, clicked = token_evidence(window, 8)
    grid = evidence.reshape(4, 4, 4, 4)
    assert clicked.nonzero()[:, 1].tolist() == [0, 63]
    assert grid[0, 0, 0, 0] == 1
    assert grid[3, 3, 3, 1] == 1
    assert grid[0, 0, 1, 0] > grid[0, 0, 2, 0] > 0
    assert grid[..., 2].sum() == 8, "the mask reaches into two tokens along each axis"
    assert evidence.min() >= 0
    assert evidence.max() <= 1


@pytest.mark.parametrize("keep", [0.05, 0.25, 1.0])
def test_tokens_that_hold_clicks_survive(tiny, window, keep) -> None:
    for seed in range(3):
        net = tiny(seed)
        _, trace = net(window, keep, True)
        assert (trace.exit_stage[0, [0, 63]] == 2).all()
        assert trace.scores.max() <= 0
        assert trace.coarse.shape == (1, 1, 8, 8, 8)


def test_only_blocks_of_survivors_are_refined(tiny, window) -> None:
    net = tiny()
    logits, trace = net(window, 0.25, True)
    with torch.no_grad():
        net.decoder.refinement.weight.zero_()
    rough, _ = net(window, 0.25, True)
    changed = (logits != rough).reshape(4, 8, 4, 8, 4, 8).any(dim=5).any(dim=3).any(dim=1)
    assert torch.equal(changed.flatten(), trace.exit_stage[0] == 2)
    assert changed.sum() == 16


def test_a_blocks_refinement_does_not_depend_on_other_survivors(tiny, window) -> None:
    """`dense` refines every block, and each as if it were alone."""
    net = tiny()
    prefix = net.prefix(window)
    token_map = torch.randn(1, 24, 4, 4, 4)
    dense = net.decoder(prefix.image_features, [token_map])
    every = torch.arange(64)[None]
    assert torch.equal(net.decoder.decode(prefix.image_features, token_map, every).logits, dense)
    for block in (0, 21, 63):
        alone = net.decoder.decode(prefix.image_features, token_map, torch.tensor([[block]])).logits
        z, y, x = (slice(8 * at, 8 * at + 8) for at in (block // 16, block // 4 % 4, block % 4))
        assert torch.allclose(alone[..., z, y, x], dense[..., z, y, x], atol=1e-5)


def test_blocks_are_cut_with_their_surroundings() -> None:
    values = torch.randn(2, 3, 8, 12, 4)
    found = cut_blocks(values, torch.tensor([[0, 5], [4, 2]]), edge=4, halo=1)
    assert found.shape == (4, 3, 6, 6, 6)
    padded = torch.nn.functional.pad(values, (1,) * 6)
    assert torch.equal(found[0], padded[0, :, 0:6, 0:6, 0:6])
    assert torch.equal(found[1], padded[0, :, 4:10, 8:14, 0:6])
    assert torch.equal(found[2], padded[1, :, 4:10, 4:10, 0:6])
    assert torch.equal(found[3], padded[1, :, 0:6, 8:14, 0:6])


def test_some_voxels_are_those_of_all(tiny, window) -> None:
    net = tiny()
    some = (slice(1, None, 2), slice(0, None, 2), slice(1, None, 3))
    assert torch.equal(net(window, 0.5, voxels=some), net(window, 0.5)[(..., *some)])


def test_the_choice_can_be_replaced_and_is_deterministic(tiny, window) -> None:
    net = tiny()
    chosen = {}
    for chooser in ("learned", "random", "distance"):
        net.choose_by(chooser)
        first, again = net(window, 0.25, True), net(window, 0.25, True)
        assert torch.equal(first[0], again[0])
        assert first[1].scores.max() <= 0
        chosen[chooser] = (first[1].exit_stage == 2).flatten()
        assert chosen[chooser].sum() == 16
        dense = net(window, 1.0)
    assert not torch.equal(chosen["learned"], chosen["random"])
    assert not torch.equal(chosen["learned"], chosen["distance"])
    corner = chosen["distance"].reshape(4, 4, 4)
    assert corner[0, 0, 0]
    assert corner[3, 3, 3]
    assert not corner[0, 3, 0]
    net.choose_by("learned")
    assert torch.equal(net(window, 1.0), dense), "a dense answer does not depend on the choice"
    with pytest.raises(InputError, match="not by 'best'"):
        net.choose_by("best")


def test_closed_set_networks_can_be_chosen_for_too(network, image) -> None:
    net = network()
    x = image(net.config)
    learned = net(x, 0.25)
    net.choose_by("random")
    assert not torch.equal(net(x, 0.25), learned)
    net.choose_by("distance")
    _, trace = net(x, (0.25, 1.0, 1.0), True)
    survived = (trace.exit_stage == 4)[0].reshape(net.config.grid)
    assert survived[1:3, 2:4, 1:3].all(), "without clicks, those nearest to the centre"
    net.choose_by("learned")
    assert torch.equal(net(x, 0.25), learned)


@pytest.mark.parametrize(("patch", "coarse_vox"), [(8, 4), (8, 8), (16, 4), (16, 16)])
def test_sizes_of_the_coarse_answer(tiny, window, patch, coarse_vox) -> None:
    net = tiny(patch=patch, coarse_vox=coarse_vox)
    logits, trace = net(window, 0.5, True)
    assert logits.shape == (1, 1, 32, 32, 32)
    assert trace.coarse.shape[2:] == (32 // coarse_vox,) * 3
    assert set(net.state_dict()) == {name for name, weight in net.named_parameters()}


def test_kernels_without_gradients_give_the_same_answer(tiny, window) -> None:
    net = tiny(features=16)
    x = window.expand(2, -1, -1, -1, -1)
    exact = net(x, 0.25).detach()
    with torch.inference_mode():
        assert torch.allclose(net(x, 0.25), exact, atol=1e-4 * float(exact.abs().max()))


def test_prefixes_serve_every_keep_ratio(tiny, window) -> None:
    net = tiny()
    prefix = net.prefix(window)
    for keep in (None, 1.0, 0.25, 0.05):
        assert torch.equal(net.rest(prefix, keep), net(window, keep))


def test_networks_without_prompts_have_no_weights_for_them() -> None:
    with torch.device("meta"):
        names = build_network("house-12").state_dict().keys()
    assert not [name for name in names if "steering" in name or "refinement" in name]


def test_every_weight_learns(tiny, window) -> None:
    net = tiny().train()
    logits, trace = net(window.expand(2, -1, -1, -1, -1), 0.25, True)
    border = torch.zeros(2, 64)
    border[:, :9] = 1
    loss = logits.square().mean() + trace.coarse.square().mean() + border_loss(trace.scores[:, 0], border)
    loss.backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.isfinite().all(), name


def test_border_loss_prefers_high_scores_on_borders_and_skips_settled_tokens() -> None:
    good = torch.tensor([[-0.1, -3.0, -1e-12, torch.nan]], requires_grad=True)
    bad = torch.tensor([[-3.0, -0.1, -1e-12, torch.nan]])
    border = torch.tensor([[1.0, 0.0, 0.0, 1.0]])
    loss = border_loss(good, border)
    assert loss < border_loss(bad, border)
    loss.backward()
    assert good.grad[0, 2:].tolist() == [0, 0]
    assert good.grad[0, 0] < 0 < good.grad[0, 1]


def test_config_round_trip_and_refusals(tiny) -> None:
    config = tiny().config
    assert ModelConfig.from_dict(config.to_dict()) == config
    assert not ModelConfig.from_dict({"patch": 8}).prompts, "files of older versions"
    for changes in ({"decoder": "half"}, {"in_channels": 1}, {"prompts": "yes"}, {"prompts": 3}):
        with pytest.raises(InputError, match="prompts"):
            replace(config, **changes)


def test_a_narrower_network_starts_a_wider_one_unchanged() -> None:
    old, new = torch.nn.Conv3d(1, 2, 3), torch.nn.Conv3d(4, 2, 3)
    wide = widened_inputs(old.state_dict(), new.state_dict())
    new.load_state_dict(wide)
    x = torch.randn(1, 4, 5, 5, 5)
    assert torch.allclose(new(x), old(x[:, :1]), atol=1e-6)
    assert torch.equal(widened_inputs({"a": torch.ones(3)}, {"a": torch.ones(4)})["a"], torch.ones(3))


def test_the_preset_is_small() -> None:
    net = build_network("any")
    n_weights = sum(weight.numel() for weight in net.parameters())
    assert n_weights <= 8_000_000
    assert 2 * n_weights <= 16 * 2**20
    assert net.token_counts(0.25) == (512, 128)
