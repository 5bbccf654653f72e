"""Every decoder: shapes, branches, and what reaches the logits."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch

from napari_scd.model.decoder_specs import DECODERS

SIZES = {
    "deep8": {"patch": 8, "roi": (32, 48, 32)},
    "shallow8": {"patch": 8, "roi": (24, 32, 24)},
    "unetr16": {"patch": 16, "roi": (32, 32, 48)},
    "unetr4": {"patch": 4, "roi": (16, 24, 16)},
    "half": {"patch": 8, "roi": (24, 32, 24)},
    "half-crisp": {"patch": 8, "roi": (24, 32, 24)},
    "pyramid": {"patch": 8, "roi": (24, 32, 24)},
    "sharp": {"patch": 8, "roi": (24, 32, 24)},
    "crisp": {"patch": 8, "roi": (24, 32, 24)},
}
BRANCHES = {
    "deep8": {2: (8, 1 / 2), 3: (16, 1 / 4), 4: (32, 1 / 8)},
    "shallow8": {2: (8, 1 / 2), 3: (16, 1 / 4)},
    "unetr16": {2: (8, 1 / 2), 3: (16, 1 / 4), 4: (32, 1 / 8)},
    "unetr4": {2: (8, 1 / 2), 3: (16, 1 / 4)},
}


def built(config):
    return config.decoder_spec.build(config.decoder_sizes)


def maps(config, count, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(1, config.embed_dim, *config.grid, generator=generator) for _ in range(count)]


def test_every_entry_of_the_table_has_a_class() -> None:
    assert {*SIZES, "fine"} == {*DECODERS}
    for spec in DECODERS.values():
        file, name = spec.home.split(".")
        assert getattr(import_module(f"napari_scd.model.{file}"), name).__name__ == name


@pytest.mark.parametrize("name", SIZES)
def test_logits_have_the_windows_size(small, image, name) -> None:
    config = small(decoder=name, **SIZES[name])
    decoder = built(config)
    features = decoder.encode_image(image(config, batch=1))
    assert decoder(features, maps(config, decoder.n_maps)).shape == (1, 3, *config.roi)


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_have_the_tables_channels_and_sizes(small, name) -> None:
    config = small(decoder=name, **SIZES[name])
    decoder = built(config)
    assert decoder.n_maps == len(BRANCHES[name]) + 1
    for level, (channels, scale) in BRANCHES[name].items():
        skip = getattr(decoder, f"encoder{level}")(maps(config, 1)[0])
        assert skip.shape[1:] == (channels, *(int(edge * scale) for edge in config.roi))


@pytest.mark.parametrize("name", SIZES)
def test_every_map_and_the_image_reach_the_logits(small, image, name) -> None:
    config = small(decoder=name, **SIZES[name])
    torch.manual_seed(0)
    decoder = built(config).eval()
    x, tokens = image(config, batch=1), maps(config, decoder.n_maps)
    logits = decoder(decoder.encode_image(x), tokens)
    assert not torch.allclose(decoder(decoder.encode_image(x + x**2), tokens), logits, atol=1e-4)
    for index in range(decoder.n_maps):
        others = list(tokens)
        others[index] = maps(config, 1, seed=9)[0]
        assert not torch.allclose(decoder(decoder.encode_image(x), others), logits, atol=1e-4)


def test_instance_norms_have_no_weights(small) -> None:
    for name in SIZES:
        decoder = built(small(decoder=name, **SIZES[name]))
        assert not [key for key in decoder.state_dict() if "norm" in key]


def test_a_sharp_network_starts_as_the_pyramid_of_the_halved_image(network) -> None:
    pyramid = network(decoder="pyramid", patch=8, roi=(24, 32, 24), stem="shared")
    sharp = network(decoder="sharp", patch=16, roi=(48, 64, 48), stem="shared")
    missing = sharp.load_state_dict(pyramid.state_dict(), strict=False)
    assert not missing.unexpected_keys
    assert all(key.startswith("decoder.sharp") for key in missing.missing_keys)
    x = torch.randn(1, 1, 24, 32, 24, generator=torch.Generator().manual_seed(0))
    doubled = [torch.nn.functional.interpolate(part, scale_factor=2) for part in (x, pyramid(x, 0.5))]
    torch.testing.assert_close(sharp(doubled[0], 0.5), doubled[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("plain", "crisp"), [("sharp", "crisp"), ("half", "half-crisp")])
def test_a_crisp_network_starts_as_the_one_without_a_hidden_layer(network, image, plain, crisp) -> None:
    nets = [network(decoder=name, patch=16, roi=(48, 64, 48), stem="shared") for name in (plain, crisp)]
    if plain == "sharp":
        torch.nn.init.normal_(nets[0].decoder.sharp_out.weight, std=0.3)
    missing = nets[1].load_state_dict(nets[0].state_dict(), strict=False)
    assert not missing.unexpected_keys
    assert all(key.startswith("decoder.near") for key in missing.missing_keys)
    x = image(nets[0].config)
    torch.testing.assert_close(nets[1](x, 0.5), nets[0](x, 0.5))


@pytest.mark.parametrize("voxels", [(slice(1, None, 2), slice(0, None, 2), slice(1, None, 2)),
                                    (slice(2, None, 3), slice(0, None, 3), slice(1, None, 3))])  # fmt: skip
@pytest.mark.parametrize("name", SIZES)
def test_logits_of_some_voxels_are_those_of_all(small, image, name, voxels) -> None:
    config = small(decoder=name, **SIZES[name])
    decoder = built(config)
    features, tokens = decoder.encode_image(image(config, batch=1)), maps(config, decoder.n_maps)
    some, every = decoder(features, tokens, voxels), decoder(features, tokens)
    torch.testing.assert_close(some, every[(..., *voxels)], atol=1e-5, rtol=1e-5)
