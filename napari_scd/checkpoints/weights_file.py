"""An untrusted weights file -> named tensors. Nothing in it is ever run."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from napari_scd.errors import InputError
from napari_scd.plain import from_json

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

_NUMPY_SCALAR = np.float64(0).__reduce__()[0]
# Needed for a validation score saved beside the weights, under its names in numpy 1 and 2; nothing else.
_ALLOWED: list[Any] = [
    (_NUMPY_SCALAR, "numpy.core.multiarray.scalar"),
    (_NUMPY_SCALAR, "numpy._core.multiarray.scalar"),
    np.dtype,
    type(np.dtype(np.float64)),
]


def read_weights(file: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """Read the tensors of a ``.safetensors`` or a pickled PyTorch file.

    Returns
    -------
    tensors : dict
        By name, without the ``weights.`` of recorded files or the ``module.`` of parallel training in front.
    config : dict or None
        The metadata entry ``config`` of a ``.safetensors`` file.

    Raises
    ------
    InputError
        A missing, damaged or foreign file, or a pickle that holds more than weights and plain numbers.
    """
    if not file.exists():
        raise InputError(f"There is no file {file}: give the path of a checkpoint.")
    if file.is_dir():
        raise InputError(f"{file} is a folder: give a checkpoint file.")
    if file.suffix == ".safetensors":
        return _read_safetensors(file)
    return _read_pickle(file), None


def _read_safetensors(file: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    try:
        with safe_open(file, framework="pt") as reader:
            metadata = reader.metadata() or {}
            names = list(reader.keys())
            recorded = [name for name in names if name.startswith("weights.")]
            tensors = {name.removeprefix("weights."): reader.get_tensor(name) for name in recorded or names}
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{file.name} is damaged or not a safetensors file ({error}): get a new copy."
        ) from error
    if "config" not in metadata:
        return tensors, None
    try:
        config = from_json(metadata["config"])
    except ValueError as error:
        raise InputError(f"{file.name} holds a config that is not valid JSON: give one yourself.") from error
    if not isinstance(config, dict):
        raise InputError(f"{file.name} holds a config that is not a mapping: give one yourself.")
    return tensors, config


def _read_pickle(file: Path) -> dict[str, Tensor]:
    try:
        with torch.serialization.safe_globals(_ALLOWED), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the unpickler warns about damaged bytes
            record = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror or error}): check the file.") from error
    except Exception as error:  # untrusted bytes can make the unpickler raise anything
        raise InputError(_refusal(file, str(error))) from error
    state = record.get("state_dict", record) if isinstance(record, dict) else None
    if not isinstance(state, dict) or not state or not all(map(_is_tensor, state.values())):
        raise InputError(
            f"{file.name} has no 'state_dict' of weights: save the model's state_dict() under that name."
        )
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}


def _refusal(file: Path, said: str) -> str:
    wanted = re.search(r"GLOBAL ([\w.]+)", said)
    if wanted:
        return (
            f"{file.name} holds more than weights ('{wanted[1]}'); nothing in it was run: save its "
            "state_dict() alone."
        )
    return f"{file.name} is damaged or not a PyTorch checkpoint; nothing in it was run: get a new copy."


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)
