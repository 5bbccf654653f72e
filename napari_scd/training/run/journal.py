"""What a run records on its way: ``log.csv``, ``validation.csv``, TensorBoard."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.errors import InputError
from napari_scd.training.notices import NoTensorBoard
from napari_scd.training.run.tensorboard import EventFile
from napari_scd.volume import atomic_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_scd.training.config import TrainConfig
    from napari_scd.training.notices import Notice
    from napari_scd.training.run.validate import Validation

LOG_NAME, VALIDATION_NAME = "log.csv", "validation.csv"


class Step(NamedTuple):
    """One line of the progress display and of ``log.csv``.

    Attributes
    ----------
    step, steps : int
        Done, and to do in all.
    loss : float
        Mean since the line before.
    seconds : float
        Of one step since the line before, validation not counted.
    eta_s : float
        Expected until the end, validation counted.
    validation : dict of str to float
        Mean Dice by keep ratio ("dice@0.5") of the last validation; empty before the first.
    rate : float
        Learning rate.
    """

    step: int
    steps: int
    loss: float
    seconds: float
    eta_s: float
    validation: dict[str, float]
    rate: float


class Journal:
    """Appends lines; a resumed run first drops those after its checkpoint.

    Parameters
    ----------
    folder : Path
    config : TrainConfig
    reported, validated : int
        Last steps the run has reported and validated; lines after them are dropped.
    tensorboard : bool
        Also write TensorBoard's event files where that package is installed.
    tell : callable, optional
        Called with a notice when it is not.
    """

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        reported: int,
        validated: int,
        *,
        tensorboard: bool = True,
        tell: Callable[[Notice], None] | None = None,
    ) -> None:
        self._folder = folder
        self._keys = config.validation_keys
        _drop_behind(folder / LOG_NAME, reported)
        _drop_behind(folder / VALIDATION_NAME, validated)
        self._events = _open_events(folder, reported, tell) if tensorboard else None

    def step(self, line: Step) -> None:
        """Write down one report."""
        dice = [_number(line.validation.get(key, math.nan)) for key in self._keys]
        header = ["step", "loss", "seconds_per_step", *self._keys, "rate"]
        row = [line.step, f"{line.loss:.5f}", f"{line.seconds:.4f}", *dice, f"{line.rate:.3e}"]
        _append(self._folder / LOG_NAME, header, [row])
        self._draw(
            {"loss": line.loss, "seconds per step": line.seconds, "learning rate": line.rate}, line.step
        )

    def validation(self, step: int, validation: Validation) -> None:
        """Write down Dice of every structure at every keep ratio."""
        header = ["step", "structure", *self._keys]
        by_name: dict[str, list[float]] = {"mean": [validation.mean[key] for key in self._keys]}
        for name in validation.structures[self._keys[0]]:
            by_name[name] = [validation.structures[key][name] for key in self._keys]
        rows = [[step, name, *map(_number, values)] for name, values in by_name.items()]
        _append(self._folder / VALIDATION_NAME, header, rows)
        drawn = {
            f"{key}/{name}": value
            for name, values in by_name.items()
            for key, value in zip(self._keys, values, strict=True)
        }
        self._draw(drawn, step)

    def close(self) -> None:
        """Finish TensorBoard's file."""
        if self._events is not None:
            self._events.close()

    def _draw(self, values: dict[str, float], step: int) -> None:
        if self._events is None:
            return
        try:
            for tag, value in values.items():
                self._events.add_scalar(tag, value, step)
        except OSError as error:
            raise _unwritten(self._folder / "tensorboard", error) from error


def _open_events(folder: Path, reported: int, tell: Callable[[Notice], None] | None) -> EventFile | None:
    try:
        return EventFile(folder / "tensorboard", reported + 1)
    except OSError as error:
        raise _unwritten(folder / "tensorboard", error) from error
    except ImportError:  # optional
        if tell is not None:
            tell(NoTensorBoard())
        return None


def _append(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    try:
        new = not path.exists() or path.stat().st_size == 0
        with path.open("a", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *rows] if new else rows)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be written ({error.strerror}): free some space and start again; training "
        "resumes from the last checkpoint."
    )


def _drop_behind(path: Path, step: int) -> None:
    """Remove lines of steps that will be run again."""
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = list(csv.reader(stream)) or [[]]
    kept = [row for row in rows if len(row) == len(header) and row[0].isdigit() and int(row[0]) <= step]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *kept] if header else [])


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"
