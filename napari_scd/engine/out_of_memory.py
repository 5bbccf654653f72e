"""Running out of memory, reported as one error whatever ran out of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import torch

from napari_scd.errors import OutOfMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.engine.session import Session

    P = ParamSpec("P")
    R = TypeVar("R")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that memory ran out.

    Accelerators raise an error of their own or a RuntimeError; PyTorch's allocator on the CPU raises a
    RuntimeError that only its text tells apart.
    """
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text)


def reports_out_of_memory(
    method: Callable[Concatenate[Session, P], R],
) -> Callable[Concatenate[Session, P], R]:
    """Decorate a method of `Session`: whatever means that memory ran out becomes `OutOfMemory`."""

    @functools.wraps(method)
    def reporting(session: Session, /, *arguments: P.args, **named: P.kwargs) -> R:
        try:
            return method(session, *arguments, **named)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            raise OutOfMemory(session.device) from error

    return reporting
