"""Which model suits a scan, when none was named: the one that ships for its modality."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.checkpoints import list_models
from napari_scd.engine import guess_modality
from napari_scd.errors import ChooseModel, InputError
from napari_scd.volume import READABLE, is_dicom, is_dicom_file, open_image, series_of, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from napari_scd.checkpoints import ModelCard

_SAMPLED_VOXELS = 2**21
_SCANS_LOOKED_AT = 8


def model_for(sources: Iterable[Path], *, at_points: bool) -> str:
    """Name the shipped model that suits scans of one modality.

    Parameters
    ----------
    sources : iterable of Path
        Files, DICOM series or folders of them; a few are looked at.
    at_points : bool
        Whether the structure at a point is wanted, rather than the whole scan.

    Raises
    ------
    ChooseModel
        When scans differ in modality, or not exactly one model suits theirs.
    """
    cards = [card for card in list_models() if card.shipped]
    found = {modality for modality in islice(_modalities(sources), _SCANS_LOOKED_AT) if modality}
    if len(found) != 1:
        what = f"These scans are {' and '.join(sorted(found))}" if found else "The modality is not known"
        raise ChooseModel(what, "", [card.name for card in cards])
    (modality,) = found
    alike = [card for card in cards if card.recipe.modality == modality]
    suited = [card for card in alike if (card.recipe.field == "click") == at_points] or alike
    if len(suited) != 1:
        number = "No model" if not suited else "More than one model"
        raise ChooseModel(f"{number} suits a scan of {modality}", modality, _names(suited or cards))
    return suited[0].name


def modality_of(file: Path) -> str:
    """Modality of a scan: what a DICOM header says, else what its numbers look like; empty when unknown.

    Of other files than DICOM the first slices are looked at: air around the patient tells CT from MR.
    """
    try:
        if is_dicom(file):
            modalities = {series.modality for series in series_of(_files(file)).series}
            return modalities.pop() if len(modalities) == 1 else ""
        data = open_image(file).dataobj
        per_slice = int(np.prod(data.shape[:2]))
        first = np.asarray(data[:, :, : max(1, _SAMPLED_VOXELS // per_slice)])
    except (InputError, OSError, ValueError, IndexError):
        return ""  # what is wrong with the file is said when it is read
    return guess_modality(np.atleast_3d(first))


def _modalities(sources: Iterable[Path]) -> Iterator[str]:
    for source in sources:
        for file in _files(source):
            if file.name.lower().endswith(READABLE) or is_dicom_file(file):
                yield modality_of(file)


def _files(source: Path) -> Iterator[Path]:
    if not source.is_dir():
        yield source
        return
    for _, files in walk(source):
        yield from files


def _names(cards: Iterable[ModelCard]) -> list[str]:
    return [card.name for card in cards]
