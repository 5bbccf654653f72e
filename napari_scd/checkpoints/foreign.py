"""Checkpoints of the reference implementation, and of MONAI's UNETR -> our network."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from napari_scd.checkpoints.foreign_config import REQUIRED, reference_config
from napari_scd.checkpoints.monai_unetr import is_monai_unetr, unetr_network
from napari_scd.checkpoints.weights_file import read_weights
from napari_scd.errors import InputError
from napari_scd.model import ModelConfig, build_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from napari_scd.model import ScdNetwork

_REFERENCE_NAMES = (
    (r"^encoder\.exit_norms\.", "encoder.mid_norm_list."),
    (r"^encoder\.scorers\.", "encoder.score_predictor_list."),
    (r"^completion\.projections\.", "completion_net.pre_linear_list."),
    (r"^completion\.layer_embeddings\.", "completion_net.completion.layer_tokens."),
    (r"^completion\.mask_token$", "completion_net.mask_complection.mask_token"),
    (r"^completion\.(?:mixer\.)?", "completion_net."),
)
_SPELLINGS = ((r"^completion_net\.(?:\w+\.)?mask_token$", "completion_net.mask_complection.mask_token"),)
_POSITION_CODE = re.compile(r"^completion_net\.(?:\w+\.)?pos_embed$")
_IGNORED = re.compile(r"^encoder\.(policy|policy_list\.\d+)$")
_SHOWN = 5


def load_reference(
    path: str | Path, config: ModelConfig | Mapping[str, Any] | None = None
) -> tuple[ScdNetwork, ModelConfig]:
    """Open a checkpoint of the reference implementation, or of MONAI's UNETR.

    Parameters
    ----------
    path : str or Path
        A ``.safetensors`` file (tensors perhaps under ``weights.``, sizes in the metadata entry ``config``),
        or a ``.pth.tar`` or ``.pth`` file with a ``state_dict``.
    config : ModelConfig, mapping or None
        Sizes, as our own record or by the reference's names (see
        :func:`napari_scd.checkpoints.foreign_config.reference_config`). Heads, stages, ratio and window are
        not in a ``.pth.tar``, so it needs one; for a UNETR see
        :func:`napari_scd.checkpoints.monai_unetr.unetr_network`.

    Returns
    -------
    network : ScdNetwork
        In evaluation mode, float32. Its axes are those of the reference: x, y, z for its own data pipeline.
    config : ModelConfig

    Raises
    ------
    InputError
        Missing config names (all listed); missing, unexpected or misshaped weights (the first five of each
        named, as the reference names them); a scorer, completion or decoder we do not have (named); a file
        that is damaged or holds more than weights.
    """
    file = Path(os.path.expanduser(path))
    tensors, stored = read_weights(file)
    if is_monai_unetr(tensors):
        return unetr_network(tensors, config, file.name)
    given = config if config is not None else stored
    if given is None:
        raise InputError(
            f"{file.name} does not say how it was built: give a config with {', '.join(REQUIRED)}."
        )
    sizes = given if isinstance(given, ModelConfig) else reference_config(given)
    named = _respelled(tensors)
    _refuse_other_scorers(named, sizes)
    with torch.device("meta"):
        expected = build_network(sizes).state_dict()
    weights = _matched(named, expected, file.name)
    network = build_network(sizes)
    _compare_positions(named, network)
    network.load_state_dict(weights)
    return network.eval(), sizes


def reference_name(name: str) -> str:
    """Name of one of our weights in the reference implementation."""
    for pattern, replacement in _REFERENCE_NAMES:
        changed = re.sub(pattern, replacement, name)
        if changed != name:
            return changed
    return name


def _respelled(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    respelled = {}
    for name, tensor in tensors.items():
        for pattern, replacement in _SPELLINGS:
            name = re.sub(pattern, replacement, name)
        respelled[name] = tensor
    return respelled


def _refuse_other_scorers(named: Mapping[str, Tensor], sizes: ModelConfig) -> None:
    of_scorers = [name for name in named if name.startswith("encoder.score_predictor")]
    for name in of_scorers:
        if ".in_mlp." not in name and ".out_mlp." not in name:
            raise InputError(f"The checkpoint has AttPredictor scorers ('{name}'), which are not supported.")
    stages = {name.split(".")[2] for name in of_scorers}
    if "in_mlp" in stages or (len(stages) == 1 and sizes.n_stages > 1):
        raise InputError("The checkpoint has one scorer for all stages (share_pred), which is not supported.")


def _matched(named: Mapping[str, Tensor], expected: Mapping[str, Tensor], file: str) -> dict[str, Tensor]:
    """Weights under our names; raises an `InputError` that names the first mismatches."""
    theirs = {reference_name(name): name for name in expected}
    missing = [name for name in theirs if name not in named]
    unexpected = [
        name
        for name in named
        if name not in theirs and not _IGNORED.match(name) and not _POSITION_CODE.match(name)
    ]
    misshapen = [
        f"{name} ({_shape(named[name])} instead of {_shape(expected[ours])})"
        for name, ours in theirs.items()
        if name in named and named[name].shape != expected[ours].shape
    ]
    kinds = {"missing": missing, "unexpected": unexpected, "of another shape": misshapen}
    problems = [f"{kind}: {_first(names)}" for kind, names in kinds.items() if names]
    if problems:
        raise InputError(f"{file} does not fit its config ({'; '.join(problems)}): check the config.")
    return {ours: named[name].float() for name, ours in theirs.items()}


def _compare_positions(named: Mapping[str, Tensor], network: ScdNetwork) -> None:
    """Compare stored position codes with computed ones: they tell whether the window's edges are in order."""
    fresh = next((code for name, code in network.named_buffers() if name.endswith(".positions")), None)
    for name, stored in named.items():
        if fresh is None or not _POSITION_CODE.match(name):
            continue
        if stored.shape != fresh.shape or (stored.float() - fresh).abs().max() > 1e-3:
            raise InputError(
                f"The checkpoint's position codes ('{name}') are not those of a window of "
                f"{network.config.roi}: check the edges of roi and their order."
            )


def _first(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"
