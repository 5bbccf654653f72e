"""Carry out an evaluation at other contrasts: every case as it is, with changed values, in thick slices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from napari_scd.cli.console import out, print_json, say
from napari_scd.cli.run.evaluate import number, prepare
from napari_scd.cli.run.measure_cases import make_folder, measure_cases, write_text
from napari_scd.errors import InputError
from napari_scd.evaluation import (
    CONTRASTS,
    CaseFiles,
    CaseRun,
    EvaluationHeading,
    KeepRow,
    contrasts_to_dict,
    contrasts_to_markdown,
    evaluate_case,
    summarise,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.cli.run.evaluate_cases import EvaluateOrder


def run_contrast_evaluation(order: EvaluateOrder, *, as_json: bool) -> int:
    """Measure, print and write.

    Returns
    -------
    int
        Exit code: 0, 2 when a case could not be used, 1 when one failed for a reason that is not its own.

    Raises
    ------
    InputError
        When nothing at all can start, or no case could be used.
    """
    if len(order.keeps) != 1:
        raise InputError("--any-contrast measures one keep ratio at a time: give a single one to --keep.")
    _, session, cases, plan, heading = prepare(order)
    runs: dict[str, list[CaseRun]] = {name: [] for name in CONTRASTS}

    def measure(case: CaseFiles, tell: Callable[[float], None]) -> None:
        measured = {}
        for done, (name, change) in enumerate(CONTRASTS.items(), start=1):
            measured[name] = list(evaluate_case(session, case, plan, change))
            tell(done / len(CONTRASTS))
        for name, some in measured.items():
            runs[name].extend(some)

    if order.out is not None:
        make_folder(order.out)
    worst = measure_cases(cases, measure)
    if not runs["as it is"]:
        raise InputError("No case could be measured: see the messages above.")
    rows = {name: summarise(some)[0] for name, some in runs.items()}
    if order.out is not None:
        write_text(order.out / "contrasts.md", contrasts_to_markdown(heading, rows))
        write_text(
            order.out / "contrasts.json", json.dumps(contrasts_to_dict(heading, rows), indent=2) + "\n"
        )
    if as_json:
        print_json(contrasts_to_dict(heading, rows))
        return worst
    _show(heading, rows)
    if order.out is not None:
        say(f"Wrote {order.out / 'contrasts.md'} and contrasts.json")
    return worst


def _show(heading: EvaluationHeading, rows: dict[str, KeepRow]) -> None:
    first = rows["as it is"]
    plural = "s" * (first.n_cases != 1)
    say(f"{heading.model} on {first.n_cases} case{plural}, keep {first.keep:g} ({heading.precision})")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("contrast", *rows):
        table.add_column(column, justify="left" if column == "contrast" else "right")
    table.add_row("mean Dice", *(number(row.overall.dice, 3) for row in rows.values()), style="bold")
    if heading.tolerance_mm is not None:
        table.add_row("HD95 (mm)", *(number(row.overall.hd95_mm, 1) for row in rows.values()))
    table.add_row(
        "median volume ratio",
        *(number(row.overall.volume_ratio, 2) for row in rows.values()),
        end_section=True,
    )
    for name in first.structures:
        table.add_row(f"Dice {name}", *(number(row.structures[name].dice, 3) for row in rows.values()))
    out.print(table)
