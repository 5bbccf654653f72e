"""What tells scans of one place apart where contrast and moment do not: settings, names, indices."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.volume.dicom.nested import Nested
    from napari_scd.volume.dicom_image import Image

    Places = Sequence[Sequence[Image]]

_WHERE = (
    ("StackID", "FrameContentSequence"),
    ("FrameReferenceDateTime", "FrameContentSequence"),
    ("TemporalPositionTimeOffset", "TemporalPositionSequence"),
    ("RepetitionTime", "MRTimingAndRelatedParametersSequence"),
    ("ReceiveCoilName", "MRReceiveCoilSequence"),
    ("VelocityEncodingDirection", "MRVelocityEncodingSequence"),
    ("VelocityEncodingMinimumValue", "MRVelocityEncodingSequence"),
    ("ContrastBolusAgentAdministered", "ContrastBolusUsageSequence"),
    ("ContrastBolusAgentNumber", "ContrastBolusUsageSequence"),
    ("KVP", "CTXRayDetailsSequence"),
    ("ConvolutionKernel", "CTReconstructionSequence"),
    ("SeriesTime", ""),
    ("SeriesDescription", ""),
    ("ProtocolName", ""),
    ("SequenceName", ""),
    ("ContrastBolusAgent", ""),
    ("FrameReferenceTime", ""),
    ("ImageIndex", ""),
    ("ImageComments", ""),
    ("FilterType", ""),
)
_DIMENSIONS = ("DimensionIndexValues", "FrameContentSequence")
OTHER_TAGS = tuple(name for name, sequence in _WHERE if name not in ("StackID", "SeriesDescription"))
"""Entries to read from a header, beside those that are read for other reasons."""

N_NAMED_TAGS = len(_WHERE)
"""How many other tags an image has at least; the indices of its dimensions come behind them."""


def other_tags_of(said: Nested) -> tuple[str, ...]:
    """Return what the other tags say of an image, each as a text; the indices of dimensions last."""
    dimensions = said.text(*_DIMENSIONS)
    return (*(said.text(*where) for where in _WHERE), *(dimensions.split("\\") if dimensions else ()))


def sorted_by_other_tags(places: Places) -> tuple[tuple[Image, ...], ...] | None:
    """Sort the images of each place into scans by all tags that have the same values in every place.

    Such a tag says nothing of the place, so it belongs to the scan::

        repetition time   500 2500 | 500 2500 | 500 2500    same in every place: counts
        instance number     1    4 |   2    5 |   3    6    follows the place: does not count

    Parameters
    ----------
    places
        Equally many images in each.

    Returns
    -------
    For each scan, its images from the first place to the last; None where these tags do not tell.
    """
    count = min(len(image.other_tags) for place in places for image in place)
    telling = [
        tag
        for tag in range(count)
        if len({tuple(sorted(image.other_tags[tag] for image in place)) for place in places}) == 1
        and len({image.other_tags[tag] for image in places[0]}) > 1
    ]

    def key(image: Image) -> tuple[tuple[float, str], ...]:
        return tuple(_in_order(image.other_tags[tag]) for tag in telling)

    held = {tuple(sorted(map(key, place))) for place in places}
    if len(held) > 1 or len(set(next(iter(held)))) < len(places[0]):
        return None
    return tuple(zip(*(sorted(place, key=key) for place in places), strict=True))


def _in_order(text: str) -> tuple[float, str]:
    """Return what sorts numbers by size and other texts by their letters."""
    with contextlib.suppress(ValueError):
        return float(text), ""
    return 0.0, text
