from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from monai.networks.nets import UNETR

from napari_scd.checkpoints import load_reference
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

SMALL: dict[str, Any] = {
    "in_channels": 2,
    "out_channels": 3,
    "img_size": (32, 32, 32),
    "feature_size": 4,
    "hidden_size": 24,
    "mlp_dim": 96,
    "num_heads": 12,
}


def saved(path: Path, **changes: Any) -> UNETR:
    """A MONAI UNETR with random weights, none of them zero, saved as labs do."""
    torch.manual_seed(0)
    network = UNETR(**{**SMALL, **changes}).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
    torch.save({"state_dict": network.state_dict()}, path)
    return network


@pytest.mark.parametrize(
    ("changes", "config"),
    [
        ({}, None),
        ({"qkv_bias": True}, None),
        ({"proj_type": "perceptron"}, None),
        ({"img_size": (32, 48, 16)}, {"img_size": [32, 48, 16]}),
        ({"num_heads": 4}, {"num_heads": 4}),
    ],
    ids=["plain", "qkv bias", "perceptron", "no cube", "heads"],
)
def test_logits_are_monais(tmp_path: Path, changes: dict[str, Any], config: dict[str, Any] | None) -> None:
    theirs = saved(tmp_path / "unetr.pt", **changes)
    ours, sizes = load_reference(tmp_path / "unetr.pt", config)
    window = torch.randn(1, 2, *sizes.roi)
    with torch.no_grad():
        expected, logits = theirs(window), ours(window)
    assert sizes.transformer == "monai" and sizes.n_stages == 0
    assert expected.std() > 0.05 and (expected - logits).abs().max() < 1e-4


def test_a_window_that_is_no_cube_must_be_given(tmp_path: Path) -> None:
    saved(tmp_path / "unetr.pt", img_size=(32, 48, 16))
    with pytest.raises(InputError, match="window is not a cube: give a config with img_size"):
        load_reference(tmp_path / "unetr.pt")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mlp_dim": 48}, "of another shape: encoder.blocks.0.mlp"),
        ({"res_block": False}, "UNETR of a different build"),
    ],
)
def test_other_builds_are_named(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    saved(tmp_path / "unetr.pt", **changes)
    with pytest.raises(InputError, match=said):
        load_reference(tmp_path / "unetr.pt")
