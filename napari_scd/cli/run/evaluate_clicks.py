"""Carry out an evaluation by clicks: every structure of every case, for the model and its baselines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from rich import box
from rich.table import Table

from napari_scd.checkpoints import load
from napari_scd.cli.console import out, print_json, say
from napari_scd.cli.run.evaluate_cases import chosen_cases, found_cases
from napari_scd.cli.run.measure_cases import make_folder, measure_cases, write_text
from napari_scd.engine import Request, Session, choose_hardware
from napari_scd.errors import InputError
from napari_scd.evaluation import (
    PEERS,
    ClickHeading,
    ClickPlan,
    click_case,
    clicks_to_csv,
    clicks_to_dict,
    clicks_to_markdown,
    names_beside,
    plot_dice_against_clicks,
    summarise_clicks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.checkpoints import Checkpoint
    from napari_scd.cli.run.evaluate_cases import EvaluateOrder
    from napari_scd.evaluation import CaseFiles, ClickPeer, ClickRow, ClickTrack

    Tracks = dict[str, list[ClickTrack]]


def run_click_evaluation(order: EvaluateOrder, *, as_json: bool) -> int:
    """Click, print and write.

    Returns
    -------
    int
        Exit code: 0, 2 when a case could not be used, 1 when one failed for a reason that is not its own.

    Raises
    ------
    InputError
        When nothing at all can start, or no case could be used.
    """
    if order.threads:
        torch.set_num_threads(order.threads)
    _refuse_other_options(order)
    keep = order.keeps[0] if order.keeps else None
    request = Request(keep=keep, device=order.device, precision=order.precision, sharpen=order.sharpen)
    found = found_cases(order)
    names = names_beside(next(iter(found.values())).label.parent)
    cases = chosen_cases(order, list(found.values()))
    plan = ClickPlan(order.clicks or 1, request, names, frozenset(order.ignored), frozenset(order.structures))
    checkpoint = _checkpoint(order.model, order.chooser)
    asked = [Session(*checkpoint), *(_baseline(name, order.chooser) for name in order.baselines)]
    tracks: Tracks = {}
    if order.out is not None:
        make_folder(order.out)
    worst = 0
    for one in asked:
        mine = tracks.setdefault(_free_name(one.name, tracks), [])
        worst = max(worst, measure_cases(cases, _clicking(one, plan, order, tracks, mine), one.name))
    if not all(tracks.values()):
        raise InputError("No structure could be measured: see the messages above, or --structures.")
    rows = [summarise_clicks(name, some, plan.counts) for name, some in tracks.items()]
    hardware = choose_hardware(request)
    heading = ClickHeading(
        rows[0].model,
        checkpoint.provenance.sha256,
        hardware.device.type,
        hardware.precision,
        keep,
        order.chooser,
    )
    if order.out is not None:
        write_text(order.out / "clicks.md", clicks_to_markdown(heading, rows))
        write_text(order.out / "clicks.json", json.dumps(clicks_to_dict(heading, rows), indent=2) + "\n")
        plot_dice_against_clicks(order.out / "dice-against-clicks.png", rows)
    if as_json:
        print_json(clicks_to_dict(heading, rows))
    else:
        print_click_rows(heading, rows)
        if order.out is not None:
            say(f"Wrote {order.out / 'clicks.md'}, clicks.csv, clicks.json and dice-against-clicks.png")
    return worst


def print_click_rows(heading: ClickHeading, rows: list[ClickRow]) -> None:
    """Print means and the Dice of every structure by number of clicks."""
    first = rows[0]
    n_cases = f"{first.n_cases} case{'s' * (first.n_cases != 1)}"
    say(f"{heading.model}, clicked, on {n_cases}, {heading.device} ({heading.precision})")
    if heading.chooser != "learned":
        say(f"Tokens chosen by '{heading.chooser}'.", style="yellow")
    counts = list(first.overall.dice)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("Dice after")
    for count in counts:
        table.add_column(f"{count} click{'s' * (count != 1)}", justify="right")
    for column in ("clicks to .85", "s a click", "95 %"):
        table.add_column(column, justify="right")
    for row in rows:
        dice = [f"{row.overall.dice[count]:.3f}" for count in counts]
        times = [f"{row.seconds_median:.2f}", f"{row.seconds_p95:.2f}"]
        to_good = f"{row.overall.clicks_to_good:.1f}"
        table.add_row(row.model, *dice, to_good, *times, style="bold", end_section=row is rows[-1])
    for row in rows:
        for name, means in row.structures.items():
            shown = name if len(rows) == 1 else f"{row.model}: {name}"
            dice = [f"{means.dice[count]:.3f}" for count in counts]
            table.add_row(shown, *dice, f"{means.clicks_to_good:.1f}", "", "")
    out.print(table)


def _refuse_other_options(order: EvaluateOrder) -> None:
    if order.data.suffix in (".yaml", ".yml") or order.split is not None:
        raise InputError(
            "--clicks takes label values as they are: give two folders or a dataset.json as DATA."
        )
    if len(order.keeps) > 1:
        raise InputError("--clicks measures one keep ratio at a time: give a single one to --keep.")
    if order.zero_tokens:
        raise InputError("Use either --clicks or --zero-tokens, not both.")


def _checkpoint(name: str, chooser: str) -> Checkpoint:
    checkpoint = load(name)
    checkpoint.network.choose_by(chooser)
    return checkpoint


def _baseline(name: str, chooser: str) -> Session | ClickPeer:
    """Return another method of that name, or the session of a model."""
    return PEERS[name]() if name in PEERS else Session(*_checkpoint(name, chooser))


def _free_name(name: str, taken: Tracks) -> str:
    """Return a name for a row of the tables, also when two files hold models of one name."""
    return name if name not in taken else f"{name} ({len(taken) + 1})"


def _clicking(
    asked: Session | ClickPeer, plan: ClickPlan, order: EvaluateOrder, tracks: Tracks, mine: list[ClickTrack]
) -> Callable[[CaseFiles, Callable[[float], None]], None]:
    """Make a function that clicks a case; clicks.csv grows with every one."""

    def measure(case: CaseFiles, tell: Callable[[float], None]) -> None:
        measured = []
        for share, track in click_case(asked, case, plan):
            measured.append(track)
            tell(share)
        mine.extend(measured)
        if order.out is not None:
            write_text(order.out / "clicks.csv", clicks_to_csv(tracks))

    return measure
