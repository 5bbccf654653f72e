"""What a closed dock leaves to the next one: its layers, results and undo. The layers themselves keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

    from napari_scd.viewer.layers import StoreMemory
    from napari_scd.viewer.logic.dock_state import DockState, Place
    from napari_scd.viewer.logic.undo import Shown, UndoSteps

KEY = "scd_dock"


class Handover(NamedTuple):
    """Everything a dock knows of its layers, and the model and images it worked with."""

    model: str | None
    volumes: tuple[Hashable, ...]
    memory: StoreMemory
    shown: dict[Place, Shown]
    steps: dict[Place, UndoSteps]

    @property
    def uids(self) -> set[Hashable]:
        """`unique_id` of the layers."""
        return set(self.memory.ours.values())


def leave(state: DockState) -> None:
    """Leave what a dock knows in its layers' metadata; it goes when they go."""
    choices, memory = state.choices, state.store.memory
    handover = Handover(choices.model, choices.volumes, memory, dict(state.shown), dict(state.steps))
    for layer in state.store.layers:
        if layer.unique_id in handover.uids:
            layer.metadata[KEY] = handover


def take_over(state: DockState) -> None:
    """Take what the dock before left, if there was one, and nothing from copies of its layers."""
    for layer in state.store.layers:
        left: Any = layer.metadata.pop(KEY, None)
        left = getattr(left, "__wrapped__", left)  # plugins see what napari holds through a proxy
        if isinstance(left, Handover) and layer.unique_id in left.uids:
            state.choices.model, state.choices.volumes = left.model, left.volumes
            state.store.remember(left.memory)
            state.shown.update(left.shown)
            state.steps.update(left.steps)
