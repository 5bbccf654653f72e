"""Running out of memory, reported as one class of error wherever it happens."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

import torch

from napari_scd.errors import OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    P = ParamSpec("P")
    R = TypeVar("R")


class HasDevice(Protocol):
    """Anything that runs on a device."""

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda" or "mps"."""


if TYPE_CHECKING:
    S = TypeVar("S", bound=HasDevice)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out.

    Accelerators raise an error of their own or a RuntimeError; PyTorch's allocator on the CPU raises a
    RuntimeError that can only be recognised by its text.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def reports_out_of_memory(
    method: Callable[Concatenate[S, P], R],
) -> Callable[Concatenate[S, P], R]:
    """Decorate a method: every error that means that memory ran out becomes `OutOfMemory`."""

    @functools.wraps(method)
    def reporting(self: S, /, *arguments: P.args, **named: P.kwargs) -> R:
        try:
            return method(self, *arguments, **named)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemory(self.device) from error

    return reporting
