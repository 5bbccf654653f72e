"""File endings: what is read and written, and a file's name without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.errors import Unreadable

if TYPE_CHECKING:
    from pathlib import Path

READABLE = (".nii", ".nii.gz", ".hdr", ".img", ".hdr.gz", ".img.gz", ".mgh", ".mgz")
"""File endings this package reads."""

WRITABLE = (".nii", ".nii.gz", ".mgh", ".mgz")
"""File endings this package writes."""

LABELS_WRITABLE = (*WRITABLE, ".dcm")
"""File endings this package writes label maps to; ``.dcm`` is a DICOM segmentation."""

_COMPRESSED = (".gz", ".mgz")


def check_ending(path: Path, endings: tuple[str, ...]) -> str:
    """Return a file name's ending in small letters, or raise Unreadable when it is none of those given."""
    for ending in sorted(endings, key=len, reverse=True):
        if path.name.lower().endswith(ending):
            return ending
    raise Unreadable(
        path, f"{path.name} has an unknown ending; give a file that ends in {', '.join(endings)}."
    )


def stem_of(path: Path) -> str:
    """Return a file's name without the ending of an image, the double ``.nii.gz`` included.

    Examples
    --------
    >>> from pathlib import Path
    >>> stem_of(Path("scans/t1.v2.nii.gz")), stem_of(Path("IM0001.dcm"))
    ('t1.v2', 'IM0001')
    """
    for ending in sorted(READABLE, key=len, reverse=True):
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.stem


def named_compressed(path: Path) -> bool:
    """Tell whether a file's name says that it is compressed."""
    return path.name.lower().endswith(_COMPRESSED)
