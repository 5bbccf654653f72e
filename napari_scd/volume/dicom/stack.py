"""Stack the images of a series: order, gaps, doubles, tilt, and the affine that follows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.orientation import spl_from_lps
from napari_scd.volume.volume import checked_affine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.volume.dicom.headers import Image

_SAME_PLACE_MM = 1e-2
_EVEN = 0.02  # of the slice distance: what rounding in headers makes
_NEARLY_EVEN = 0.25  # still one volume, with a warning
_TILT_DEG = 0.1


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
    """

    frames: tuple[tuple[Image, ...], ...]
    affine: np.ndarray
    warnings: tuple[str, ...]


def stack_images(images: Sequence[Image], same_pixels: Callable[[Image, Image], bool]) -> Stack:
    """Put images of one direction and size in order.

    Parameters
    ----------
    images
        At least one, each with a place.
    same_pixels
        Tells whether two images hold the same values; asked only about images that lie in one place.

    Raises
    ------
    InputError
        When slices are missing, unevenly spaced, or some places hold two different images.
    """
    row, column = _directions(images[0])
    normal = np.cross(row, column)
    places, warnings = _places(images, normal, same_pixels)
    origins = np.array([place[0].position_mm for place in places])
    step, sentences = _step(origins, normal, images[0].thickness_mm)
    affine = np.eye(4)
    between_rows, between_columns = images[0].spacing_mm
    affine[:3, 0], affine[:3, 3] = step, origins[0]
    affine[:3, 1], affine[:3, 2] = column * between_rows, row * between_columns
    frames = tuple(zip(*places, strict=True))
    return Stack(frames, checked_affine(spl_from_lps(affine)), (*warnings, *sentences))


def even_step(origins: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the step (3,) from image to image, and how far the worst of them is from where it should be.

    Parameters
    ----------
    origins
        (n, 3) mm with n > 1, in order.
    """
    step = (origins[-1] - origins[0]) / (len(origins) - 1)
    even = origins[0] + np.arange(len(origins))[:, None] * step
    return step, float(np.linalg.norm(origins - even, axis=1).max())


def _directions(image: Image) -> np.ndarray:
    directions = np.reshape(image.orientation, (2, 3))
    if not np.allclose(directions @ directions.T, np.eye(2), atol=1e-3):
        raise InputError(
            f"{image.path.name} gives image directions that are not at right angles "
            "(ImageOrientationPatient); export the series again."
        )
    return directions


def _places(
    images: Sequence[Image], normal: np.ndarray, same_pixels: Callable[[Image, Image], bool]
) -> tuple[list[list[Image]], list[str]]:
    """Sort images by place; all places hold the same number of images in the end."""
    unique = {(image.uid, image.frame): image for image in images}
    ordered = sorted(unique.values(), key=lambda image: float(np.dot(image.position_mm, normal)))
    places: list[list[Image]] = []
    for image in ordered:
        if places and np.linalg.norm(_apart(image, places[-1][0])) < _SAME_PLACE_MM:
            places[-1].append(image)
        else:
            places.append([image])
    n_dropped = len(images) - len(unique)
    if len({len(place) for place in places}) > 1:
        n_dropped += _drop_doubles(places, same_pixels)
    counts = Counter(map(len, places))
    if len(counts) > 1:
        usual = counts.most_common(1)[0][0]
        odd = next(place[0] for place in places if len(place) != usual)
        raise InputError(
            f"{sum(counts.values()) - counts[usual]} of {len(places)} slice positions hold more or fewer "
            f"images than the others (such as the one of {odd.path.name}): two scans share this series, or "
            "it is incomplete; export it again, each scan by itself."
        )
    for place in places:
        place.sort(key=lambda image: (image.moment, image.number, image.frame))
    doubles = f"{n_dropped} duplicate image{'s' if n_dropped != 1 else ''} of the series left out."
    return places, [doubles] if n_dropped else []


def _drop_doubles(places: list[list[Image]], same_pixels: Callable[[Image, Image], bool]) -> int:
    """Leave out images that repeat another of the same place; return how many."""
    dropped = 0
    for place in places:
        kept = [place[0]]
        for image in place[1:]:
            if any(same_pixels(image, other) for other in kept):
                dropped += 1
            else:
                kept.append(image)
        place[:] = kept
    return dropped


def _apart(image: Image, other: Image) -> np.ndarray:
    return np.subtract(image.position_mm, other.position_mm)


def _step(origins: np.ndarray, normal: np.ndarray, thickness_mm: float) -> tuple[np.ndarray, list[str]]:
    """Return the step from image to image, with warnings; refuse gaps and uneven distances."""
    if len(origins) == 1:
        return normal * (thickness_mm or 1.0), [
            f"The series has one image only; {thickness_mm or 1.0:g} mm is taken for its thickness."
        ]
    step, off_mm = even_step(origins)
    gaps = np.diff(origins @ normal)
    usual = float(np.median(gaps))
    warnings = []
    if off_mm > _EVEN * usual:
        _refuse_missing(origins, gaps, usual)
        if off_mm > _NEARLY_EVEN * usual:
            raise InputError(
                f"The slices are unevenly spaced, by {gaps.min():.3g} to {gaps.max():.3g} mm; reformat the "
                "series to even spacing."
            )
        warnings.append(f"The slices are unevenly spaced, by up to {off_mm:.2g} mm; taken as even.")
    tilt = float(np.degrees(np.arccos(np.clip(step @ normal / np.linalg.norm(step), -1, 1))))
    if tilt > _TILT_DEG:
        warnings.append(
            f"The slices are stacked aslant by {tilt:.1f} degrees (tilted gantry): results lie where the "
            "scan does, but the model sees sheared shapes."
        )
    return step, warnings


def _refuse_missing(origins: np.ndarray, gaps: np.ndarray, usual: float) -> None:
    """Raise where every distance is a multiple of the usual one, so that slices must be missing."""
    multiples = np.rint(gaps / usual)
    if not (np.abs(gaps / usual - multiples) < 0.1 * multiples).all():
        return
    n_missing = int((multiples - 1).sum())
    at = int(multiples.argmax())
    left, posterior, superior = (f"{mm:.1f}" for mm in origins[at])
    raise InputError(
        f"{n_missing} slice{'s are' if n_missing != 1 else ' is'} missing from the series of {len(origins)} "
        f"(the widest gap follows the slice at L {left}, P {posterior}, S {superior} mm); export the whole "
        "series again."
    )
