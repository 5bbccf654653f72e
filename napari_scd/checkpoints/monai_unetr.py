"""State dicts of MONAI's UNETR -> our dense network with the same logits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import torch

from napari_scd.errors import InputError
from napari_scd.model import ModelConfig, build_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from napari_scd.model import ScdNetwork

_PATCH = 16
_NAMES = (
    (r"^vit\.patch_embedding\.patch_embeddings\.(?:1\.)?", "encoder.patch_embed.proj."),
    (r"^vit\.patch_embedding\.position_embeddings$", "encoder.pos_embed"),
    (r"^vit\.blocks\.(\d+)\.attn\.out_proj\.", r"encoder.blocks.\1.attn.proj."),
    (r"^vit\.blocks\.(\d+)\.mlp\.linear([12])\.", r"encoder.blocks.\1.mlp.fc\2."),
    (r"^vit\.", "encoder."),
    (r"^(encoder[1-4]|decoder[2-5]|out)\.", r"decoder.\1."),
)
_UNUSED = re.compile(r"^vit\.blocks\.\d+\.(norm_cross_attn|cross_attn)\.")
_HEADS, _DEPTH = 12, 12
_SHOWN = 5


def is_monai_unetr(tensors: Mapping[str, Tensor]) -> bool:
    """Tell whether weights are those of a MONAI UNETR, by their names."""
    return {"vit.patch_embedding.position_embeddings", "out.conv.conv.weight"} <= tensors.keys()


def unetr_network(
    tensors: Mapping[str, Tensor], config: ModelConfig | Mapping[str, Any] | None, file: str
) -> tuple[ScdNetwork, ModelConfig]:
    """Build our dense network from the state dict of a MONAI UNETR.

    Parameters
    ----------
    tensors : mapping
        The state dict.
    config : ModelConfig, mapping or None
        What the weights do not say: ``img_size`` (or ``roi``, three edges in the order of MONAI's axes)
        where the window is not a cube, ``num_heads`` where it is not 12. Not needed for the usual UNETR.
    file : str
        Its name, for messages.

    Returns
    -------
    network : ScdNetwork
        In evaluation mode, float32; windows and axes are those the UNETR was trained with.
    config : ModelConfig

    Raises
    ------
    InputError
        When the window is not known, or the weights are those of a UNETR we cannot build; the first five of
        what does not fit are named.
    """
    named = {_our_name(name): tensor for name, tensor in tensors.items() if not _UNUSED.match(name)}
    sizes = config if isinstance(config, ModelConfig) else _sizes(tensors, config or {}, file)
    network = build_network(sizes)
    expected = network.state_dict()
    for name, tensor in expected.items():
        if name.endswith("attn.qkv.bias"):
            named.setdefault(name, torch.zeros_like(tensor))  # MONAI's queries, keys and values have none
    _reshape_perceptron(named, expected)
    _refuse_others(named, expected, file)
    network.load_state_dict({name: named[name].float() for name in expected})
    return network.eval(), sizes


def _our_name(name: str) -> str:
    for pattern, replacement in _NAMES:
        changed, n = re.subn(pattern, replacement, name)
        if n:
            return changed
    return name


def _sizes(tensors: Mapping[str, Tensor], given: Mapping[str, Any], file: str) -> ModelConfig:
    """Read the sizes off the weights' shapes."""
    _, n_tokens, dim = tensors["vit.patch_embedding.position_embeddings"].shape
    features, in_channels = tensors["encoder1.layer.conv1.conv.weight"].shape[:2]
    window = given.get("roi", given.get("img_size"))
    if window is None:
        edge = round(n_tokens ** (1 / 3))
        if edge**3 != n_tokens:
            raise InputError(
                f"{file} is a UNETR with {n_tokens} tokens, whose window is not a cube: give a config with "
                "img_size (three edges in voxels)."
            )
        window = edge * _PATCH
    edges = (int(window),) * 3 if isinstance(window, int | float) else tuple(int(edge) for edge in window)
    return ModelConfig(
        in_channels=in_channels,
        out_channels=tensors["out.conv.conv.weight"].shape[0],
        roi=edges,  # type: ignore[arg-type]
        patch=_PATCH,
        embed_dim=dim,
        depth=_DEPTH,
        heads=int(given.get("num_heads", _HEADS)),
        prune_after=(),
        prune_ratio=(),
        pruning="none",
        completion="none",
        decoder="unetr16",
        features=features,
        min_tokens=1,
        stem="patch",
        transformer="monai",
    )


def _reshape_perceptron(named: dict[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Turn a linear patch embedding (rows ordered z, y, x, channel) into the convolution it equals."""
    name = "encoder.patch_embed.proj.weight"
    weight, kernel = named.get(name), expected[name]
    if weight is not None and weight.ndim == 2 and weight.numel() == kernel.numel():
        dim, channels, *edges = kernel.shape
        named[name] = weight.reshape(dim, *edges, channels).permute(0, 4, 1, 2, 3).contiguous()


def _refuse_others(named: Mapping[str, Tensor], expected: Mapping[str, Tensor], file: str) -> None:
    misshapen = [name for name in expected if name in named and named[name].shape != expected[name].shape]
    kinds = {
        "missing": [name for name in expected if name not in named],
        "unexpected": [name for name in named if name not in expected],
        "of another shape": misshapen,
    }
    problems = [f"{kind}: {', '.join(names[:_SHOWN])}" for kind, names in kinds.items() if names]
    if problems:
        raise InputError(
            f"{file} is a UNETR of a different build ({'; '.join(problems)}): only instance norm, conv and "
            "res blocks, 12 layers and an MLP of four times the width are supported; check the config."
        )
