"""A network compiled by `torch.compile` on request: worthwhile on GPUs, after a minute of compiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_scd.model import Keep, Prefix, ScdNetwork, Trace


class CompiledNetwork:
    """The two halves of a network, compiled at their first use and again for every keep ratio.

    On CUDA devices they are recorded as CUDA graphs. Where compiling does not work, as without a C++
    compiler, the network runs as usual.

    Parameters
    ----------
    network : ScdNetwork
        In evaluation mode, on its device.

    Attributes
    ----------
    problem : str
        Why the network runs uncompiled; empty if compiling works.
    """

    def __init__(self, network: ScdNetwork) -> None:
        self._network = network
        weight = next(network.parameters(), None)
        self._graphs = weight is not None and weight.device.type == "cuda"
        how: dict[str, Any] = {"mode": "reduce-overhead"} if self._graphs else {}
        self._prefix = torch.compile(network.prefix, dynamic=False, **how)
        self._rest = torch.compile(network.rest, dynamic=False, **how)
        self.problem = ""

    def prefix(self, image: Tensor) -> Prefix:
        """As `ScdNetwork.prefix`."""
        answer: Prefix = self._run(self._prefix, self._network.prefix, image)
        return answer

    def rest(self, prefix: Prefix, keep: Keep, *, return_trace: Literal[True]) -> tuple[Tensor, Trace]:
        """As `ScdNetwork.rest` with the trace."""
        answer: tuple[Tensor, Trace] = self._run(self._rest, self._network.rest, prefix, keep, return_trace)
        return answer

    def _run(self, compiled: Callable[..., Any], plain: Callable[..., Any], *arguments: object) -> Any:
        if self.problem:
            return plain(*arguments)
        try:
            if self._graphs:
                torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
            answer = compiled(*arguments)
        except Exception as error:  # compilers' errors share no class; any other error is raised again below
            answer = plain(*arguments)
            said = str(error).strip().splitlines() or [type(error).__name__]
            self.problem = (
                f"torch.compile does not work on this machine ({said[0][:120]}): the network ran without it."
            )
            return answer
        return _copied(answer) if self._graphs else answer


def _copied(answer: Any) -> Any:
    """Copy what a CUDA graph returned: its next run writes into the same memory."""
    if isinstance(answer, torch.Tensor):
        return answer.clone()
    if isinstance(answer, tuple):
        return getattr(type(answer), "_make", tuple)(map(_copied, answer))
    return answer
