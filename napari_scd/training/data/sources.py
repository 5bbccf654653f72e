"""Everything a run learns from: labelled images, label maps to draw images from, cases to validate on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_scd.training.data.cases import drawn_case, load_cases
from napari_scd.training.data.listing import list_cases, list_maps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.training.config import TrainConfig
    from napari_scd.training.data.cases import Case
    from napari_scd.training.notices import Notice


class Sources(NamedTuple):
    """What a run learns from.

    Attributes
    ----------
    cases : list of Case
        Images with labels.
    maps : list of Case
        Label maps that images are drawn from.
    checks : list of Case
        Cases held back for validation: with real images where the run has some, else with drawn ones.
    """

    cases: list[Case]
    maps: list[Case]
    checks: list[Case]

    @property
    def names(self) -> list[str]:
        """Names of all that is trained on, in order."""
        return [case.name for case in (*self.cases, *self.maps)]


def load_sources(config: TrainConfig, folder: Path, tell: Callable[[Notice], None] | None = None) -> Sources:
    """Read and check everything before the first step.

    Parameters
    ----------
    folder : Path
        Where cases go that do not fit into the memory budget.
    tell : callable, optional
        Called with a notice of which case is being read.

    Raises
    ------
    InputError
        As `load_cases`.
    """
    drawn_only = config.synthesis is not None and not config.mixes
    training, held_back = list_cases(config.data, maps_only=drawn_only)
    cases = [] if drawn_only else load_cases(training, config, folder, tell=tell)
    spent = sum(case.n_bytes for case in cases)
    maps: list[Case] = []
    if config.synthesis is not None:
        files = list_maps(config.data) if config.data.maps else training
        maps = load_cases(files, config, folder / "maps", maps=True, spent=spent, tell=tell)
    spent += sum(case.n_bytes for case in maps)
    checks = load_cases(held_back, config, folder, maps=drawn_only, spent=spent, tell=tell)
    if drawn_only:
        checks = [drawn_case(case, config, number) for number, case in enumerate(checks)]
    return Sources(cases, maps, checks)
