"""What a whole process costs, from its start to its end: wall time, processor time, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_scd.benchmarks.process_tree import TreeMemory

_KIB = 1024
_LOOK_EVERY_S = 0.02


class ProcessCost(NamedTuple):
    """Cost of one process.

    Attributes
    ----------
    wall_s : float
    processor_s : float or None
        Of all its threads; None where the system does not report it.
    peak_bytes : int or None
        Largest resident memory, Python and libraries included; None where the system does not report it.
    """

    wall_s: float
    processor_s: float | None
    peak_bytes: int | None


def cost_of(
    command: Sequence[str], memory: TreeMemory | None = None, environment: Mapping[str, str] | None = None
) -> ProcessCost:
    """Run a command to its end.

    Parameters
    ----------
    command : sequence of str
    memory : TreeMemory, optional
        Looks at the process and those that it starts, all the time.
    environment : mapping of str to str, optional
        Variables of the process; those of this one if left out.

    Raises
    ------
    InputError
        The command failed; its last line is quoted.
    """
    with tempfile.TemporaryFile() as said:
        before = _processor_s_of_children()
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=environment)
        peak_bytes = None
        while process.poll() is None:
            peak_bytes = _peak_bytes(process.pid) or peak_bytes
            if memory is not None:
                memory.look(process.pid)
            time.sleep(_LOOK_EVERY_S)
        wall_s = time.perf_counter() - began
        after = _processor_s_of_children()
        if process.returncode:
            said.seek(0)
            lines = said.read().decode(errors="replace").strip().splitlines() or ["no output"]
            raise InputError(f"A process of the benchmark failed ({process.returncode}): {lines[-1]}")
    return ProcessCost(wall_s, None if before is None or after is None else after - before, peak_bytes)


def _processor_s_of_children() -> float | None:
    """Processor seconds of all child processes that have ended."""
    times = os.times()
    spent = times.children_user + times.children_system
    return None if sys.platform == "win32" else spent


def _peak_bytes(process: int) -> int | None:
    """Largest resident memory so far, as Linux reports it.

    The figure that a parent gets for a finished child is useless: it includes the parent's own memory, which
    the child shared until it started its program.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return None
    lines = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(line.split()[1]) * _KIB for line in lines), None)
