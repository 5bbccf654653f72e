"""The whole network: keep ratios, prefix and rest, trace, dense baselines."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_scd.errors import InputError
from napari_scd.model import Prefix, build_network

COMPLETIONS = {
    "mta": {},
    "mta-plain": {"completion_dim": 24},
    "mask": {},
    "zero": {},
}
LEARNED, UNLEARNED = ("stp", "topk", "gumbel"), ("random", "attention")
DENSE = {"prune_after": (), "prune_ratio": (), "pruning": "none"}
DECODERS = {
    "deep8": {"patch": 8, "roi": (32, 48, 32), "depth": 10},
    "shallow8": {"patch": 8, "roi": (16, 24, 16), "depth": 10},
    "unetr16": {"patch": 16, "roi": (32, 32, 32), "depth": 10},
    "unetr4": {"patch": 4, "roi": (16, 24, 16), "depth": 10},
    "half": {"patch": 4, "roi": (8, 16, 8), "depth": 10},
}


def test_keep_one_equals_the_unpruned_network_bit_for_bit(network, small, image) -> None:
    pruned = network()
    unpruned = build_network(small(**DENSE)).eval()
    weights = {
        name.replace("projections.3", "projections.0").replace("embeddings.3", "embeddings.0"): value
        for name, value in pruned.state_dict().items()
        if not any(part in name for part in ("scorers", "exit_norms", "projections.0", "embeddings.0"))
    }
    unpruned.load_state_dict({name: weights[name] for name in unpruned.state_dict()})
    x = image(pruned.config)
    assert torch.equal(pruned(x, 1.0), unpruned(x))
    assert torch.equal(pruned(x, 1), unpruned(x))
    logits, trace = pruned(x, 1.0, True)
    assert torch.equal(logits, unpruned(x)), "looking changes nothing"
    assert (trace.exit_stage == 4).all()
    assert torch.equal(pruned.train()(x, 1.0), unpruned(x))


@pytest.mark.parametrize("pruning", ["attention", "gumbel", "topk", "stp", "none"])
@pytest.mark.parametrize("stem", ["patch", "conv", "shared"])
def test_prefix_and_rest_equal_the_whole(network, image, pruning, stem) -> None:
    sizes = DENSE if pruning == "none" else {"pruning": pruning}
    net = network(stem=stem, **sizes)
    x = image(net.config, batch=3)
    prefix = net.prefix(x)
    for keep in (None, 1.0, 0.5, 0.1) if pruning != "none" else (None,):
        whole = net(x, keep)
        assert torch.equal(net.rest(prefix, keep), whole)
        one = Prefix(*(part[1:2] for part in prefix))
        assert torch.allclose(net.rest(one, keep), whole[1:2], atol=1e-5), "windows do not see each other"


def test_the_configs_own_ratios_hold_when_none_are_given(network, image) -> None:
    net = network(prune_ratio=(0.5, 0.4, 0.3))
    x = image(net.config)
    assert torch.equal(net(x), net(x, (0.5, 0.6, 0.7)))
    assert torch.equal(net(x, [0.5, 0.6, 0.7]), net(x))
    assert not torch.equal(net(x), net(x, 0.5))
    assert torch.equal(net(x, np.float32(0.5)), net(x, 0.5))


def test_counts_follow_the_ratios(network) -> None:
    net = network()
    assert net.token_counts(0.5) == (96, 48, 24, 12)
    assert net.token_counts((0.9, 0.5, 0.1)) == (96, 86, 43, 4)
    assert net.token_counts(1.0) == (96, 96, 96, 96)
    assert build_network_counts("paper-btcv") == (1728, 172, 17, 1)
    assert build_network_counts("paper-brats") == (4096, 1024, 256, 64)


def build_network_counts(preset):
    with torch.device("meta"):
        return build_network(preset).token_counts()


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (0.0, "A keep ratio is a number from 0.05 to 1, not"),
        (1.5, "A keep ratio is a number from 0.05 to 1, not"),
        (float("nan"), "A keep ratio is a number from 0.05 to 1, not"),
        ((0.5, 0.5), "2 keep ratios for 3 pruning stages"),
        ((0.5, 0.5, 0.0), "A keep ratio is a number from 0.05 to 1, not"),
        ("half", "A keep ratio is a number from 0.05 to 1, not 'half'"),
        (object(), "A keep ratio is a number"),
    ],
)
def test_keep_ratios_that_make_no_sense_are_refused(network, keep, message) -> None:
    with pytest.raises(InputError, match=message):
        network().token_counts(keep)


def test_windows_of_another_size_are_refused(network) -> None:
    net = network()
    for shape in ((1, 1, 16, 16, 24), (1, 2, 16, 24, 16), (1, 16, 24, 16)):
        with pytest.raises(InputError, match=r"takes windows of shape \(batch, 1, 16, 24, 16\)"):
            net(torch.zeros(shape))


def test_trace(network, image) -> None:
    net = network()
    logits, trace = net(image(net.config), 0.5, True)
    assert torch.equal(logits, net(image(net.config), 0.5))
    assert trace.exit_stage.dtype == torch.int64
    assert trace.exit_stage.shape == (2, 96)
    assert trace.scores.shape == (2, 3, 96)
    assert trace.scores.dtype == torch.float32
    assert trace.completed.shape == (2, 96, 24)
    assert set(trace.exit_stage.unique().tolist()) == {1, 2, 3, 4}
    rated = trace.scores.isfinite()
    for stage in range(3):
        assert torch.equal(rated[:, stage], trace.exit_stage > stage)
    assert (trace.scores[rated] <= 0).all()
    _, dense = net(image(net.config), 1.0, True)
    assert dense.scores.isfinite().all(), "asked at keep 1, every stage still rates"


def test_nothing_is_stored_on_the_module(network, image) -> None:
    net = network()
    before = {name: set(vars(module)) for name, module in net.named_modules()}
    net(image(net.config), 0.5, True)
    assert {name: set(vars(module)) for name, module in net.named_modules()} == before


def test_scores_are_not_computed_when_nobody_asks(network, image) -> None:
    net = network()
    for scorer in net.encoder.scorers:
        scorer.forward = None
    net(image(net.config), 1.0)


PARTS = [(pruning, completion, "half") for pruning in LEARNED + UNLEARNED for completion in COMPLETIONS]
PARTS += [("stp", "mta", decoder) for decoder in DECODERS if decoder != "half"]


@pytest.mark.parametrize(("pruning", "completion", "decoder"), PARTS)
def test_every_combination_runs_forward_and_backward(network, image, pruning, completion, decoder) -> None:
    sizes = {**DECODERS[decoder], **COMPLETIONS[completion], "depth": 3}
    net = network(pruning=pruning, completion=completion, decoder=decoder, **sizes).train()
    x = image(net.config)
    logits, trace = net(x, 0.5, True)
    assert logits.shape == (2, 3, *net.config.roi)
    logits.square().mean().backward()
    idle = ("scorers", "exit_norms") if completion != "zero" else ("encoder",)
    for name, weight in net.named_parameters():
        if not any(part in name for part in idle):
            assert weight.grad is not None, name
            assert weight.grad.isfinite().all(), name
    learns = pruning in LEARNED and completion != "zero"
    for scorer in net.encoder.scorers:
        assert (scorer.out_mlp[4].weight.grad is not None) == learns
    assert trace.exit_stage.max() == 4


@pytest.mark.parametrize("decoder", DECODERS)
def test_dense_baselines_read_the_layers_of_unetr(network, image, decoder) -> None:
    net = network(decoder=decoder, completion="none", **DECODERS[decoder], **DENSE).train()
    x = image(net.config)
    logits = net(x)
    assert logits.shape == (2, 3, *net.config.roi)
    assert net.completion is None
    assert net.token_counts() == (net.config.n_tokens,)
    logits.square().mean().backward()
    assert all(w.grad is not None for w in net.parameters())


def test_dense_skips_are_block_outputs_and_the_bottleneck_is_normed(network, image) -> None:
    net = network(decoder="deep8", completion="none", **DECODERS["deep8"], **DENSE)
    x, seen = image(net.config), []
    for block in net.encoder.blocks:
        block.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    handed = {}
    net.decoder.register_forward_pre_hook(lambda _module, inputs: handed.update(maps=inputs[1]))
    net(x)
    expected = [seen[3], seen[6], seen[9], net.encoder.norm(seen[9])]
    for token_map, tokens in zip(handed["maps"], expected, strict=True):
        assert torch.equal(token_map.flatten(2).transpose(1, 2), tokens[:, 1:])


def test_scd_hands_the_completed_map_to_every_branch(network, image) -> None:
    net = network(decoder="deep8", **{**DECODERS["deep8"], "depth": 3})
    handed = {}
    net.decoder.register_forward_pre_hook(lambda _module, inputs: handed.update(maps=inputs[1]))
    _, trace = net(image(net.config), 0.5, True)
    assert len(handed["maps"]) == 4
    for token_map in handed["maps"]:
        assert torch.equal(token_map.flatten(2).transpose(1, 2), trace.completed)


@pytest.mark.parametrize("stem", ["conv", "shared"])
def test_bfloat16_stays_close(network, image, stem) -> None:
    net = network(stem=stem)
    x = image(net.config)
    exact, trace = net(x, 1.0, True)
    with torch.autocast("cpu", torch.bfloat16):
        rough, seen = net(x, 1.0, True)
    assert seen.scores.dtype == torch.float32
    assert (rough.float() - exact).abs().max() < 0.1 * exact.abs().max()
    assert torch.equal(seen.exit_stage, trace.exit_stage)


def test_without_tokens_the_decoder_sees_zeros_and_the_network_stays_as_it_was(network, image) -> None:
    net = network()
    x = image(net.config)
    before = net(x)
    blind = net.without_tokens()
    _, trace = blind(x, None, True)
    assert not trace.completed.any() and not torch.equal(blind(x), before)
    assert torch.equal(net(x), before)
    assert blind.config is net.config and not blind.training
    assert next(blind.parameters()) is next(net.parameters())
    with pytest.raises(InputError, match="no token completion"):
        network(decoder="half", completion="none", **DENSE).without_tokens()
