"""Take over the weights of a network that has fewer input channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_CONV_NDIM = 5


def widened_inputs(offered: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Widen kernels that only lack input channels; new channels start at zero and change nothing at first.

    Parameters
    ----------
    offered : mapping of str to Tensor
        Weights of the trained network.
    wanted : mapping of str to Tensor
        Weights of the network that starts from them.

    Returns
    -------
    dict of str to Tensor
        `offered`, with 3D convolution kernels ``(out, in, z, y, x)`` widened to the `in` that is wanted.
    """
    found = dict(offered)
    for name, weight in offered.items():
        target = wanted.get(name)
        if target is None or weight.ndim != _CONV_NDIM or weight.shape == target.shape:
            continue
        same = weight.shape[0] == target.shape[0] and weight.shape[2:] == target.shape[2:]
        if same and weight.shape[1] < target.shape[1]:
            wide = weight.new_zeros(target.shape)
            wide[:, : weight.shape[1]] = weight
            found[name] = wide
    return found
