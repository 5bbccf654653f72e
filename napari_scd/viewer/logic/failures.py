"""From an exception in the worker to a sentence in the status line, with a remedy if there is one."""

from __future__ import annotations

from napari_scd.errors import DeviceUnavailable, InputError, OutOfMemory
from napari_scd.viewer.logic.status import bad_input, error
from napari_scd.viewer.logic.wording import shortened
from napari_scd.viewer.state import Remedy, Status


class BadVolume(InputError):
    """The engine refused the image itself, not what was asked of it."""


class VoxelsChanged(Exception):
    """The voxels of an image were changed in place since they were prepared."""


class CannotSave(InputError):
    """Something could not be written to the place that was chosen."""


def failure(problem: BaseException, device: str, batch: int | None = None) -> Status:
    """Return the status for an exception: one sentence, and a remedy where there is one.

    User errors keep their own sentence. When memory ran out on an accelerator, the CPU is offered; on the
    CPU, one window at a time, unless that is what failed.

    Parameters
    ----------
    device, batch
        What the user chose; None = the engine's own choice of batch.
    """
    text = " ".join(str(problem).split()) or type(problem).__name__
    if isinstance(problem, OutOfMemory | MemoryError):
        return _out_of_memory(problem.device if isinstance(problem, OutOfMemory) else device, batch)
    if isinstance(problem, BadVolume):
        return bad_input(text)
    if isinstance(problem, CannotSave):
        return error(text, Remedy("Save elsewhere...", "export"))
    if isinstance(problem, DeviceUnavailable):
        return error(text, Remedy("Run on cpu", "run_on_cpu"))
    if isinstance(problem, InputError):
        return error(text)
    return error(
        f"The run failed ({type(problem).__name__}: {shortened(text)}).", Remedy("Try again", "retry")
    )


def _out_of_memory(device: str, batch: int | None) -> Status:
    if device not in ("cpu", "auto"):
        return error(
            f"Not enough memory on {device}. Nothing was lost; run it on the CPU instead.",
            Remedy("Run on cpu", "run_on_cpu"),
        )
    if batch != 1:
        return error(
            "Not enough memory for this run. Nothing was lost; run one window at a time.",
            Remedy("Run one window at a time", "single_batch"),
        )
    return error("Not enough memory, even for one window at a time: close other programs or crop the volume.")
