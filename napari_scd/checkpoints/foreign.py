"""Checkpoints of the reference implementation -> our network. Nothing in a stranger's file is ever run."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from napari_scd.errors import InputError
from napari_scd.model import ModelConfig, build_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from napari_scd.model import ScdNetwork

_COMPLETIONS = {"FusionNet": "mta", "FusionNetV2": "mta-plain", "CompletionNet": "mask"}
_DECODERS = {"UNETRx8_decoderv2": "deep8", "UNETRx8_decoder": "shallow8", "UNETR_decoder": "unetr16"}
_REQUIRED = (
    "roi", "patch_size", "in_channels", "num_classes", "embed_dim", "depth", "num_heads", "prune_after_block",
    "prune_ratio", "completion", "completion_dim", "completion_depth", "completion_heads", "decoder",
    "feature_size",
)  # fmt: skip
_IGNORED = re.compile(r"^(encoder\.policy|completion_net\.completion\.pos_embed|completion_net\.pos_embed)$")
_RENAMES = (
    (r"^encoder\.mid_norm_list\.", "encoder.exit_norms."),
    (r"^encoder\.score_predictor_list\.", "encoder.scorers."),
    (r"^completion_net\.pre_linear_list\.", "completion.projections."),
    (r"^completion_net\.completion\.layer_tokens\.", "completion.layer_embeddings."),
    (r"^completion_net\.(?:completion\.)?mask_token$", "completion.mask_token"),
    (r"^completion_net\.(blocks|out_norm|out_linear)\b", r"completion.mixer.\1"),
    (r"^completion_net\.(?:pre_norm|in_norm)\.", "completion.in_norm."),
    (r"^completion_net\.(?:pre_linear|in_linear)\.", "completion.in_linear."),
)


def load_reference(
    path: str | Path, config: ModelConfig | Mapping[str, Any] | None = None
) -> tuple[ScdNetwork, ModelConfig]:
    """Open a checkpoint of the reference implementation.

    Parameters
    ----------
    path : str or Path
        A ``.safetensors`` file (tensors perhaps under ``weights.``, sizes in the metadata entry ``config``),
        or a lab's ``.pth.tar`` / ``.pth`` with a ``state_dict``.
    config : ModelConfig, mapping or None
        Sizes, as our own record or by the reference's names; heads, stages, ratio and window are not in a
        ``.pth.tar``, so it needs one.

    Returns
    -------
    network : ScdNetwork
        In evaluation mode, float32.
    config : ModelConfig

    Raises
    ------
    InputError
        A missing config name, missing, unexpected or misshapen weights (the first five named), a scorer or
        completion we do not have (named), or a pickle that holds more than weights.
    """
    file = Path(path)
    tensors, stored = _read_safetensors(file) if file.suffix == ".safetensors" else (_read_pickle(file), None)
    given = config if config is not None else stored
    if given is None:
        raise InputError(
            f"{file.name} does not say how it was built: give a config with {', '.join(_REQUIRED)}."
        )
    sizes = given if isinstance(given, ModelConfig) else reference_config(given)
    weights = _translated(tensors)
    network = build_network(sizes)
    _check(weights, network.state_dict(), file.name)
    network.load_state_dict(weights)
    return network.eval(), sizes


def reference_config(values: Mapping[str, Any]) -> ModelConfig:
    """Sizes by the reference's names -> our record; raises `InputError` listing every missing name."""
    if values.get("share_pred"):
        raise InputError("A checkpoint with one scorer shared by all stages (share_pred) is not supported.")
    missing = [name for name in _REQUIRED if name not in values]
    if missing:
        raise InputError(f"The config lacks {', '.join(missing)}.")
    for name, table in (("completion", _COMPLETIONS), ("decoder", _DECODERS)):
        if values[name] not in table:
            raise InputError(f"The {name} '{values[name]}' is not supported; known are {', '.join(table)}.")
    try:
        stages = tuple(int(block) for block in values["prune_after_block"])
        ratios = values["prune_ratio"]
        each = tuple(map(float, ratios)) if isinstance(ratios, list | tuple) else (float(ratios),) * len(stages)
        roi = tuple(int(edge) for edge in values["roi"])
        numbers = {name: int(values[name]) for name in _REQUIRED if name in _INTEGERS}
    except (TypeError, ValueError) as error:
        raise InputError(f"The config has an entry that is no number: {error}.") from error
    return ModelConfig(
        roi=roi,  # type: ignore[arg-type]
        patch=numbers["patch_size"],
        in_channels=numbers["in_channels"],
        out_channels=numbers["num_classes"],
        embed_dim=numbers["embed_dim"],
        depth=numbers["depth"],
        heads=numbers["num_heads"],
        prune_after=stages,
        prune_ratio=each,
        completion=_COMPLETIONS[values["completion"]],
        completion_dim=numbers["completion_dim"],
        completion_depth=numbers["completion_depth"],
        completion_heads=numbers["completion_heads"],
        decoder=_DECODERS[values["decoder"]],
        features=numbers["feature_size"],
        min_tokens=1,
        stem="patch",
    )


_INTEGERS = {
    "patch_size", "in_channels", "num_classes", "embed_dim", "depth", "num_heads", "completion_dim",
    "completion_depth", "completion_heads", "feature_size",
}  # fmt: skip


def _read_safetensors(file: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    try:
        with safe_open(file, framework="pt") as reader:
            metadata = reader.metadata() or {}
            names = list(reader.keys())
            prefixed = [name for name in names if name.startswith("weights.")]
            tensors = {name.removeprefix("weights."): reader.get_tensor(name) for name in prefixed or names}
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file} is missing or no safetensors file.") from error
    try:
        return tensors, json.loads(metadata["config"]) if "config" in metadata else None
    except ValueError as error:
        raise InputError(f"{file.name} holds a config that is not valid JSON.") from error


def _read_pickle(file: Path) -> dict[str, Tensor]:
    allowed = [np._core.multiarray.scalar, np.dtype, type(np.dtype(np.float64))]  # type: ignore[attr-defined]
    try:
        with torch.serialization.safe_globals(allowed):
            record = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}.") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise InputError(
            f"{file.name} is no plain weights file (damaged, or it wants to run code): nothing in it was run."
        ) from error
    state = record.get("state_dict", record) if isinstance(record, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise InputError(f"{file.name} holds no 'state_dict' of weights.")
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def _translated(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    foreign = [name for name in tensors if "score_predictor" in name and ".in_mlp." not in name and ".out_mlp." not in name]
    if foreign:
        raise InputError(f"The checkpoint has AttPredictor scorers ('{foreign[0]}'), which are not supported.")
    if any(name.startswith("encoder.score_predictor.") for name in tensors):
        raise InputError("A checkpoint with one scorer shared by all stages (share_pred) is not supported.")
    weights = {}
    for name, tensor in tensors.items():
        if _IGNORED.match(name):
            continue
        ours = name
        for pattern, replacement in _RENAMES:
            ours = re.sub(pattern, replacement, ours)
        weights[ours] = tensor.float()
    return weights


def _check(weights: dict[str, Tensor], expected: dict[str, Tensor], file: str) -> None:
    problems = [f"missing {name}" for name in expected if name not in weights]
    problems += [f"unexpected {name}" for name in weights if name not in expected]
    problems += [
        f"{name} is {tuple(weights[name].shape)} instead of {tuple(value.shape)}"
        for name, value in expected.items()
        if name in weights and weights[name].shape != value.shape
    ]
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise InputError(f"{file} does not fit its config: {'; '.join(problems[:5])}{more}.")
