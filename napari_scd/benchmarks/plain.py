"""The same network with nothing done for speed: what our own kernels are measured against."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from torch import nn

from napari_scd.model.attention import Attention

if TYPE_CHECKING:
    from torch import Tensor

    from napari_scd.model import ScdNetwork

_LAYERS = (nn.Conv3d, nn.ConvTranspose3d, nn.InstanceNorm3d)


def plain_copy(network: ScdNetwork) -> ScdNetwork:
    """Copy a network onto PyTorch's own layers, layout and eager attention: shared weights, equal outputs."""
    shared = {id(weight): weight for weight in network.parameters()}
    plain = copy.deepcopy(network, shared)
    plain.lays_out = False
    for layer in plain.modules():
        if isinstance(layer, Attention):
            layer.__class__ = _EagerAttention
        else:
            layer.__class__ = next((kind for kind in _LAYERS if isinstance(layer, kind)), type(layer))
    return plain


class _EagerAttention(Attention):
    """Attention that writes down every weight of every token for every other."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Mix tokens: ``(b, n, d) -> (b, n, d)``."""
        query, key, value = self._heads(tokens)
        weights = (query * query.shape[-1] ** -0.5 @ key.transpose(-2, -1)).softmax(dim=-1)
        merged: Tensor = self.proj((weights @ value).transpose(1, 2).flatten(2))
        return merged
