"""Steps that can be undone and redone, for one image and frame."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable

    import numpy as np

    from napari_scd.viewer.logic.result import Result

MOST_STEPS = 30


class Shown(NamedTuple):
    """What belongs to one image and frame: the preview, and what was accepted."""

    preview: Result | None = None
    accepted: Result | None = None

    @property
    def result(self) -> Result | None:
        """What the legend lists: the preview where there is one."""
        return self.preview if self.preview is not None else self.accepted

    def packed(self) -> Shown:
        """Return a copy that takes little memory."""
        return Shown(*(None if one is None else one.packed() for one in self))


class Written(NamedTuple):
    """Voxels of the segmentation that a step changed.

    Parameters
    ----------
    layer
        `unique_id` of the Labels layer.
    places : (n,) int
        Flat indices into the frame.
    before, after : (n,)
        Labels there.
    """

    layer: Hashable
    places: np.ndarray
    before: np.ndarray
    after: np.ndarray


class UndoStep(NamedTuple):
    """One step: its name, what was shown before and after, and what it wrote into the segmentation."""

    name: str
    before: Shown
    after: Shown
    written: Written | None = None


class UndoSteps:
    """The steps done, and those undone; a new step forgets the undone ones.

    >>> steps = UndoSteps()
    >>> steps.add(UndoStep("Accept", Shown(), Shown()))
    >>> steps.undo().name, steps.undo(), steps.redo().name
    ('Accept', None, 'Accept')
    """

    def __init__(self) -> None:
        self._done: deque[UndoStep] = deque(maxlen=MOST_STEPS)
        self._undone: list[UndoStep] = []

    def add(self, step: UndoStep) -> None:
        """Note a step that was just done."""
        self._done.append(step._replace(before=step.before.packed(), after=step.after.packed()))
        self._undone.clear()

    def undo(self) -> UndoStep | None:
        """Return the step to undo; None when there is none."""
        return self._move(self._done, self._undone)

    def redo(self) -> UndoStep | None:
        """Return the step to do again; None when there is none."""
        return self._move(self._undone, self._done)

    @staticmethod
    def _move(
        source: deque[UndoStep] | list[UndoStep], target: deque[UndoStep] | list[UndoStep]
    ) -> UndoStep | None:
        if not source:
            return None
        target.append(source.pop())
        return target[-1]
