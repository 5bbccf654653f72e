"""`napari-scd benchmark`: what the keep ratio saves on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.console import busy
from napari_scd.cli.segment import DEFAULT_MODEL, DeviceOption, JsonOption, ThreadsOption
from napari_scd.errors import InputError

FULL_SWEEP = (1.0, 0.75, 0.5, 0.35, 0.25, 0.15, 0.1)
QUICK_SWEEP = (1.0, 0.5, 0.25)


benchmark = typer.Typer(invoke_without_command=True)


@benchmark.callback()
def sweep(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", metavar="NAME|FILE|PRESET", help="A model, or a preset with random weights."
        ),
    ] = DEFAULT_MODEL,
    keep_ratios: Annotated[
        str | None, typer.Option("--keep-ratios", "-k", metavar="K,K,..", help="Keep ratios of the sweep.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each keep ratio runs.")] = 9,
    quick: Annotated[bool, typer.Option("--quick", help="Three rounds of three keep ratios.")] = False,
    device: DeviceOption = "auto",
    precision: Annotated[
        str, typer.Option(metavar="P,..", help="auto, float32, bfloat16 or several of them.")
    ] = "auto",
    batch: Annotated[
        int | None, typer.Option(min=1, help="Windows at a time; by device when left out.")
    ] = None,
    threads: ThreadsOption = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Also draw the sweep.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Time one window by part of the network over a sweep of keep ratios.

    Every round runs all keep ratios in turn; numbers are medians over rounds, speed-ups are against the dense
    network within the same round.
    """
    if context.invoked_subcommand is not None:
        return
    keeps = parse_sweep(keep_ratios) or (QUICK_SWEEP if quick else FULL_SWEEP)
    if plot is not None and plot.suffix.lower() != ".png":
        raise InputError(f"--plot '{plot}' must end in .png.")
    with busy("Loading PyTorch"):
        from napari_scd.cli.timing import Sweep, run_sweep

    order = Sweep(
        model=model,
        keeps=keeps,
        rounds=min(rounds, 3) if quick else rounds,
        device=device,
        precisions=tuple(name.strip() for name in precision.split(",")),
        batch=batch,
        threads=threads,
    )
    run_sweep(order, plot=plot, as_json=as_json)


def parse_sweep(text: str | None) -> tuple[float, ...]:
    """Read ``K,K,..``; empty when nothing was given.

    Raises
    ------
    InputError
        When a part is not a number.
    """
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(
            f"--keep-ratios got '{text}': give shares from 0.05 to 1 such as 1,0.5,0.25."
        ) from None
