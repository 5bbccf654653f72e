"""The dock's logic on a viewer without a window, with a real model, whose jobs run when we say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.cancel import CancelToken
from napari_scd.viewer.layers.store import LayerStore
from napari_scd.viewer.logic.backend import Backend
from napari_scd.viewer.logic.choices import Choices
from napari_scd.viewer.logic.controller import Controller

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.viewer.logic.jobs import DockJob


class HandQueue:
    """Runs jobs in this thread, all at once."""

    running = None

    def __init__(self) -> None:
        self.queue: list[DockJob] = []

    @property
    def waiting(self) -> tuple[str, ...]:
        return tuple(work.kind for work in self.queue)

    def submit(self, work: DockJob, *, replace: bool = True) -> None:
        if replace:
            self.drop(work.kind)
        self.queue.append(work)

    def drop(self, *kinds: str) -> None:
        self.queue = [work for work in self.queue if work.kind not in kinds]

    def cancel(self) -> None:
        self.queue.clear()

    close = cancel

    def run_all(self) -> None:
        while self.queue:
            work = self.queue.pop(0)
            try:
                value = work.run(work.progressed, CancelToken())
            except Exception as problem:
                work.failed(problem)
            else:
                work.done(value)


class HeadlessDock(NamedTuple):
    """A dock without a window."""

    viewer: Any
    control: Controller
    queue: HandQueue


def dock_for(viewer: Any, layer: Any, model: Path) -> HeadlessDock:
    """Choose a layer and a model, and get ready."""
    queue = HandQueue()
    choices = Choices(volumes=(layer.unique_id,), model=str(model), world_axes="SPL")
    control = Controller(LayerStore(viewer), queue, Backend(), choices)
    control.source.preload()
    queue.run_all()
    return HeadlessDock(viewer, control, queue)
