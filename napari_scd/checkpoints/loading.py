"""Checkpoint file <-> network, recipe, labels, provenance; never runs code from a file."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_safetensors

from napari_scd.checkpoints.card import FORMAT, Provenance, read_card
from napari_scd.checkpoints.header import read_header
from napari_scd.checkpoints.zoo import WEIGHTS, find, listed_sha256
from napari_scd.errors import InputError
from napari_scd.model import ModelConfig, ScdNetwork, build_network
from napari_scd.volume import atomic_path

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from torch import Tensor

    from napari_scd.checkpoints.header import Header
    from napari_scd.volume import LabelTable, Recipe

MAX_PARAMETERS = 2_000_000_000
MAX_WINDOW_BYTES = 2**35
HALF_MAX = 60_000.0


class Checkpoint(NamedTuple):
    """A model ready for use: ``Session(*load(name))``."""

    network: ScdNetwork
    recipe: Recipe
    labels: LabelTable
    provenance: Provenance


def load(name_or_path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> Checkpoint:
    """Load a model by name or from a file.

    Names, shapes and sizes of the header are compared with the network before weights are read; shipped files
    are compared with their listed checksum. Half-precision weights come back as float32.

    Raises
    ------
    InputError
        If there is no such model, or the file is damaged, not a model, or does not fit its configuration.
    """
    path = find(name_or_path)
    card = read_card(path, shipped=path.parent == WEIGHTS)
    header = read_header(path)
    checksum = _checked_sha256(path)
    try:
        config = ModelConfig.from_dict(card.config)
    except InputError as error:
        raise InputError(f"{path.name} cannot be used: {error}") from error
    _check_size(config, header, path.name)
    with torch.device("meta"):  # weights without memory: the file's own take their places
        network = build_network(config)
    _check_tensors(network, header, path.name)
    network.load_state_dict(_read_tensors(path, network), assign=True)
    name = card.provenance.name or card.name
    provenance = replace(card.provenance, name=name, sha256=checksum, path=str(path))
    return Checkpoint(network.eval().to(device), card.recipe, card.labels, provenance)


def save(
    path: str | os.PathLike[str],
    network: ScdNetwork,
    recipe: Recipe,
    labels: LabelTable,
    provenance: Provenance,
    half: bool = True,
) -> None:
    """Write one checkpoint file, whole or not at all.

    Parameters
    ----------
    half : bool
        Store weights as float16; tensors with values beyond float16 stay float32.

    Raises
    ------
    InputError
        If the file cannot be written or a weight is not finite.
    """
    tensors = {}
    for name, tensor in network.state_dict().items():
        tensor = tensor.detach().cpu().contiguous()
        if tensor.is_floating_point():
            if not tensor.isfinite().all():
                raise InputError(f"Weight '{name}' is not finite: do not save a network that has diverged.")
            small = half and (tensor.numel() == 0 or float(tensor.abs().max()) < HALF_MAX)
            tensor = tensor.to(torch.float16 if small else torch.float32)
        tensors[name] = tensor.clone()
    metadata = {
        "format": FORMAT,
        "config": json.dumps(network.config.to_dict()),
        "recipe": json.dumps(recipe.to_dict()),
        "labels": json.dumps(labels.to_list()),
        "provenance": json.dumps(provenance.to_dict()),
    }
    content = to_safetensors(tensors, metadata)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _checked_sha256(path: Path) -> str:
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    listed = listed_sha256(path)
    if listed is not None and listed != checksum:
        raise InputError(
            f"{path.name} has changed since it was shipped (its checksum differs): reinstall napari-scd."
        )
    return checksum


def _check_size(config: ModelConfig, header: Header, file_name: str) -> None:
    """Reject a configuration whose blocks alone exceed the file or any sensible size, before building it."""
    blocks = 12 * config.depth * config.embed_dim**2
    positions = config.n_tokens * config.embed_dim
    if config.completion != "none":
        blocks += 12 * config.completion_depth * config.completion_dim**2
    needed = blocks + positions
    largest = max(needed, header.n_parameters)
    if largest > MAX_PARAMETERS:
        raise InputError(
            f"{file_name} describes a network of {largest / 1e9:.1f} billion parameters, more than "
            f"the {MAX_PARAMETERS / 1e9:.0f} billion this program builds: use a smaller one."
        )
    window_bytes = 4 * math.prod(config.roi) * max(config.features, config.in_channels, config.out_channels)
    if window_bytes > MAX_WINDOW_BYTES:
        raise InputError(
            f"{file_name} describes windows that take {window_bytes / 2**30:.0f} GiB each, more than the "
            f"{MAX_WINDOW_BYTES / 2**30:.0f} this program computes: use a smaller one."
        )
    if needed > header.n_parameters:
        raise InputError(
            f"{file_name} is damaged: its configuration needs at least {needed} weights, it holds "
            f"{header.n_parameters}."
        )


def _check_tensors(network: ScdNetwork, header: Header, file_name: str) -> None:
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: entry.shape for name, entry in header.tensors.items()}
    for problem, names in (
        ("lacks the weight", expected.keys() - found.keys()),
        ("has the unknown weight", found.keys() - expected.keys()),
        ("has another shape of the weight", {n for n in expected if n in found and expected[n] != found[n]}),
    ):
        if names:
            more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            raise InputError(
                f"{file_name} does not fit its own configuration: it {problem} '{min(names)}'{more}."
            )


def _read_tensors(path: Path, network: ScdNetwork) -> dict[str, Tensor]:
    wanted = {name: tensor.dtype for name, tensor in network.state_dict().items()}
    try:
        with safe_open(path, framework="pt") as file:
            # copies are aligned in memory, which kernels need: otherwise the last bit may differ
            tensors = {name: file.get_tensor(name).to(dtype, copy=True) for name, dtype in wanted.items()}
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path.name} cannot be read ({error}): get a new copy.") from error
    broken = [name for name, tensor in tensors.items() if not tensor.isfinite().all()]
    if broken:
        raise InputError(f"{path.name} is damaged: weight '{broken[0]}' holds values that are not finite.")
    return tensors
