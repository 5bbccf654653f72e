"""What napari calls for JSON files: a reader for those that hold prompts, which the dock answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_scd.plain import from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.viewer.layers import LayerTuple

PROMPTS_FILE = "scd_prompts_file"
"""Entry of a layer's metadata: the path of the file whose prompts the dock reads in the layer's place."""


def get_prompts_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerTuple]] | None:
    """Return the reader when every path is a JSON file with a list of objects; other JSON is not ours."""
    paths = [path] if isinstance(path, str) else list(path)
    return read_prompts if paths and all(_holds_objects(Path(one)) for one in paths) else None


def read_prompts(path: str | Sequence[str]) -> list[LayerTuple]:
    """Return an empty Points layer for each file: the dock takes it away and reads the file."""
    paths = [path] if isinstance(path, str) else list(path)
    nothing = np.empty((0, 3), np.float32)
    return [
        (nothing, {"name": Path(one).stem, "ndim": 3, "metadata": {PROMPTS_FILE: str(one)}}, "points")
        for one in paths
    ]


def _holds_objects(path: Path) -> bool:
    try:
        values = from_json(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return False
    return isinstance(values, dict) and isinstance(values.get("objects"), list)
