"""`napari-scd compare`: two label maps of one patient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from napari_scd.cli.console import print_json, say, show_whole, warn
from napari_scd.cli.options import JsonOption, parse_names
from napari_scd.cli.remedies import closest
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.volume import StructureChange

_TITLES = ("structure", "before", "after", "change", "change %", "Dice")


def compare(
    before: Annotated[
        Path, typer.Argument(metavar="BEFORE", help="A label map (NIfTI, MGH or DICOM segmentation).")
    ],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="A later one of the same patient.")],
    labels: Annotated[
        list[str] | None, typer.Option(metavar="NAME,..", help="Only these structures.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.csv", help="Also write the table as CSV.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two label maps of one patient: volumes, change in ml and %, Dice.

    Structures are matched by name, or by number where a map has no names. Dice compares places in the
    patient, so the scans behind both maps must be aligned (or be the same scan).
    """
    from napari_scd.batch import staged
    from napari_scd.volume import changes_csv, compare_labels, read_label_table, read_labels

    if output is not None and output.suffix.lower() != ".csv":
        raise InputError(f"-o '{output}' must end in .csv.")
    maps = read_labels(before), read_labels(after)
    changes = compare_labels(*maps, read_label_table(before), read_label_table(after))
    changes = _chosen(changes, parse_names(labels))
    if not maps[0].same_grid(maps[1]):
        warn("The label maps lie on different grids: Dice means little unless the scans are aligned.")
    if changes and all(change.dice is None for change in changes):
        warn("The label maps do not overlap in the patient, so there is no Dice.")
    if output is not None:
        with staged() as stage:
            stage(output).write_text(changes_csv(changes), encoding="utf-8")
    if as_json:
        print_json({"before": str(before), "after": str(after), "structures": [c._asdict() for c in changes]})
        return
    show_whole(_table(changes))
    if output is not None:
        say(f"Table: {output}", style="dim")


def _chosen(changes: Sequence[StructureChange], names: Sequence[str]) -> list[StructureChange]:
    """Keep the structures that were named, or all that are in one of the maps."""
    if not names:
        return [change for change in changes if change.before_ml or change.after_ml]
    by_name = {change.structure.casefold(): change for change in changes}
    for name in names:
        if name.casefold() not in by_name:
            known = [change.structure for change in changes]
            close = closest(name, known)
            hint = f" Did you mean '{close}'?" if close else ""
            raise InputError(f"Neither map has a structure '{name}' ({', '.join(known)}).{hint}")
    return [by_name[name.casefold()] for name in names]


def _table(changes: Sequence[StructureChange]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in _TITLES:
        table.add_column(title, justify="left" if title == "structure" else "right", no_wrap=True)
    for change in changes:
        percent, dice = change.change_percent, change.dice
        table.add_row(
            change.structure,
            f"{change.before_ml:.2f} ml",
            f"{change.after_ml:.2f} ml",
            f"{change.change_ml:+.2f} ml",
            "new" if percent is None and change.after_ml else "" if percent is None else f"{percent:+.1f} %",
            "" if dice is None else f"{dice:.3f}",
        )
    return table
