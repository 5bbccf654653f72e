"""A file for each structure, named after it."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_scd.volume.labels import Label


def structure_files(prefix: Path, labels: Sequence[Label], ending: str) -> dict[int, Path]:
    """File of each label by its number: folder and stem of `prefix`, then the label's name.

    >>> from pathlib import Path
    >>> from napari_scd.volume.labels import LabelTable
    >>> table = LabelTable.from_names(["left lung", "a/b", "a:b"])
    >>> files = structure_files(Path("out/ct"), table.labels, ".stl")
    >>> [file.name for file in files.values()]
    ['ct_left-lung.stl', 'ct_a-b-2.stl', 'ct_a-b-3.stl']
    """
    names = {label.index: re.sub(r"[^\w.-]+", "-", label.name).strip("-.") for label in labels}
    often = Counter(name.casefold() for name in names.values())
    unique = {i: name if name and often[name.casefold()] == 1 else f"{name}-{i}" for i, name in names.items()}
    return {index: prefix.with_name(f"{prefix.name}_{name}{ending}") for index, name in unique.items()}
