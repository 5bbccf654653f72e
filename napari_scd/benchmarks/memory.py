"""How much memory a call needs in addition to what was in use before."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

_PROCESS = Path("/proc/self")


def working_memory(call: Callable[[], object], device: torch.device) -> int | None:
    """Run once; bytes between the memory in use before and the highest use during the call.

    On an accelerator that of its allocator; on the CPU resident memory, which only Linux can reset, so None
    elsewhere. Weights already in memory do not count.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device) - before)
    before_kb = _reset_peak() if device.type == "cpu" else None
    call()
    return None if before_kb is None else (_status_kb("VmHWM") - before_kb) * 1024


def _reset_peak() -> int | None:
    """Give freed memory back and forget the highest use so far; resident memory in KiB, None if it cannot."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
        return _status_kb("VmRSS")
    except (OSError, AttributeError, TypeError):
        return None


def _status_kb(key: str) -> int:
    for line in (_PROCESS / "status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise OSError(f"The system does not say {key}.")
