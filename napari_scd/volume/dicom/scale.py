"""How each slice says that stored numbers become values, and what becomes of those that say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_scd.errors import InputError
from napari_scd.volume.left_out import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.volume.dicom_image import Encoding, Image

_HOUNSFIELD = ("", "HU", "US")  # "US" means "unspecified"; old scanners write it into CT


class Scaled(NamedTuple):
    """Images of which each says how its numbers become values, and sentences for the user."""

    images: tuple[Image, ...]
    warnings: tuple[str, ...]


def complete_scale(images: Sequence[Image]) -> Scaled:
    """Give slices without slope and intercept those of the others, where these agree.

    Raises
    ------
    InputError
        When a slice keeps its values in a table.
    """
    for image in images:
        if image.encoding.has_table:
            raise InputError(
                f"{image.path.name} keeps its values in a table (Modality LUT); export the series with slope "
                "and intercept."
            )
    warnings = [*_on_signs(images), *_on_units(images)]
    without = [image for image in images if not image.encoding.says_scale]
    known = {_scale(image.encoding) for image in images if image.encoding.says_scale}
    is_ct = images[0].series.modality == "CT"
    if not without or not (known or is_ct):
        return Scaled(tuple(images), tuple(warnings))
    if not known:
        warnings.append(
            "The headers do not say how stored numbers become Hounsfield units (no RescaleIntercept); the "
            "numbers were left as they are."
        )
    elif len(known) > 1:
        warnings.append(f"Without slope and intercept, values left as they are: {_names(without)}.")
    else:
        warnings.append(
            f"Without slope and intercept, so those of the other slices were used: {_names(without)}."
        )
        ((slope, intercept),) = known
        images = [
            image
            if image.encoding.says_scale
            else image._replace(encoding=image.encoding._replace(slope=slope, intercept=intercept))
            for image in images
        ]
    return Scaled(tuple(images), tuple(warnings))


def _scale(encoding: Encoding) -> tuple[float, float]:
    return encoding.slope, encoding.intercept


def _on_signs(images: Sequence[Image]) -> list[str]:
    if all(image.encoding.says_sign for image in images):
        return []
    return [
        "The headers do not say whether numbers are signed (no PixelRepresentation); they were read as "
        "unsigned."
    ]


def _on_units(images: Sequence[Image]) -> list[str]:
    units = {image.encoding.unit for image in images} - set(_HOUNSFIELD)
    if images[0].series.modality != "CT" or not units:
        return []
    return [f"The header says that the values are {', '.join(sorted(units))}, not Hounsfield units."]


def _names(images: Sequence[Image]) -> str:
    return names_of(list(dict.fromkeys(image.path.name for image in images)))
