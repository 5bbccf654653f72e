"""Sort images into stacks: those of one series, size and direction, and of one pass where passes overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_scd.volume.dicom.other_tags import N_NAMED_TAGS
from napari_scd.volume.dicom.places import make_one_stack, places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from napari_scd.volume.dicom_image import Image, StackKey

_SAME_DIRECTION = 2e-3
_SAME_SPACING = 1e-3  # as a share: archives rewrite numbers with fewer digits
_FEWEST_OF_A_PASS = 3
_MOST_PASSES = 16
_PASS_BY: tuple[Callable[[Image], object], ...] = (
    lambda image: image.moment.acquisition,
    lambda image: image.stack_id,
    lambda image: image.contrast.kind,
    lambda image: image.contrast.echo,
    lambda image: (image.contrast.temporal_index, image.contrast.temporal_position),
    lambda image: image.contrast,
    lambda image: image.moment.acquired_s,
    lambda image: image.moment.stored_s,
    lambda image: image.other_tags[:N_NAMED_TAGS],
)


def stacks_of(images: Iterable[Image]) -> list[tuple[Image, ...]]:
    """Sort the images of any number of series into stacks, in the order in which they come."""
    groups: dict[tuple[tuple[str, bool], StackKey], list[Image]] = {}
    for image in images:
        groups.setdefault((_scan_of(image), _stack_of(image, groups)), []).append(image)
    parts = [part for group in groups.values() for part in passes_of(group)]
    return [tuple(part) for part in _without_lonely_slices(parts)]


def _without_lonely_slices(parts: list[list[Image]]) -> list[list[Image]]:
    """Put slices together that make one stack although each claims to be its own series.

    Some exporters and anonymisers give every file an identifier of its own; study, number and description
    still tell what belongs together.
    """
    alike: dict[tuple[object, ...], list[list[Image]]] = {}
    for part in parts:
        if len(part) == 1 and part[0].n_frames == 1:
            image = part[0]
            alike.setdefault((image.series._replace(uid=""), image.shape), []).append(part)
    for lonely in alike.values():
        together = [image for part in lonely for image in part]
        same = all(_same_stack(together[0].stack, image.stack) for image in together)
        if len(together) >= _FEWEST_OF_A_PASS and same and make_one_stack(together):
            parts = [part for part in parts if part not in lonely] + [together]
    return parts


def passes_of(images: Sequence[Image]) -> list[list[Image]]:
    """Split images that make no even stack into passes that each make one, where a tag tells them apart.

    A scanner may keep two passes in one series, the second shifted by half a slice: together they have slices
    at odd distances; each on its own is a complete scan.
    """
    if len(images) > _FEWEST_OF_A_PASS and not make_one_stack(images):
        for tag in _PASS_BY:
            parts: dict[object, list[Image]] = {}
            for image in images:
                parts.setdefault(tag(image), []).append(image)
            enough = all(len(part) >= _FEWEST_OF_A_PASS for part in parts.values())
            if 1 < len(parts) <= _MOST_PASSES and enough and all(map(make_one_stack, parts.values())):
                return list(parts.values())
    return [list(images)]


def pieces_of(parts: Sequence[Sequence[Image]]) -> list[list[int]]:
    """Tell which parts of one series, each from a folder of its own, are pieces of one scan.

    Pieces lie beside each other, or make no even stack by themselves. Whole scans that lie in one place are
    phases or copies, and stay apart.

    Parameters
    ----------
    parts
        Images of one size and direction each.

    Returns
    -------
    For each scan, the numbers of its parts.
    """
    alike: list[list[int]] = []
    for number, part in enumerate(parts):
        for group in alike:
            if _same_stack(parts[group[0]][0].stack, part[0].stack):
                group.append(number)
                break
        else:
            alike.append([number])
    scans: list[list[int]] = []
    for group in alike:
        whole = len(group) == 1 or _make_one_scan([parts[number] for number in group])
        scans += [group] if whole else [[number] for number in group]
    return scans


def _make_one_scan(parts: Sequence[Sequence[Image]]) -> bool:
    if not all(map(make_one_stack, parts)):
        return True
    together = [image for part in parts for image in part]
    beside = len(places_of(together)) == sum(len(places_of(part)) for part in parts)
    return beside and make_one_stack(together)


def _scan_of(image: Image) -> tuple[str, bool]:
    """Return what images must share before their place counts: series, and whether they are scouts."""
    return image.series.uid, is_scout(image)


def is_scout(image: Image) -> bool:
    """Tell whether an image was only taken to plan others."""
    return "LOCALIZER" in image.contrast.kind.upper()


def _stack_of(image: Image, groups: Iterable[tuple[tuple[str, bool], StackKey]]) -> StackKey:
    """Return the stack an image belongs to: an earlier one where size and direction agree."""
    mine, scan = image.stack, _scan_of(image)
    for one, other in groups:
        if one == scan and _same_stack(other, mine):
            return other
    return mine


def _same_stack(one: StackKey, other: StackKey) -> bool:
    turned = np.abs(np.subtract(one.orientation, other.orientation)).max()
    spacing = np.allclose(one.spacing_mm, other.spacing_mm, rtol=_SAME_SPACING, atol=0)
    return bool(one.shape == other.shape and turned < _SAME_DIRECTION and spacing)
