"""Sort images by the place they show, and the images of one place by the scan they belong to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.errors import InputError
from napari_scd.volume.dicom.other_tags import sorted_by_other_tags
from napari_scd.volume.dicom_image import Contrast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.volume.dicom_image import Image

    Places = list[list[Image]]
    Key = Callable[[Image], tuple[object, ...]]

_EXACT_MM = 1e-2
_ROUNDED_MM = 0.11  # rounding to a tenth of a millimetre moves equal positions apart by this much
_SHARE_OF_STEP = 0.3
_DAY_S = 86_400.0
_EVEN = 0.02  # of the slice distance: what rounding in headers makes
_ROUNDED = 0.1  # ... and of thin slices, where positions are rounded to a tenth of a millimetre
NEARLY_EVEN = 0.25
"""Slices may be off by this share of the slice distance and still make one volume, with a warning."""


def normal_of(image: Image) -> np.ndarray:
    """Return the direction (L, P, S) across an image."""
    row, column = np.reshape(image.orientation, (2, 3))
    return np.cross(row, column)


def places_of(images: Sequence[Image]) -> Places:
    """Sort images by their place, from the first to the last along their normal."""
    normal = normal_of(images[0])
    ordered = sorted(images, key=lambda image: float(np.dot(image.position_mm, normal)))
    span_mm = float(np.dot(np.subtract(ordered[-1].position_mm, ordered[0].position_mm), normal))
    step_mm = images[0].thickness_mm or span_mm / max(len(images) - 1, 1)
    tolerance_mm = max(_EXACT_MM, min(_ROUNDED_MM, _SHARE_OF_STEP * step_mm))
    places: Places = []
    for image in ordered:
        if (
            places
            and np.linalg.norm(np.subtract(image.position_mm, places[-1][0].position_mm)) < tolerance_mm
        ):
            places[-1].append(image)
        else:
            places.append([image])
    return places


def even_step(origins: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Fit a straight line of evenly spaced points.

    Parameters
    ----------
    origins
        (n, 3) mm with n > 1, in order.

    Returns
    -------
    The first point (3,), the step (3,) to the next, and how far the worst of ``origins`` is from where it
    should be, in mm.

    Examples
    --------
    >>> first, step, off_mm = even_step(np.array([[0.0, 0, 0], [0, 0, 2.1], [0, 0, 4]]))
    >>> step.round(3).tolist(), round(off_mm, 3)
    ([0.0, 0.0, 2.0], 0.067)
    """
    index = np.arange(len(origins)) - (len(origins) - 1) / 2
    step = index @ origins / (index @ index)
    even = origins.mean(axis=0) + index[:, None] * step
    return even[0], step, float(np.linalg.norm(origins - even, axis=1).max())


def allowed_mm(step_mm: float) -> float:
    """Return how far rounding in headers may move slices of this distance."""
    return max(_EVEN * step_mm, min(0.09, _ROUNDED * step_mm))


def make_one_stack(images: Sequence[Image]) -> bool:
    """Tell whether images are evenly spaced, with the same number at each place; no voxel is read."""
    places = places_of(images)
    if len({len(place) for place in places}) > 1:
        return False
    if len(places) < 3:
        return True
    origins = np.array([place[0].position_mm for place in places])
    _, step, off_mm = even_step(origins)
    return off_mm <= NEARLY_EVEN * float(np.linalg.norm(step))


def frames_of(places: Places) -> tuple[tuple[Image, ...], ...]:
    """Sort the images of each place into the scans they belong to, the earliest scan first.

    Parameters
    ----------
    places
        Equally many images in each.

    Returns
    -------
    For each scan, its images from the first place to the last.

    Raises
    ------
    InputError
        When the headers leave open which image belongs to which scan.
    """
    if len(places[0]) == 1:
        return (tuple(place[0] for place in places),)
    if _numbered_in_time(places):
        ordered = (sorted(place, key=lambda image: image.contrast[:2]) for place in places)
        return tuple(zip(*ordered, strict=True))
    when = _clock([image for place in places for image in place])
    told_apart_by = [
        name
        for name in Contrast._fields
        if any(len({getattr(image.contrast, name) for image in place}) > 1 for place in places)
    ]
    for key in (_by_time_first(when), _by_contrast_first(when)):
        frames = tuple(zip(*(sorted(place, key=key) for place in places), strict=True))
        if all(
            len({getattr(image.contrast, name) for image in frame}) == 1
            for frame in frames
            for name in told_apart_by
        ):
            doubt = _doubt_about(frames, when)
            if doubt is None:
                return frames
            by_others = sorted_by_other_tags(places)
            if by_others is None:
                raise doubt
            return by_others
    odd = _odd_place(places, told_apart_by)
    raise InputError(
        f"The slice positions do not hold the same scans (echoes, b-values or phases): see {odd.path.name}. "
        "Export each scan as a series of its own."
    )


def _numbered_in_time(places: Places) -> bool:
    """Tell whether the scanner itself has numbered the scans of a dynamic series, in every place alike."""
    numbers = [sorted(image.contrast[:2] for image in place) for place in places]
    return len(set(numbers[0])) == len(numbers[0]) and all(one == numbers[0] for one in numbers)


def _by_time_first(when: Key) -> Key:
    def key(image: Image) -> tuple[object, ...]:
        contrast = image.contrast
        acquisition, trigger, *clock = when(image)
        return (*contrast[:2], acquisition, *contrast[2:4], trigger, *contrast[4:], *clock)

    return key


def _by_contrast_first(when: Key) -> Key:
    return lambda image: (*image.contrast, *when(image))


def _clock(images: Sequence[Image]) -> Key:
    """Return the key that sorts images by their moment; a time that some lack is ignored for all."""
    has = [all(image.moment[part] >= 0 for image in images) for part in (2, 3)]
    shift = [_midnight([image.moment[part] for image in images]) for part in (2, 3)]

    def key(image: Image) -> tuple[object, ...]:
        times = [
            (time + _DAY_S * (time < late)) * known
            for time, known, late in zip(image.moment[2:], has, shift, strict=True)
        ]
        return (*image.moment[:2], *times, image.number, image.frame)

    return key


def _midnight(times: Sequence[float]) -> float:
    """Return the time of day before which images were taken on the next day; 0 where none were."""
    without_date = max(times) < _DAY_S
    return _DAY_S / 2 if without_date and max(times) - min(times) > _DAY_S / 2 else 0.0


def _doubt_about(frames: tuple[tuple[Image, ...], ...], when: Key) -> InputError | None:
    """Return the refusal of images that differ in nothing, or in numbers that follow no order."""
    by_number_only = False
    for one, two in zip(frames, frames[1:], strict=False):
        for image, other in zip(one, two, strict=True):
            if image.contrast != other.contrast or when(image)[:-2] != when(other)[:-2]:
                continue
            if image.number == other.number and image.path != other.path:
                return _ambiguous(image, other)
            by_number_only = True
    numbers = np.array([[(image.number, image.frame) for image in frame] for frame in frames])
    one_file = len({image.path for frame in frames for image in frame}) == 1
    if by_number_only and not _in_some_order(numbers[..., int(one_file)]):
        return _ambiguous(frames[0][0], frames[1][0])
    return None


def _in_some_order(numbers: np.ndarray) -> bool:
    """Tell whether numbers (scan, slice) run scan by scan, slice by slice, or in step with each other.

    Examples
    --------
    >>> _in_some_order(np.array([[1, 2, 3], [6, 5, 4]])), _in_some_order(np.array([[1, 3, 5], [2, 4, 6]]))
    (True, True)
    >>> _in_some_order(np.array([[1, 2, 4], [5, 3, 6]]))
    False
    """
    scan_by_scan = (numbers.max(axis=1)[:-1] < numbers.min(axis=1)[1:]).all()
    in_step = (np.diff(numbers, axis=0) == np.diff(numbers, axis=0)[:, :1]).all()
    ends = sorted(zip(numbers.min(axis=0), numbers.max(axis=0), strict=True))
    slice_by_slice = all(high < low for (_, high), (low, _) in zip(ends, ends[1:], strict=False))
    return bool(scan_by_scan or in_step or slice_by_slice)


def _ambiguous(image: Image, other: Image) -> InputError:
    both = f"{image.path.name} and {other.path.name}"
    if image.path == other.path:
        both = f"The images {image.frame + 1} and {other.frame + 1} of {image.path.name}"
    return InputError(
        f"{both} show the same place, and nothing in their headers tells "
        "which scan each of them belongs to; export each scan as a series of its own."
    )


def _odd_place(places: Places, names: Sequence[str]) -> Image:
    """Return the first image of a place whose scans differ from those of most places."""
    held = [
        frozenset(Counter(tuple(getattr(image.contrast, name) for name in names) for image in place).items())
        for place in places
    ]
    usual = Counter(held).most_common(1)[0][0]
    return next((place[0] for place, what in zip(places, held, strict=True) if what != usual), places[0][0])
