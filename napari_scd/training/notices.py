"""What a run reports on its way, as facts; each notice becomes a sentence when turned into text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True)
class Notice(ABC):
    """Something worth reporting that does not stop the run."""

    @abstractmethod
    def __str__(self) -> str:
        """Say it in one sentence."""


@dataclass(frozen=True)
class ReadingCase(Notice):
    """A case is about to be read.

    Attributes
    ----------
    number, total : int
        Counted from 1.
    name : str
    """

    number: int
    total: int
    name: str

    def __str__(self) -> str:
        return f"reading case {self.number} of {self.total}: {self.name}"


@dataclass(frozen=True)
class AbsentStructures(Notice):
    """No training case contains these structures.

    Attributes
    ----------
    names : tuple of str
    """

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"No training case contains {', '.join(self.names)}: the model will not find it."


@dataclass(frozen=True)
class StartsFrom(Notice):
    """Weights come from a trained model.

    Attributes
    ----------
    model : str
    share : float
        Of the network's weights that the model could provide, 0-1.
    new_layers : tuple of str
        Layers that start from random weights.
    widened : bool
        Whether the input has channels that the model did not have.
    """

    model: str
    share: float
    new_layers: tuple[str, ...] = ()
    widened: bool = False

    def __str__(self) -> str:
        channels = " Its new input channels start at zero weights." if self.widened else ""
        if not self.new_layers:
            return f"Starting from '{self.model}': all weights fit.{channels}"
        shown = ", ".join(self.new_layers[:4])
        more = f" and {len(self.new_layers) - 4} more" if len(self.new_layers) > 4 else ""
        fitting = f"{100 * self.share:.0f} % of the weights fit"
        return f"Starting from '{self.model}': {fitting}; new layers: {shown}{more}.{channels}"


@dataclass(frozen=True)
class NoTensorBoard(Notice):
    """TensorBoard's package is not installed, so its files are not written."""

    def __str__(self) -> str:
        return "TensorBoard is not installed, so only CSV files are written: pip install tensorboard."
