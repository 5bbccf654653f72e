"""How good the shipped models are, measured on cases that training never saw."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "weights" / "tested.json"


def shipped_figures(name: str) -> dict[str, Any]:
    """Return what a shipped model's metrics gain: the entry "tested", or nothing for a model not listed.

    Examples
    --------
    >>> shipped_figures("hippocampus-mr")["tested"]["on"]
    '40 held-back cases of the Medical Segmentation Decathlon'
    >>> shipped_figures("unknown")
    {}
    """
    figures = _table().get(name)
    return {} if figures is None else {"tested": figures}


@cache
def _table() -> dict[str, Any]:
    if not TABLE.is_file():
        return {}
    table: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return table
