"""Carry out an evaluation order: every case at every keep ratio, tables, plot."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from rich import box
from rich.table import Table

from napari_scd.checkpoints import load, save
from napari_scd.cli.console import out, print_json, say
from napari_scd.cli.run.evaluate_cases import truth_of
from napari_scd.cli.run.measure_cases import make_folder, measure_cases, write_text
from napari_scd.engine import Request, Session, choose_hardware
from napari_scd.errors import InputError
from napari_scd.evaluation import (
    TOLERANCE_MM,
    CaseFiles,
    CaseRun,
    EvaluationHeading,
    EvaluationPlan,
    KeepRow,
    card_metrics,
    card_table,
    evaluate_case,
    plot_dice_against_seconds,
    structure_table,
    structures_of,
    summarise,
    to_csv,
    to_dict,
    to_markdown,
    usual_row,
    warm_up,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_scd.checkpoints import Checkpoint
    from napari_scd.cli.run.evaluate_cases import EvaluateOrder


class EvaluationSetup(NamedTuple):
    """A model as loaded and ready to be measured, the cases, what is measured on them, and the heading."""

    checkpoint: Checkpoint
    session: Session
    cases: list[CaseFiles]
    plan: EvaluationPlan
    heading: EvaluationHeading


def run_evaluation(order: EvaluateOrder, *, as_json: bool) -> int:
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
    checkpoint, session, cases, plan, heading = prepare(order)
    runs, worst = _run_cases(session, cases, plan, order.out)
    if not runs:
        raise InputError("No case could be measured: see the messages above.")
    rows = summarise(runs)
    if order.card is not None:
        _write_card(order.card, checkpoint, card_metrics(heading, rows, order.about_cases))
    if order.out is not None:
        write_results(order.out, heading, rows, runs)
    if as_json:
        print_json(to_dict(heading, rows))
    else:
        print_rows(heading, rows)
        if order.out is not None:
            say(
                f"Wrote {order.out / 'summary.md'}, card.md, cases.csv, summary.json and "
                "dice-against-seconds.png"
            )
    return worst


def prepare(order: EvaluateOrder) -> EvaluationSetup:
    """Load the model, find the cases and settle what is measured.

    Raises
    ------
    InputError
        When nothing at all can start.
    """
    if order.threads:
        torch.set_num_threads(order.threads)
    loaded = checkpoint = load(order.model)
    if checkpoint.recipe.field == "prompt":
        raise InputError(f"'{order.model}' segments what it is pointed at: add --clicks 10 to measure that.")
    request = Request(
        device=order.device,
        precision=order.precision,
        sharpen=order.sharpen,
        clean_up=order.clean_up,
        air=order.air,
    )
    for keep in order.keeps:
        Request(keep=keep)
    truth = truth_of(order, checkpoint.labels, checkpoint.recipe.activation)
    checkpoint.network.choose_by(order.chooser)
    if order.zero_tokens:
        checkpoint = checkpoint._replace(network=checkpoint.network.without_tokens())
    known = {value for held in truth.values for value in held} | {
        *truth.background,
        *checkpoint.labels.indices,
    }
    tolerance = order.tolerance_mm
    if tolerance is None:
        tolerance = TOLERANCE_MM[checkpoint.recipe.modality]
    plan = EvaluationPlan(
        structures_of(checkpoint.labels, truth.values, only=order.structures),
        frozenset(known),
        order.keeps,
        tolerance if order.surface else None,
        request,
        frozenset(order.ignored) | frozenset(truth.ignored),
    )
    session = Session(*checkpoint, cache_bytes=0)
    hardware = choose_hardware(request)
    heading = EvaluationHeading(
        session.name,
        checkpoint.provenance.sha256,
        hardware.device.type,
        hardware.precision,
        plan.tolerance_mm,
        _note(order),
    )
    return EvaluationSetup(loaded, session, truth.cases, plan, heading)


def _write_card(path: Path, checkpoint: Checkpoint, figures: dict[str, Any]) -> None:
    """Write the same model with these figures on its card."""
    provenance = checkpoint.provenance
    measured = replace(provenance, metrics=provenance.metrics | {"tested": figures})
    save(path, checkpoint.network, checkpoint.recipe, checkpoint.labels, measured)


def _note(order: EvaluateOrder) -> str:
    """Say what was unusual."""
    if order.zero_tokens:
        return "The decoder was given zeros for tokens."
    notes = [] if order.clean_up else ["Stray parts were kept."]
    if order.chooser != "learned":
        notes.append(f"Tokens chosen by '{order.chooser}'.")
    return " ".join(notes)


def write_results(
    folder: Path, heading: EvaluationHeading, rows: Sequence[KeepRow], runs: Sequence[CaseRun]
) -> None:
    """Write every number, the means to read and for programs, and the plot."""
    write_text(folder / "cases.csv", to_csv(runs))
    write_text(folder / "summary.md", to_markdown(heading, rows))
    write_text(folder / "summary.json", json.dumps(to_dict(heading, rows), indent=2) + "\n")
    usual = usual_row(rows)
    page = f"{card_table(heading, rows)}\n\nAt keep {usual.keep:g}:\n\n{structure_table(usual)}\n"
    write_text(folder / "card.md", page)
    plot_dice_against_seconds(folder / "dice-against-seconds.png", heading.model, rows)


def print_rows(heading: EvaluationHeading, rows: Sequence[KeepRow]) -> None:
    """Print means and the Dice of every structure by keep ratio."""
    n_cases = max(row.n_cases for row in rows)
    say(f"{heading.model} on {n_cases} case{'s' * (n_cases != 1)}, {heading.device} ({heading.precision})")
    if heading.note:
        say(heading.note, style="yellow")
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("keep", *(f"{row.keep:g}" for row in rows)):
        table.add_column(column, justify="left" if column == "keep" else "right")
    table.add_row("mean Dice", *(number(row.overall.dice, 3) for row in rows), style="bold")
    if heading.tolerance_mm is not None:
        table.add_row("HD95 (mm)", *(number(row.overall.hd95_mm, 1) for row in rows))
        table.add_row(
            f"surface Dice {heading.tolerance_mm:g} mm",
            *(number(row.overall.surface_dice, 3) for row in rows),
        )
    table.add_row("median volume ratio", *(number(row.overall.volume_ratio, 2) for row in rows))
    table.add_row("tokens left", *(str(row.tokens[-1]) for row in rows))
    table.add_row("GMACs a case", *(number(row.macs / 1e9, 1) for row in rows))
    table.add_row("seconds a case", *(number(row.seconds, 2) for row in rows), end_section=True)
    for name in rows[0].structures:
        table.add_row(f"Dice {name}", *(number(row.structures[name].dice, 3) for row in rows))
    out.print(table)
    usual = usual_row(rows)
    say(f"At keep {usual.keep:g}:")
    out.print(_structures(usual, with_surface=heading.tolerance_mm is not None))


def _structures(row: KeepRow, *, with_surface: bool) -> Table:
    """Lay out what was measured of every structure at one keep ratio."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    quantities = [("Dice", "dice", 3), ("volume ratio", "volume_ratio", 2)]
    if with_surface:
        quantities += [("surface Dice", "surface_dice", 3), ("HD95 (mm)", "hd95_mm", 1)]
    table.add_column("structure")
    for title, _, _ in quantities:
        table.add_column(title, justify="right")
    for name, means in row.structures.items():
        table.add_row(name, *(number(getattr(means, key), digits) for _, key, digits in quantities))
    return table


def _run_cases(
    session: Session, cases: Sequence[CaseFiles], plan: EvaluationPlan, folder: Path | None
) -> tuple[list[CaseRun], int]:
    """Measure all cases; cases.csv grows with every one, so that an interruption loses little."""
    if folder is not None:
        make_folder(folder)
    runs: list[CaseRun] = []

    def measure(case: CaseFiles, tell: Callable[[float], None]) -> None:
        if not runs:
            warm_up(session, case, plan)
        measured = []
        for run in evaluate_case(session, case, plan):
            measured.append(run)
            tell(len(measured) / len(plan.keeps))
        runs.extend(measured)
        if folder is not None:
            write_text(folder / "cases.csv", to_csv(runs))

    return runs, measure_cases(cases, measure)


def number(value: float, digits: int) -> str:
    """Write a number for a table; a dash where it is not defined."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
