"""The rules of the house: who may import whom and how, names that exist once, messages without options."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
    "lazy": set(),
    "own_process": set(),
    "plain": set(),
}
INSIDE_VIEWER = {
    "state": set(),
    "layers": set(),
    "plugin": {"layers"},
    "logic": {"layers", "plugin", "state"},
    "dock": {"layers", "plugin", "logic", "state"},
}
MOST_LINES = 300
GUI = {"napari", "qtpy", "superqt", "magicgui", "vispy", "app_model", "PyQt5", "PyQt6", "PySide2", "PySide6"}
WINDOW_SYSTEM = GUI - {"napari"} | {
    "napari.qt",
    "napari._qt",
    "napari._vispy",
    "napari.viewer",
    "napari.Viewer",
}


class Import(NamedTuple):
    """A module that is imported, and the name taken from it; empty for ``import module``."""

    module: str
    name: str

    @property
    def full(self) -> str:
        """Dotted name of what is imported."""
        return f"{self.module}.{self.name}" if self.name else self.module


def imports_of(tree: ast.Module, package: str) -> Iterator[Import]:
    """What a module imports, anywhere in it; `package` is the module's own package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, base]) if base else ".".join(parents)
            yield from (Import(base, alias.name) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and _called(node) in ("import_module", "__import__"):
            if isinstance(node.args[0], ast.Constant):
                yield Import(str(node.args[0].value), "")


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


@cache
def modules() -> dict[str, Path]:
    """Path of every module of the package by its dotted name; a package's own is its ``__init__``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("napari_scd", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def public_names(package: str) -> set[str]:
    """Names that a package's ``__init__`` imports, or lists as those it imports when they are first used."""
    imported = {one.name for one in imports_of(tree_of(package), package)}
    tables = [node for node in ast.walk(tree_of(package)) if isinstance(node, ast.Dict)]
    listed = {key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)}
    return imported | listed


@cache
def packages() -> set[str]:
    """Dotted names of the folders."""
    return {name for name, path in modules().items() if path.name == "__init__.py"}


@cache
def tree_of(module: str) -> ast.Module:
    """Syntax tree of a module of the package."""
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def room_of_module(module: str) -> str:
    """Room, or file outside the rooms, that a module of the package belongs to."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def modules_of(room: str) -> list[str]:
    """The modules of one room."""
    return [module for module in modules() if room_of_module(module) == room]


def package_of(module: str) -> str:
    """Package that a module's relative imports start from."""
    return module if module in packages() else module.rpartition(".")[0]


def room_of(name: str) -> str | None:
    """Room that a dotted name leads to; None for other packages and for what lies outside the rooms."""
    first, _, rest = name.partition(".")
    if first != "napari_scd" or not rest:
        return None
    room = rest.split(".")[0]
    room = napari_scd._HOME_OF.get(room, room)
    return None if room in (*OUTSIDE, "__version__", "sample_data") else room


def shut_doors(tree: ast.Module, room: str, package: str) -> list[str]:
    """Imports in a module of `room` that its doors forbid."""
    allowed = (ROOMS | OUTSIDE)[room] | {room}
    found = []
    for name in (imported.full for imported in imports_of(tree, package)):
        entered = room_of(name)
        if entered is not None and entered not in allowed:
            found.append(f"{room} may not import {name}")
        if name.split(".")[0] in GUI and room not in ("viewer", "__main__"):
            found.append(f"{room} may not import the GUI package {name}")
        if name.split(".")[0] == "torch" and room == "volume":
            found.append(f"{room} may not import {name}")
    return found


def back_doors(tree: ast.Module, module: str) -> list[str]:
    """Imports of a module that enter another folder by one of its files instead of its ``__init__``.

    The commands under ``cli/run`` are excepted: each is loaded by itself, when it is run.
    """
    here = f"{package_of(module)}."
    found = []
    for imported in imports_of(tree, package_of(module)):
        is_module = imported.full in modules() and not (
            imported.module in packages() and imported.name in public_names(imported.module)
        )
        target = imported.full if is_module else imported.module
        if target not in modules():
            continue
        parts = target.split(".")
        outer = (".".join(parts[: n + 1]) for n in range(len(parts)))
        entered = next(
            (folder for folder in outer if folder in packages() and not here.startswith(f"{folder}.")), ""
        )
        if entered and entered != "napari_scd.cli.run" and target != entered:
            found.append(f"{module} imports {target}, not from {entered}")
    return found


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules that import each other, directly or by way of others (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for other in sorted(edges.get(node, ())):
            if other not in order:
                visit(other)
            if other in stack:
                lowest[node] = min(lowest[node], lowest[other])
        if lowest[node] == order[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(edges):
        if node not in order:
            visit(node)
    return found


def sentences(tree: ast.Module) -> Iterator[tuple[int, str, bool]]:
    """Line, text and "is it a docstring?" of every string that is not an argument of a process."""
    docstrings, arguments = set(), set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node) is not None
        ):
            docstrings.add(node.body[0].value)
        if isinstance(node, ast.List) and any(ast.unparse(part) == "sys.executable" for part in node.elts):
            arguments |= set(ast.walk(node))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in arguments:
            yield node.lineno, node.value, node in docstrings


OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
LETTER = re.compile(r"(?<!\bpython )(?<![\w-])-[a-z](?=[ '\",.:;)]|$)")
COMMAND = re.compile(r"napari-scd (?:segment|train|models|evaluate|benchmark|ablate|demo|bundle)\b")
KEY = re.compile(r"\((?:[A-Z]|(?:Ctrl|Shift|Alt)\+\w+)\)|\bpress [A-Z]\b")


def foreign_words(tree: ast.Module) -> list[str]:
    """Options and commands of the command line, and keys of the dock, in a module's strings."""
    found = []
    for line, text, is_docstring in sentences(tree):
        patterns = (OPTION,) if is_docstring else (OPTION, LETTER, COMMAND, KEY)
        found += [f"{line}: {hit[0]}" for pattern in patterns for hit in pattern.finditer(text)]
    return found


def test_every_folder_has_a_rule() -> None:
    assert {room_of_module(module) for module in packages()} - {"__init__"} <= set(ROOMS)
    assert {path.stem for path in PACKAGE.glob("*.py")} <= set(OUTSIDE)


@pytest.mark.parametrize("room", [*ROOMS, *OUTSIDE])
def test_doors(room: str) -> None:
    found = []
    for module in modules_of(room):
        found += shut_doors(tree_of(module), room, package_of(module))
    assert found == []


@pytest.mark.parametrize("room", [*ROOMS, *OUTSIDE])
def test_rooms_are_entered_through_their_init(room: str) -> None:
    found = []
    for module in modules_of(room):
        found += back_doors(tree_of(module), module)
    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_modules_of_a_room_import_each_other_in_a_circle(room: str) -> None:
    inside = modules_of(room)
    edges: dict[str, set[str]] = {}
    for module in inside:
        imports = imports_of(tree_of(module), package_of(module))
        targets = (one.full if one.full in inside else one.module for one in imports)
        edges[module] = {target for target in targets if target in inside}
    assert circles(edges) == []


@pytest.mark.parametrize("part", INSIDE_VIEWER)
def test_doors_inside_the_viewer(part: str) -> None:
    """Layers <- plugin <- logic <- dock; layers and logic know no window system."""
    found = []
    for module in modules_of("viewer"):
        if module.split(".")[2:3] != [part]:
            continue
        for imported in imports_of(tree_of(module), package_of(module)):
            name = imported.full
            entered = name.removeprefix("napari_scd.viewer.").split(".")[0]
            if name.startswith("napari_scd.viewer.") and entered not in INSIDE_VIEWER[part] | {part}:
                found.append(f"{module} may not import {name}")
            if part in ("layers", "logic") and any(
                name == one or name.startswith(f"{one}.") for one in WINDOW_SYSTEM
            ):
                found.append(f"{module} may not import {name}")
    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_class_name_exists_twice(room: str) -> None:
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules():
        for node in tree_of(module).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(module)
    twice = {name: where for name, where in homes.items() if len(where) > 1}
    found = [
        f"{name} ({', '.join(where)})" for name, where in twice.items() if room in map(room_of_module, where)
    ]
    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_name_of_a_room_is_a_module_of_it(room: str) -> None:
    """Importing the module would put it in the place of the name."""
    found = []
    for entrance in (PACKAGE / room).rglob("__init__.py"):
        files = {path.stem for path in entrance.parent.iterdir()}
        tables = [node for node in ast.walk(ast.parse(entrance.read_text())) if isinstance(node, ast.Dict)]
        names = {key.value for table in tables for key in table.keys if isinstance(key, ast.Constant)}
        found += [f"{entrance.parent.name}.{name}" for name in sorted(names & files)]
    assert found == []


@pytest.mark.parametrize("room", sorted((set(ROOMS) - {"cli", "viewer"}) | (set(OUTSIDE) - {"__main__"})))
def test_lower_rooms_know_no_options_and_no_keys(room: str) -> None:
    found = []
    for module in modules_of(room):
        found += [f"{module}, line {word}" for word in foreign_words(tree_of(module))]
    assert found == []


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
    assert shut_doors(ast.parse(line), "volume", "napari_scd.volume")


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
    assert shut_doors(ast.parse(line), room, f"napari_scd.{room}") == []


@pytest.mark.parametrize(
    ("line", "module", "seen"),
    [
        ("from napari_scd.volume import Volume", "napari_scd.engine.session", False),
        ("from napari_scd.volume.volume import Volume", "napari_scd.engine.session", True),
        ("from napari_scd.volume import volume", "napari_scd.engine.session", True),
        ("from napari_scd.volume import resample", "napari_scd.engine.session", False),
        ("import napari_scd.volume.volume", "napari_scd.engine.session", True),
        ("from napari_scd.engine.run import Run", "napari_scd.engine.session", False),
        ("from napari_scd.errors import InputError", "napari_scd.engine.session", False),
        ("from napari_scd.volume.dicom import is_dicom", "napari_scd.volume.files", False),
        ("from napari_scd.volume.dicom.series import find_series", "napari_scd.volume.files", True),
        ("from napari_scd.volume.labels import Label", "napari_scd.volume.dicom.series", False),
        ("from napari_scd.volume.dicom import is_dicom", "napari_scd.engine.session", True),
        ("from napari_scd.cli.run.segment import run", "napari_scd.cli.segment", False),
    ],
)
def test_a_back_door_is_seen(line: str, module: str, seen: bool) -> None:
    assert bool(back_doors(ast.parse(line), module)) is seen


def test_circles_are_found() -> None:
    edges = {"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set(), "e": {"a", "d"}}
    assert circles(edges) == [["b", "c"]]
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ('raise InputError("Give a point with --at.")', True),
        ('raise InputError(f"{name}: click it (K).")', True),
        ('say("give another -o")', True),
        ('say("run napari-scd models convert")', True),
        ('def f():\n    """Read what ``--tokens`` names."""', True),
        ('run([sys.executable, "-m", "napari_scd", "--time-rounds"])', False),
        ('say("a well-known out-of-memory error, -1 to 1 (R, A, S), see e.g. A-b")', False),
    ],
)
def test_words_of_the_command_line_are_seen(source: str, seen: bool) -> None:
    assert bool(foreign_words(ast.parse(source))) is seen


def test_no_file_is_too_long_to_read_at_once() -> None:
    lengths = {
        str(path.relative_to(PACKAGE)): path.read_text("utf-8").count("\n") for path in modules().values()
    }
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def test_the_page_for_contributors_shows_these_rules() -> None:
    page = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]+) \|$", page, re.MULTILINE)
    shown = {room: set() if doors == "-" else set(doors.split(", ")) for room, doors in rows}
    assert shown.pop("cli") == {"all but viewer"}
    assert shown == {room: doors for room, doors in ROOMS.items() if room != "cli"}


def test_names_are_plain() -> None:
    """Metaphors that once had to be explained: a test's dock without a window is a `dock`, not a `desk`."""
    metaphors = {"bench", "desk", "dial", "errand", "intake", "tour"}
    found = []
    for path in (*PACKAGE.rglob("*.py"), *Path(__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = (getattr(node, part, None) for part in ("id", "arg", "attr", "name"))
            words = {word.lower() for name in names if isinstance(name, str) for word in name.split("_")}
            found += [f"{path.name}, line {node.lineno}: {word}" for word in words & metaphors]
    assert found == []


def test_rules_have_no_circle() -> None:
    seen: set[str] = set()
    while len(seen) < len(ROOMS):
        ready = {room for room, doors in ROOMS.items() if room not in seen and doors <= seen}
        assert ready, f"rooms in a circle: {sorted(set(ROOMS) - seen)}"
        seen |= ready
