"""Multiply-accumulates of any network or training step, counted while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import (
    FlopCounterMode,
    conv_flop_count,
    sdpa_backward_flop_count,
    sdpa_flop_count,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Shape = tuple[int, ...]


def counted_macs(call: Callable[[], object]) -> int:
    """Run once under PyTorch's own counter: convolutions, linear layers and attention products.

    As in `ScdNetwork.macs`, a transposed convolution counts what it computes.
    """
    with FlopCounterMode(display=False, custom_mapping=_ON_CPU) as counter:
        call()
    return int(counter.get_total_flops()) // 2


def _attention(query: Shape, key: Shape, value: Shape, *rest: object, **named: object) -> int:
    return int(sdpa_flop_count(query, key, value))  # type: ignore[no-untyped-call]


def _attention_back(
    grad: Shape, query: Shape, key: Shape, value: Shape, *rest: object, **named: object
) -> int:
    return int(sdpa_backward_flop_count(grad, query, key, value))  # type: ignore[no-untyped-call]


def _convolution(image: Shape, weight: Shape, *rest: object, out_shape: Shape, **named: object) -> int:
    return int(conv_flop_count(list(image), list(weight), list(out_shape)))


_ATEN = torch.ops.aten
_ON_CPU = {  # the counter knows the kernels of accelerators only
    _ATEN.mkldnn_convolution: _convolution,
    _ATEN._scaled_dot_product_flash_attention_for_cpu: _attention,
    _ATEN._scaled_dot_product_flash_attention_for_cpu_backward: _attention_back,
}
