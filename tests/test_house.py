"""The doors between the rooms: who may import whom, and who may know a window system."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import napari_scd

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(napari_scd.__file__).parent
ROOMS = {
    "volume": set(),
    "model": set(),
    "checkpoints": {"volume", "model"},
    "engine": {"volume", "model"},
    "batch": {"volume", "checkpoints", "engine"},
    "evaluation": {"volume", "engine"},
    "training": {"volume", "model", "checkpoints", "engine", "evaluation"},
    "benchmarks": {"volume", "model", "checkpoints", "engine", "training"},
    "ablation": {"volume", "model", "engine", "evaluation", "training", "benchmarks"},
    "viewer": {"volume", "checkpoints", "engine"},
}
ROOMS["cli"] = set(ROOMS) - {"viewer"}
OUTSIDE = {
    "__init__": set(ROOMS) - {"viewer"},
    "__main__": {"viewer"},
    "cancel": set(),
    "errors": set(),
    "plain": set(),
}
GUI = {"napari", "qtpy", "superqt", "magicgui", "vispy", "app_model", "PyQt5", "PyQt6", "PySide2", "PySide6"}


def imports_of(source: str, package: str) -> Iterator[str]:
    """Dotted names a module imports, anywhere in it; `package` is the module's own package."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]) if base else ".".join(parents)
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and _called(node) in ("import_module", "__import__"):
            if isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def room_of(name: str) -> str | None:
    """Room that a dotted name belongs to; None for other packages and for what lies outside the rooms."""
    first, _, rest = name.partition(".")
    if first != "napari_scd" or not rest:
        return None
    room = rest.split(".")[0]
    room = napari_scd._HOME_OF.get(room, room)
    return None if room in ("cancel", "errors", "plain", "__version__", "sample_data") else room


def faults(source: str, room: str, package: str) -> list[str]:
    """Imports in a module of `room` that its doors forbid."""
    allowed = (ROOMS | OUTSIDE)[room] | {room}
    found = []
    for name in imports_of(source, package):
        entered = room_of(name)
        if entered is not None and entered not in allowed:
            found.append(f"{room} may not import {name}")
        if name.split(".")[0] in GUI and room not in ("viewer", "__main__"):
            found.append(f"{room} may not import the GUI package {name}")
        if name.split(".")[0] == "torch" and room == "volume":
            found.append(f"{room} may not import {name}")
    return found


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_folder_has_a_rule() -> None:
    folders = {path.relative_to(PACKAGE).parts[0] for path in modules() if path.parent != PACKAGE}
    assert folders <= set(ROOMS), f"folders without a rule: {sorted(folders - set(ROOMS))}"
    assert {path.stem for path in PACKAGE.glob("*.py")} <= set(OUTSIDE)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_doors(path: Path) -> None:
    inside = path.relative_to(PACKAGE)
    room = inside.parts[0] if len(inside.parts) > 1 else inside.stem
    package = ".".join(["napari_scd", *inside.parent.parts])
    assert faults(path.read_text(encoding="utf-8"), room, package) == []


@pytest.mark.parametrize(
    "line",
    [
        "import napari_scd.viewer.widget",
        "from napari_scd.viewer import layers",
        "from napari_scd import viewer",
        "from ..viewer import layers",
        "from .. import viewer",
        "from napari_scd import Session",
        "def f():\n    import napari_scd.engine as e",
        "import importlib\nimportlib.import_module('napari_scd.engine')",
        "import qtpy.QtCore",
        "from napari.layers import Image",
        "import torch",
    ],
)
def test_a_shut_door_is_seen(line: str) -> None:
    assert faults(line, "volume", "napari_scd.volume")


@pytest.mark.parametrize(
    ("line", "room"),
    [
        ("from ..volume import Volume", "engine"),
        ("from .session import Session", "engine"),
        ("from napari_scd.errors import InputError", "volume"),
        ("from napari_scd import __version__", "engine"),
        ("from qtpy.QtCore import Qt", "viewer"),
        ("import numpy as np", "volume"),
    ],
)
def test_an_open_door_is_open(line: str, room: str) -> None:
    assert faults(line, room, f"napari_scd.{room}") == []


def test_rules_have_no_circle() -> None:
    seen: set[str] = set()
    while len(seen) < len(ROOMS):
        ready = {room for room, doors in ROOMS.items() if room not in seen and doors <= seen}
        assert ready, f"rooms in a circle: {sorted(set(ROOMS) - seen)}"
        seen |= ready
