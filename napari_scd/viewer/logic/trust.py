"""How far each structure of a result can be trusted: what the model says, and what tests of it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from napari_scd.checkpoints import Checkpoint
    from napari_scd.viewer.logic.result import Result


class Trust(NamedTuple):
    """What speaks for a structure; None where it is not known.

    Parameters
    ----------
    sure
        Mean probability of its voxels, 0-1.
    dice
        On the cases `tested_on`, which training never saw.
    volume_ratio
        Median of its volume to the true one, on these cases.
    tested_on
        Empty where the model was not tested.
    """

    sure: float | None = None
    dice: float | None = None
    volume_ratio: float | None = None
    tested_on: str = ""

    def sentences(self) -> list[str]:
        """Return what is known, a sentence each."""
        found = []
        if self.sure is not None:
            found.append(f"The model gave its voxels {self.sure:.0%} on average.")
        if self.dice is not None:
            found.append(f"Tested Dice {self.dice:.2f} on {self.tested_on}.")
        if self.volume_ratio is not None:
            found.append(f"Its volume came out {100 * (self.volume_ratio - 1):+.0f} % there, in the median.")
        return found


def trust_in(result: Result, checkpoint: Checkpoint | None) -> dict[int, Trust]:
    """Return what is known of each structure of a result.

    Parameters
    ----------
    checkpoint
        The loaded model: its tests count when the result is of the same structures.
    """
    tested: dict[str, Any] = {}
    if checkpoint is not None and checkpoint.labels == (result.known_table or result.table):
        figures = checkpoint.provenance.metrics.get("tested")
        tested = figures if isinstance(figures, dict) else {}
    structures = tested.get("structures")
    structures = structures if isinstance(structures, dict) else {}
    on = str(tested.get("on", "cases not named"))
    return {
        label.index: Trust(
            result.sure.get(label.index),
            _number(structures.get(label.name), "dice"),
            _number(structures.get(label.name), "volume_ratio"),
            on,
        )
        for label in result.table.labels
    }


def _number(figures: Any, key: str) -> float | None:
    value = figures.get(key) if isinstance(figures, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
