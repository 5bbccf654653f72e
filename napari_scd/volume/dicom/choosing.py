"""Choose one of the series that were found, and say what becomes of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_scd.errors import ChooseSeries, InputError
from napari_scd.volume.left_out import Why, listed

if TYPE_CHECKING:
    from napari_scd.volume.dicom.series import FoundSeries, Series

_FEWEST_OF_A_VOLUME = 3


def choose_series(found: FoundSeries, wanted: str | None, name: str) -> Series:
    """Choose one of several series.

    Parameters
    ----------
    found
        As :func:`find_series` returned it.
    wanted
        A series' key; None takes the only one there is, or the only one with more than two images that is no
        scout.
    name
        Of folder or file, for messages.

    Raises
    ------
    ChooseSeries
        When several could be meant.
    InputError
        When there is none, or none has that key.
    """
    series = found.series
    if not series:
        raise _nothing_in(found, name)
    listing = "; ".join(one.summary for one in series)
    if wanted is not None:
        for one in series:
            if one.key == wanted.strip():
                return one
        raise InputError(f"{name} has no series '{wanted}'; choose one of: {listing}.")
    volumes = [one for one in series if one.n_slices >= _FEWEST_OF_A_VOLUME] or list(series)
    volumes = [one for one in volumes if not one.is_scout] or volumes
    if len(volumes) == 1:
        return _and_not_the_others(volumes[0], found)
    mixed = len({one.uid for one in volumes}) == 1
    what = (
        f"The series in {name} mixes directions, sizes or passes"
        if mixed
        else f"{name} holds {len(series)} series"
    )
    raise ChooseSeries(what, [one.summary for one in series])


def _and_not_the_others(chosen: Series, found: FoundSeries) -> Series:
    """Return a series that also names all others, and files without images, as left out."""
    others = [one.as_left_out() for one in found.series if one is not chosen]
    rest = [one for one in found.left_out if one not in chosen.left_out]
    return replace(chosen, left_out=(*chosen.left_out, *others, *rest)) if others or rest else chosen


def _nothing_in(found: FoundSeries, name: str) -> InputError:
    reasons = [one.why for one in found.left_out]
    if Why.ONE_POSITION in reasons:
        one = found.left_out[reasons.index(Why.ONE_POSITION)].path.name
        return InputError(
            f"{one} holds several images in one file, but a position for one of them only, so their order "
            "and distances are not known; export one file for each slice, or enhanced CT or MR."
        )
    if Why.NO_POSITION in reasons:
        count = reasons.count(Why.NO_POSITION)
        return InputError(
            f"{name} holds {count} file{'s' * (count != 1)} with images that have no position in space "
            "(radiographs or screenshots, perhaps); give the folder of a CT or MR series."
        )
    if Why.COLOURS in reasons:
        return InputError(f"{name} holds colours; give a scan with one number per voxel.")
    why = f" ({listed(found.left_out)})" if found.left_out else ""
    return InputError(f"{name} holds no DICOM images{why}; give the folder of a CT or MR series.")
