"""A run in a few lines: structures with their volume, tokens, windows, seconds."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table
from rich.text import Text

from napari_scd.cli.console import out, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.volume import LabelTable, Sides


def print_case(report: dict[str, Any], table: LabelTable) -> None:
    """Print what was found in one case, what it took and where the files are.

    Parameters
    ----------
    report : dict
        As `write_case` returns it.
    table : LabelTable
        Colours and groups of the structures.
    """
    out.print(structure_table(report["volumes_ml"], table, report.get("confidence") or {}))
    say(run_line(report), style="dim")
    for kind, place in output_lines(report["outputs"]):
        out.print(Text.assemble((f"{kind:<12}", "dim"), place), soft_wrap=True)


def output_lines(outputs: dict[str, str]) -> list[tuple[str, str]]:
    """Files by kind, those of single structures counted together.

    Examples
    --------
    >>> output_lines({"labels": "o.nii", "each: liver": "m/liver.nii", "each: spleen": "m/spleen.nii"})
    [('labels', 'o.nii'), ('each', '2 files in m')]
    """
    together: dict[str, list[str]] = {}
    for kind, path in outputs.items():
        together.setdefault(kind.partition(": ")[0], []).append(path)
    lines = []
    for kind, paths in together.items():
        single = len(paths) == 1 and kind in outputs
        number = "1 file" if len(paths) == 1 else f"{len(paths)} files"
        lines.append((kind, paths[0] if single else f"{number} in {PurePath(paths[0]).parent}"))
    return lines


def structure_table(
    volumes_ml: dict[str, float], table: LabelTable, confidence: dict[str, float] | None = None
) -> Table:
    """Structures found, with colour, volume and how sure the model is; a group's sum follows its parts."""
    sure = confidence or {}
    rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    rows.add_column("structure")
    rows.add_column("volume", justify="right")
    if sure:
        rows.add_column("sure", justify="right")
    missing = [name for name, ml in volumes_ml.items() if not ml]
    for label in table.labels:
        if volumes_ml.get(label.name):
            percent = [f"{100 * sure[label.name]:.0f} %"] if label.name in sure else []
            rows.add_row(_swatch(label.name, label.colour), _ml(volumes_ml[label.name]), *percent)
    for group, total in group_volumes_ml(volumes_ml, table).items():
        rows.add_row(Text(f"  {group}, all parts", style="bold"), Text(_ml(total), style="bold"))
    if missing:
        shown = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
        rows.add_row(Text(f"not found: {shown}", style="dim"), "")
    return rows


def group_volumes_ml(volumes_ml: dict[str, float], table: LabelTable) -> dict[str, float]:
    """Volume of every group of which something was found, in ml."""
    sums: dict[str, float] = {}
    for label in table.labels:
        if label.group and volumes_ml.get(label.name):
            sums[label.group] = sums.get(label.group, 0.0) + volumes_ml[label.name]
    return sums


def run_line(report: dict[str, Any]) -> str:
    """Say what was run, in one line."""
    return " · ".join(
        (
            report["model"],
            f"keep {keep_text(report['keep'])}",
            f"tokens {tokens_text(report['tokens'])}",
            windows_text(report["n_windows"]),
            f"{report['seconds']['total']:.1f} s on {report['device']} ({report['precision']})",
        )
    )


def windows_text(n_windows: int) -> str:
    """Say how many windows."""
    return f"{n_windows} window{'s' if n_windows != 1 else ''}"


def keep_text(keep: list[float]) -> str:
    """One number when all stages keep the same share, else all of them."""
    if not keep:
        return "all"
    each = [f"{ratio:.3g}" for ratio in keep]
    return each[0] if len(set(each)) == 1 else ", ".join(each)


def tokens_text(tokens: list[int]) -> str:
    """Living tokens of a window from stage to stage."""
    return " > ".join(str(count) for count in tokens)


def side_table(sides: Sequence[Sides]) -> Table:
    """Structures with their volume on the left and on the right, and the sums of groups."""
    middle = any(row.middle_ml for row in sides)
    rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    rows.add_column("structure")
    for name in ("left", "right", *(("middle",) if middle else ())):
        rows.add_column(name, justify="right")
    for row in sides:
        each = (row.left_ml, row.right_ml, *((row.middle_ml,) if middle else ()))
        shown = [_ml(ml) if ml else "" for ml in each] if middle else [_ml(ml) for ml in each]
        rows.add_row(_swatch(row.name, row.label.colour), *shown)
    for group in sorted({row.label.group for row in sides if row.label.group}):
        members = [row for row in sides if row.label.group == group]
        sums = [sum(row.left_ml for row in members), sum(row.right_ml for row in members)]
        rows.add_row(Text(f"  {group}", style="bold"), *(Text(_ml(ml), style="bold") for ml in sums))
    return rows


def _swatch(name: str, colour: tuple[int, int, int]) -> Text:
    return Text("\u25a0 ", style="#{:02x}{:02x}{:02x}".format(*colour)).append(name, style="default")


def _ml(volume_ml: float) -> str:
    return f"{volume_ml:.2f} ml" if volume_ml < 100 else f"{volume_ml:.0f} ml"
