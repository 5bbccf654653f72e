"""`napari-scd benchmark busy`: what other programs cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.benchmark import parse_counts
from napari_scd.cli.console import busy as shown_as_busy
from napari_scd.cli.options import JsonOption, KeepOption, parse_keep
from napari_scd.errors import InputError


def busy(
    scan: Annotated[Path, typer.Argument(metavar="SCAN", help="A scan to segment; no labels are kept.")],
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME|FILE", help="A model of whole scans.")
    ] = "abdomen-ct",
    loops: Annotated[str, typer.Option(metavar="N,..", help="Numbers of busy programs beside.")] = "0,1,2",
    rounds: Annotated[int, typer.Option(min=1, metavar="N", help="How often each way runs.")] = 1,
    keep_ratio: KeepOption = None,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write busy.md and busy.json.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Segment one scan while other programs keep the processor busy.

    One thread, two threads and the default, and the default with each of the variables alone that say how
    threads wait for each other. Whole processes, in turn.
    """
    keep = 0.5 if keep_ratio is None else parse_keep(keep_ratio)
    if not isinstance(keep, float):
        raise InputError("--keep-ratio takes one number here.")
    if not scan.exists():
        raise InputError(f"'{scan}' does not exist: give a scan.")
    counts = parse_counts("--loops", loops, least=0)
    with shown_as_busy("Loading PyTorch"):
        from napari_scd.cli.run.busy import BusyOrder, run_busy

    run_busy(BusyOrder(scan, model, counts, rounds, keep), out=out, as_json=as_json)
