"""Draw which room imports which: ``python docs/figures/rooms.py`` writes docs/images/rooms.png.

Imports are read from the files, type-only ones and those inside functions included. A room is drawn above all
rooms that it imports, so an arrow that pointed up would be a circle. Dark arrows are enough to see that; pale
ones repeat a way that already leads there.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

import napari_scd

PACKAGE = Path(napari_scd.__file__).parent
IMAGE = Path(__file__).parents[1] / "images" / "rooms.png"
INSIDE = "viewer"
WIDTH, HEIGHT = 1.75, 0.62
PLACES = {  # (column, row); rows are checked against the imports
    "volume": (1.0, 0), "model": (3.4, 0),
    "checkpoints": (1.0, 1), "engine": (3.4, 1),
    "batch": (1.0, 2), "evaluation": (3.4, 2),
    "training": (3.4, 3),
    "benchmarks": (3.4, 4),
    "ablation": (3.4, 5),
    "cli": (2.2, 6),
    "viewer/layers": (6.6, 2), "viewer/plugin": (6.6, 3), "viewer/logic": (6.6, 4), "viewer/dock": (6.6, 5),
}  # fmt: skip


def room_of(module: str) -> str:
    """Room of a dotted name; the parts of the viewer are rooms of their own, files outside rooms are none."""
    parts = module.split(".")[1:]
    if parts and parts[0] in napari_scd._HOME_OF:
        return napari_scd._HOME_OF[parts[0]].split(".")[0]
    if len(parts) > 1 and parts[0] == INSIDE:
        return f"{INSIDE}/{parts[1]}"
    return parts[0] if parts else ""


def imports() -> dict[str, set[str]]:
    """Rooms that each room imports."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        here = room_of(".".join(("napari_scd", *path.relative_to(PACKAGE).with_suffix("").parts)))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("napari_scd"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.startswith("napari_scd.")]
            else:
                continue
            found[here] |= {room_of(name) for name in names} & set(PLACES) - {here}
    return {room: found[room] for room in PLACES}


def is_repeated(edges: dict[str, set[str]], start: str, end: str) -> bool:
    """Whether a longer way leads from one room to another too."""
    todo, seen = [room for room in edges[start] if room != end], set()
    while todo:
        room = todo.pop()
        if room == end:
            return True
        if room not in seen:
            seen.add(room)
            todo += edges[room]
    return False


def files_of(room: str) -> tuple[int, int]:
    """Count the files of a room, and the lines of the longest."""
    lengths = [path.read_text(encoding="utf-8").count("\n") for path in (PACKAGE / room).rglob("*.py")]
    return len(lengths), max(lengths)


def draw() -> None:
    """Draw rooms and arrows."""
    edges = imports()
    upward = [(a, b) for a, others in edges.items() for b in others if PLACES[b][1] >= PLACES[a][1]]
    assert not upward, f"imports that do not point down: {upward}"
    figure, axes = plt.subplots(figsize=(9, 6.6), dpi=110)
    for start, others in edges.items():
        for end in others:
            pale = is_repeated(edges, start, end)
            (x0, y0), (x1, y1) = PLACES[start], PLACES[end]
            straight = abs(x0 - x1) < 0.1
            bend = 0.0 if not straight or y0 - y1 == 1 else 0.28
            axes.add_patch(
                FancyArrowPatch(
                    (x0, y0 - HEIGHT / 2), (x1, y1 + HEIGHT / 2), arrowstyle="-|>", mutation_scale=11,
                    connectionstyle=f"arc3,rad={bend}", shrinkA=0, shrinkB=1,
                    color="#c9d3dd" if pale else "#34495e", lw=0.8 if pale else 1.4, zorder=1 if pale else 2,
                )
            )  # fmt: skip
    for room, (x, y) in PLACES.items():
        n_files, longest = files_of(room)
        colour = "#e8f1e4" if room.startswith(INSIDE) else "#fdf3dc" if room == "cli" else "#e6eef7"
        box = FancyBboxPatch(
            (x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, boxstyle="round,pad=0,rounding_size=0.1",
            fc=colour, ec="#34495e", lw=1, zorder=3,
        )  # fmt: skip
        axes.add_patch(box)
        axes.text(x, y + 0.1, room, ha="center", va="center", fontsize=11, weight="bold", zorder=4)
        axes.text(
            x, y - 0.16, f"{n_files} files, longest {longest} lines",
            ha="center", va="center", fontsize=7.5, color="#555", zorder=4,
        )  # fmt: skip
    axes.set_xlim(-0.2, 7.8)
    axes.set_ylim(-0.5, 6.5)
    axes.axis("off")
    figure.savefig(IMAGE, bbox_inches="tight")


if __name__ == "__main__":
    draw()
