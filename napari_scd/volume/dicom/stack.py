"""Stacks the images of a series: order, gaps, duplicates, tilt, and the resulting affine."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.dicom.places import NEARLY_EVEN, allowed_mm, even_step, frames_of, normal_of, places_of
from napari_scd.volume.left_out import LeftOut, Why
from napari_scd.volume.orientation import spl_from_lps
from napari_scd.volume.volume import checked_affine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.volume.dicom_image import Image

    SamePixels = Callable[[Image, Image], bool]

_TILT_DEG = 0.1
_ROUNDED_MM = 0.15  # a tilt that moves the last slice by less may come from rounded positions
_SQUARE = 1e-2  # how far from right angles rounded directions may be
_EXACT = 1e-4


class Stack(NamedTuple):
    """Images in order.

    Parameters
    ----------
    frames
        For each moment in time (one, for most scans) the images from the first place to the last.
    affine
        (4, 4), from (image, row, column) to (S, P, L) mm.
    warnings
        Sentences for the user.
    left_out
        Images that repeat others.
    """

    frames: tuple[tuple[Image, ...], ...]
    affine: np.ndarray
    warnings: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()


def stack_images(images: Sequence[Image], same_pixels: SamePixels) -> Stack:
    """Put images of one direction and size in order.

    Parameters
    ----------
    images
        At least one, each with a place.
    same_pixels
        Tells whether two images hold the same values; called only for images at the same place.

    Raises
    ------
    InputError
        When slices are missing, unevenly spaced, or some places hold two different images.
    """
    row, column = _directions(images[0])
    places = places_of(images)
    left_out = _drop_copies(places, same_pixels)
    left_out += _drop_repeats(places, same_pixels)
    _check_equally_many(places)
    frames = frames_of(places)
    origins = np.array([image.position_mm for image in frames[0]])
    first, step, warnings = _step(origins, normal_of(images[0]), images[0].thickness_mm)
    affine = np.eye(4)
    between_rows, between_columns = images[0].spacing_mm
    affine[:3, 0], affine[:3, 3] = step, first
    affine[:3, 1], affine[:3, 2] = column * between_rows, row * between_columns
    return Stack(frames, checked_affine(spl_from_lps(affine)), tuple(warnings), tuple(left_out))


def _directions(image: Image) -> np.ndarray:
    """Return the directions of row and column, at right angles where the header rounds them."""
    directions = np.reshape(image.orientation, (2, 3))
    products = directions @ directions.T - np.eye(2)
    if not np.abs(products).max() < _SQUARE:
        raise InputError(
            f"{image.path.name} gives image directions that are not at right angles "
            "(ImageOrientationPatient); export the series again."
        )
    if np.abs(products).max() < _EXACT:
        return directions
    left, _, right = np.linalg.svd(directions, full_matrices=False)
    return np.asarray(left @ right)


def _drop_copies(places: list[list[Image]], same_pixels: SamePixels) -> list[LeftOut]:
    """Leave out images whose header and pixels are those of another one."""
    dropped = []
    for place in places:
        kept: list[Image] = []
        for image in sorted(place, key=lambda image: image.path):
            twins = (other for other in kept if image._replace(path=other.path) == other)
            if any(same_pixels(image, other) for other in twins):
                dropped.append(LeftOut(image.path, Why.DUPLICATE))
            else:
                kept.append(image)
        place[:] = kept
    return dropped


def _drop_repeats(places: list[list[Image]], same_pixels: SamePixels) -> list[LeftOut]:
    """Leave out images that repeat the pixels of another one, in places that hold more than others do."""
    fewest = min(len(place) for place in places)
    dropped = []
    for place in places:
        if len(place) == fewest:
            continue
        kept: list[Image] = []
        for image in sorted(place, key=lambda image: image.path):
            if any(same_pixels(image, other) for other in kept):
                dropped.append(LeftOut(image.path, Why.DUPLICATE))
            else:
                kept.append(image)
        place[:] = kept
    return dropped


def _check_equally_many(places: list[list[Image]]) -> None:
    counts = Counter(map(len, places))
    if len(counts) > 1:
        usual = counts.most_common(1)[0][0]
        odd = next(place[0] for place in places if len(place) != usual)
        raise InputError(
            f"{sum(counts.values()) - counts[usual]} of {len(places)} slice positions hold more or fewer "
            f"images than the others (such as the one of {odd.path.name}): two scans share this series, or "
            "it is incomplete; export it again, each scan by itself."
        )


def _step(
    origins: np.ndarray, normal: np.ndarray, thickness_mm: float
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return the first place and the step from image to image, with warnings; refuse gaps."""
    if len(origins) == 1:
        return (
            origins[0],
            normal * (thickness_mm or 1.0),
            [f"The series has one image only; {thickness_mm or 1.0:g} mm is assumed for its thickness."],
        )
    first, step, off_mm = even_step(origins)
    gaps = np.diff(origins @ normal)
    usual = float(np.median(gaps))
    warnings = []
    if off_mm > allowed_mm(usual):
        _refuse_missing(origins, gaps, usual)
        if off_mm > NEARLY_EVEN * usual:
            raise InputError(
                f"The slices are unevenly spaced, by {gaps.min():.3g} to {gaps.max():.3g} mm; reformat the "
                "series to even spacing."
            )
        warnings.append(
            f"The slices are unevenly spaced, by up to {off_mm:.2g} mm; they are treated as evenly spaced."
        )
    along_mm = float(step @ normal)
    aside_mm = float(np.linalg.norm(step - along_mm * normal))
    tilt = float(np.degrees(np.arctan2(aside_mm, along_mm)))
    if tilt > _TILT_DEG and aside_mm * (len(origins) - 1) > _ROUNDED_MM:
        warnings.append(
            f"The slices are stacked at a slant of {tilt:.1f} degrees (tilted gantry): results lie where the "
            "scan does, but the model sees sheared shapes."
        )
    return first, step, warnings


def _refuse_missing(origins: np.ndarray, gaps: np.ndarray, usual: float) -> None:
    """Raise where every distance is a multiple of the usual one, so that slices must be missing."""
    multiples = np.rint(gaps / usual)
    if not (multiples >= 1).all() or not (np.abs(gaps / usual - multiples) < 0.1 * multiples).all():
        return
    n_missing = int((multiples - 1).sum())
    if n_missing == 0:
        return
    at = int(multiples.argmax())
    left, posterior, superior = (f"{mm:.1f}" for mm in origins[at])
    raise InputError(
        f"{n_missing} slice{'s are' if n_missing != 1 else ' is'} missing from the series of {len(origins)} "
        f"(the widest gap follows the slice at L {left}, P {posterior}, S {superior} mm); export the whole "
        "series again."
    )
