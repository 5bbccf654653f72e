"""What all benchmarks of networks share: how they are timed, and on what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from napari_scd.benchmarks import Timer
from napari_scd.engine import Request, choose_hardware
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.progress import Progress, TaskID


@dataclass(frozen=True)
class TimingOrder:
    """How networks are timed.

    Attributes
    ----------
    device : str
    precisions : tuple of str
        Each is timed by itself.
    batch : int or None
        Windows at a time; None goes by the device.
    threads : int or None
    processor_time : bool
        Count processor seconds instead of what a clock on the wall says.
    """

    device: str
    precisions: tuple[str, ...]
    batch: int | None
    threads: int | None
    processor_time: bool

    def timers(self) -> list[Timer]:
        """Resolve each precision; two words for the same one count once.

        Raises
        ------
        InputError
            For a device or precision that is not there, or processor time of an accelerator.
        """
        if self.threads:
            torch.set_num_threads(self.threads)
        requests = (Request(device=self.device, precision=name, batch=self.batch) for name in self.precisions)
        chosen = list(dict.fromkeys(choose_hardware(request) for request in requests))
        if self.processor_time and chosen[0].device.type != "cpu":
            raise InputError("--processor-time says nothing about an accelerator: give --device cpu.")
        return [Timer(hardware, self.processor_time) for hardware in chosen]


def check_keeps(keeps: Iterable[float]) -> None:
    """Refuse keep ratios that users may not ask for; raises `InputError`."""
    for keep in keeps:
        Request(keep=keep)


def advance(bar: Progress, task: TaskID, done: int, total: int) -> None:
    """Tell a progress bar how many rounds are done."""
    bar.update(task, completed=done, total=total)
