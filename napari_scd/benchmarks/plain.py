"""The same network without any optimisation: the baseline for our own kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.nn.attention import SDPBackend, sdpa_kernel

from napari_scd.model import Prefix, ScdNetwork, plain_kernels

if TYPE_CHECKING:
    from torch import Tensor


class PlainNetwork(ScdNetwork):
    """A network on PyTorch's own kernels and layout, whose attention stores every weight."""

    def prefix(self, image: Tensor) -> Prefix:
        """As `ScdNetwork.prefix`."""
        with plain_kernels(), sdpa_kernel(SDPBackend.MATH):
            return super().prefix(image)

    def rest(self, *arguments: Any, **named: Any) -> Any:
        """As `ScdNetwork.rest`."""
        with plain_kernels(), sdpa_kernel(SDPBackend.MATH):
            return super().rest(*arguments, **named)


def plain_copy(network: ScdNetwork) -> PlainNetwork:
    """Make a plain network of the same parts: shared weights, equal outputs."""
    plain = PlainNetwork(network.config, network.encoder, network.completion, network.decoder)
    plain.steering, plain.chooser = network.steering, network.chooser
    return plain.train(network.training)
