"""Plain values from untrusted JSON and YAML, of limited size and depth; anything else is a ValueError."""

from __future__ import annotations

import json
from typing import Any

MOST_VALUES = 300_000
DEEPEST = 40


def from_json(text: str | bytes) -> Any:
    """Read JSON; anything wrong with it raises ValueError."""
    try:
        return _checked(json.loads(text))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def from_yaml(text: str) -> Any:
    """Read YAML without tags that make objects; anything wrong with it raises ValueError.

    A few lines of aliases can stand for more values than fit into memory: they are counted, not expanded.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        value = yaml.safe_load(text)
    except Exception as error:  # the parser's own, and those of dates, numbers and depths it cannot handle
        raise ValueError(str(error) or type(error).__name__) from error
    return _checked(value)


def _checked(value: Any) -> Any:
    left = [MOST_VALUES]
    _count(value, DEEPEST, left)
    return value


def _count(value: Any, depth: int, left: list[int]) -> None:
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"it holds more than {MOST_VALUES} values")
    if isinstance(value, dict | list | tuple | set):
        if depth == 0:
            raise ValueError("it is nested too deeply")
        for part in value:
            _count(part, depth - 1, left)
            if isinstance(value, dict):
                _count(value[part], depth - 1, left)
