"""What a config promises, and what it refuses to be."""

from __future__ import annotations

import json

import pytest

from napari_scd.errors import InputError
from napari_scd.model import PRESETS, ModelConfig, build_network


def test_a_config_survives_json(small) -> None:
    config = small(drop_path=0.1, pruning="topk")
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_grid_and_default_keep(small) -> None:
    config = small(roi=(16, 24, 32), prune_ratio=(0.9, 0.75, 0.3))
    assert config.grid == (4, 6, 8)
    assert config.n_tokens == 192
    assert config.n_stages == 3
    assert config.default_keep == (0.1, 0.25, 0.7)


@pytest.mark.parametrize(
    ("name", "channels", "outputs", "edge", "ratio"),
    [("paper-btcv", 1, 14, 96, 0.90), ("paper-brats", 4, 3, 128, 0.75)],
)
def test_paper_presets_have_the_papers_sizes(name, channels, outputs, edge, ratio) -> None:
    config, dense = PRESETS[name], PRESETS[f"{name}-dense"]
    for one in (config, dense):
        assert (one.in_channels, one.out_channels, one.roi) == (channels, outputs, (edge,) * 3)
        assert (one.patch, one.embed_dim, one.depth, one.heads) == (8, 768, 12, 12)
        assert (one.decoder, one.features, one.stem, one.min_tokens) == ("deep8", 16, "patch", 1)
    assert (config.prune_after, config.prune_ratio, config.pruning) == ((2, 5, 8), (ratio,) * 3, "stp")
    assert config.completion == "mta"
    assert (config.completion_dim, config.completion_depth, config.completion_heads) == (768, 1, 12)
    assert (dense.prune_after, dense.pruning, dense.completion) == ((), "none", "none")


def test_house_presets_are_small() -> None:
    for name in ("house-12", "house-12-half", "house-8", "house-4"):
        network = build_network(name)
        n_weights = sum(value.numel() for value in network.state_dict().values())
        assert n_weights <= 8e6
        assert network.config.min_tokens == 8


REFUSED = {
    "window (16, 24, 18) must have three edges that are multiples of the patch 4": {"roi": (16, 24, 18)},
    "must hold 2 to 65536 tokens, not 1": {"roi": (4, 4, 4)},
    "must hold 2 to 65536 tokens, not 262144": {"roi": (256, 256, 256)},
    "embed_dim 24 must be a multiple of its 5 heads": {"heads": 5},
    "embed_dim 30 must be a multiple of 4": {"embed_dim": 30, "heads": 3},
    "embed_dim must be a whole number from 8 to 4096, not 24.0": {"embed_dim": 24.0},
    "depth must be a whole number from 1 to 64, not True": {"depth": True},
    "out_channels must be a whole number from 1 to 1024, not 0": {"out_channels": 0},
    "prune_after (1, 0, 2) must ascend within the 4 blocks": {"prune_after": (1, 0, 2)},
    "prune_after (1, 2, 4) must ascend within the 4 blocks": {"prune_after": (1, 2, 4)},
    "prune_after must list whole numbers, not [0, 1, 2]": {"prune_after": [0, 1, 2]},
    "prune_ratio (0.5, 0.5) must give one share in [0, 1) for each stage": {"prune_ratio": (0.5, 0.5)},
    "prune_ratio (0.5, 0.5, 1.0) must give": {"prune_ratio": (0.5, 0.5, 1.0)},
    "prune_ratio (0.5, 0.5, nan) must give": {"prune_ratio": (0.5, 0.5, float("nan"))},
    "prune_ratio must list numbers, not ('a', 0.5, 0.5)": {"prune_ratio": ("a", 0.5, 0.5)},
    "drop_path must lie in [0, 1), not 1": {"drop_path": 1},
    "pruning 'magic' must be one of none, random, attention, gumbel, topk, stp": {"pruning": "magic"},
    "completion 'magic' must be one of": {"completion": "magic"},
    "decoder 'magic' must be one of": {"decoder": "magic"},
    "stem None must be one of": {"stem": None},
    "pruning 'none' and an empty prune_after go together": {"pruning": "none"},
    "completion 'none' needs an empty prune_after": {"completion": "none"},
    "completion_dim 16 must be a multiple of 6 and of 2 heads": {"completion_dim": 16},
    "completion_dim 12 must be a multiple of 6 and of 5 heads": {"completion_heads": 5},
    "completion 'mta-plain' needs completion_dim 12 to be embed_dim 24": {"completion": "mta-plain"},
    "decoder 'deep8' does not fit patch 4": {"decoder": "deep8"},
    "decoder 'half' does not fit patch 2": {"patch": 2},
    "decoder 'unetr4' needs 4, 6, 8 or more tokens along each axis, not (4, 6, 5)": {
        "decoder": "unetr4",
        "roi": (16, 24, 20),
    },
    "decoder 'deep8' needs 4, 6, 8 or more tokens along each axis, not (2, 4, 4)": {
        "decoder": "deep8",
        "patch": 8,
        "roi": (16, 32, 32),
    },
    "stem 'shared' needs one of the decoders half, half-crisp, pyramid, sharp, crisp, fine": {
        "stem": "shared",
        "decoder": "unetr4",
    },
    "decoder 'unetr4' without completion reads blocks (4, 8), but depth is 8": {
        "decoder": "unetr4",
        "depth": 8,
        "prune_after": (),
        "prune_ratio": (),
        "pruning": "none",
        "completion": "none",
    },
}


@pytest.mark.parametrize("message", list(REFUSED))
def test_refusals_say_what_is_wrong(small, message) -> None:
    with pytest.raises(InputError) as caught:
        small(**REFUSED[message])
    assert str(caught.value).startswith("This network configuration cannot be built: ")
    assert message in str(caught.value)


def test_strangers_entries_are_refused(small) -> None:
    with pytest.raises(InputError, match="unknown entry 'blocks'"):
        ModelConfig.from_dict({**small().to_dict(), "blocks": 3})
    with pytest.raises(InputError, match="three edges"):
        ModelConfig.from_dict({**small().to_dict(), "roi": [16, 24]})
    with pytest.raises(InputError, match="roi must list whole numbers, not 'abc'"):
        ModelConfig.from_dict({**small().to_dict(), "roi": "abc"})


def test_an_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="no preset 'paper'; choose one of paper-btcv"):
        build_network("paper")
