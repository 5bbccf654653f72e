"""`napari-scd benchmark latency`: how long the dock makes you wait."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.table import Table

from napari_scd.cli.console import busy, out, print_json, say, tell
from napari_scd.cli.options import JsonOption, ThreadsOption
from napari_scd.cli.run.show import has_display
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.benchmarks import LatencyBenchmark, Wait


def latency(
    scan: Annotated[
        Path | None, typer.Argument(metavar="SCAN", help="A scan; the ICBM152 sample if left out.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-m", metavar="NAME|FILE", help="A model; the one the dock suggests if left out."
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option(min=1, metavar="N", help="How often each wait is measured; less often if slow.")
    ] = 9,
    processor_time: Annotated[
        bool,
        typer.Option(
            "--processor-time",
            help="For a promptable model: count processor seconds, which vary less on a busy machine.",
        ),
    ] = False,
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Time the napari dock: clicks, the Keep slider, opening, and how well the window keeps responding.

    Opens a window and operates the dock in it, so leave the mouse alone until it closes. Each wait ends when
    the answer is painted. Without a display, run it under "xvfb-run -a". A promptable model (--model) is
    timed without a window: first click, correction, zooming out, cold start.
    """
    if scan is not None and not scan.exists():
        raise InputError(f"'{scan}' does not exist: give a NIfTI or MGH file.")
    from napari_scd.checkpoints import describe  # heavy

    if model is not None and describe(model).recipe.field == "prompt":
        result = _of_prompts(scan, model, rounds, threads, processor_time)
    elif processor_time or threads is not None:
        raise InputError(
            "The dock is timed as it runs: --threads and --processor-time are for a promptable --model."
        )
    else:
        result = _of_dock(scan, model, rounds)
    if as_json:
        waits = [{**wait._asdict(), "met": wait.met} for wait in result.waits]
        notes = list(result.notes)
        print_json(
            {"waits": waits, "slider_of_dense": result.slider_of_dense, "notes": notes, **result.machine}
        )
    else:
        _print(result)


def _of_dock(scan: Path | None, model: str | None, rounds: int) -> LatencyBenchmark:
    if not has_display():
        raise InputError("There is no display to time the dock on: run it under 'xvfb-run -a'.")
    from napari_scd.benchmarks import time_dock

    with busy("Timing the dock in its own window"):
        return time_dock(partial(dock_command, scan, model), rounds=rounds, tell=tell)


def _of_prompts(
    scan: Path | None, model: str, rounds: int, threads: int | None, processor_time: bool
) -> LatencyBenchmark:
    with busy("Timing clicks"):
        import torch

        from napari_scd.benchmarks import time_prompts
        from napari_scd.volume import read_volume  # heavy

        if threads:
            torch.set_num_threads(threads)
        volume = None if scan is None else read_volume(scan)
        return time_prompts(model, volume, rounds=rounds, processor_time=processor_time)


def dock_command(scan: Path | None, model: str | None, rounds: int) -> list[str]:
    """Return the command that starts a dock which times itself; without a scan, on the ICBM152 sample."""
    command = [sys.executable, "-m", "napari_scd", "--time-rounds", str(rounds)]
    command += [] if model is None else ["--time-model", model]
    return command if scan is None else [*command, str(scan)]


def _print(result: LatencyBenchmark) -> None:
    from napari_scd.benchmarks import REST_S

    rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for title in ("goal", "wait", "n", "median", "95 %", "goal below"):
        rows.add_column(title, justify="left" if title in ("goal", "wait") else "right")
    for wait in result.waits:
        median, p95 = _ms(wait.median_s), _ms(wait.p95_s)
        rows.add_row(wait.goal, wait.what, str(wait.n), median, p95, _goal(wait))
    out.print(rows)
    if result.slider_of_dense is not None:
        say(
            f"Without its {REST_S * 1000:.0f} ms at rest, the slider's answer takes "
            f"{result.slider_of_dense:.2f} of a dense window pass (goal: 0.35)."
        )
    for note in result.notes:
        say(note)
    machine = result.machine
    shape = " x ".join(map(str, machine["shape"]))
    say(
        f"{machine['model']} on {shape} voxels · {machine['device']} · {machine['precision']} · "
        f"{machine['threads']} threads{' · processor time' * (machine.get('clock') == 'processor')}",
        style="dim",
    )


def _goal(wait: Wait) -> str:
    if wait.goal_s is None:
        return ""
    of = " (95 %)" if wait.share != 0.5 else ""
    return f"{_ms(wait.goal_s)}{of} {'met' if wait.met else 'missed'}"


def _ms(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.995 else f"{seconds * 1000:.0f} ms"
