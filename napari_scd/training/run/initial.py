"""Starts from a trained model: every weight that fits is copied, the rest stays random."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn.functional import interpolate

from napari_scd.errors import InputError
from napari_scd.model import widened_inputs
from napari_scd.training.notices import StartsFrom

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model import ModelConfig, ScdNetwork

_POSITIONS = "encoder.pos_embed"


class Initial(NamedTuple):
    """A trained network: its name, its weights and its sizes."""

    name: str
    weights: dict[str, Tensor]
    config: ModelConfig


def start_from(network: ScdNetwork, initial: Initial) -> StartsFrom:
    """Copy the weights that fit by name and shape, and return the names of those that do not.

    Position embeddings of a window of another size are interpolated. A layer that reads the image and has
    more input channels now keeps its weights for the first ones; those for the new channels start at zero.

    Raises
    ------
    InputError
        Less than half of the network's weights fit.
    """
    wanted = network.state_dict()
    offered = dict(initial.weights)
    if _POSITIONS in offered and _POSITIONS in wanted and initial.config.grid != network.config.grid:
        offered[_POSITIONS] = _positions_on(offered[_POSITIONS], initial.config, network.config)
    wide = widened_inputs(offered, wanted)
    widened = any(wide[key].shape != offered[key].shape for key in offered)
    offered = wide
    fitting = {
        key: offered[key] for key in wanted if key in offered and offered[key].shape == wanted[key].shape
    }
    taken, total = (sum(w.numel() for w in weights.values()) for weights in (fitting, wanted))
    if 2 * taken < total:
        raise InputError(
            f"Only {taken} of the network's {total} weights can start from '{initial.name}', whose network "
            "has other sizes: leave 'model:' out of the training file to use its sizes."
        )
    network.load_state_dict({**wanted, **fitting})
    fresh = sorted({key.rsplit(".", 1)[0] for key in wanted.keys() - fitting.keys()})
    return StartsFrom(initial.name, taken / total, tuple(fresh), widened)


def _positions_on(embedding: Tensor, old: ModelConfig, new: ModelConfig) -> Tensor:
    """Position embedding ``(1, 1 + n, d)`` of one token grid -> of another; CLS first."""
    cls, grid = embedding[:, :1], embedding[:, 1:]
    on_grid = grid.transpose(1, 2).reshape(1, -1, *old.grid).float()
    resized = interpolate(on_grid, size=new.grid, mode="trilinear", align_corners=False)
    return torch.cat([cls.float(), resized.flatten(2).transpose(1, 2)], dim=1)
