"""Which model suits a scan, when none was named: the shipped one for its modality."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.checkpoints import suggested_models
from napari_scd.engine import guess_modality
from napari_scd.errors import ChooseModel, InputError
from napari_scd.volume import READABLE, find_series, is_dicom, is_dicom_file, open_image, read_volume, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_SAMPLED_VOXELS = 2**21
_SCANS_LOOKED_AT = 8


def model_for(sources: Sequence[Path], *, at_points: bool) -> str:
    """Name the shipped model that suits scans of one modality.

    Parameters
    ----------
    sources : sequence of Path
        Files, DICOM series or folders of scans; only the first few are read.
    at_points : bool
        Whether the structure at a point is wanted, rather than the whole scan.

    Raises
    ------
    ChooseModel
        When the scans differ in modality, or not exactly one model suits theirs.
    InputError
        When there is no scan, or a file that was named cannot be read.
    """
    cards = suggested_models()
    looked_at = list(islice(_modalities(sources), _SCANS_LOOKED_AT))
    found = sorted({modality for modality in looked_at if modality})
    if not looked_at:
        below = " and ".join(map(str, sources))
        raise InputError(f"There is no scan below {below}; give a folder with NIfTI, MGH or DICOM files.")
    if len(found) != 1:
        what = f"These scans are {' and '.join(found)}" if found else "The scan does not say its modality"
        raise ChooseModel(what, "", [card.name for card in cards])
    (modality,) = found
    alike = [card for card in cards if card.recipe.modality == modality]
    suited = [card for card in alike if (card.recipe.field == "click") == at_points] or alike
    if len(suited) != 1:
        what = f"{'More than one model suits' if suited else 'No model is made for'} {modality}"
        raise ChooseModel(what, modality, [card.name for card in suited or cards])
    return suited[0].name


def modality_of(source: Path) -> str:
    """Modality of a scan: what a DICOM header says, else what its values look like; empty when unknown.

    Of files that are not DICOM only the first slices are read: air around the patient tells CT from MR.

    Raises
    ------
    InputError
        When the file cannot be read.
    """
    if is_dicom(source):
        modalities = {series.modality for series in find_series(source).series}
        return modalities.pop() if len(modalities) == 1 else ""
    try:
        data = open_image(source).dataobj
        n_slices = max(1, _SAMPLED_VOXELS // int(np.prod(data.shape[:2])))
        first = np.asarray(data[(slice(None), slice(None), slice(n_slices), *(0,) * (len(data.shape) - 3))])
        return guess_modality(first)
    except InputError:
        raise
    except Exception:
        read_volume(source)  # raises an error that says what is wrong with it
        return ""


def _modalities(sources: Iterable[Path]) -> Iterator[str]:
    for source in sources:
        if not source.is_dir():
            yield modality_of(source)
            continue
        series: set[Path] = set()
        for folder, files in walk(source):
            for file in files:
                is_image = file.name.lower().endswith(READABLE)
                if folder in series or not (is_image or is_dicom_file(file)):
                    continue  # of a folder of slices the first is enough
                if not is_image:
                    series.add(folder)
                try:
                    yield modality_of(file)
                except InputError:
                    continue  # reported when its turn comes
