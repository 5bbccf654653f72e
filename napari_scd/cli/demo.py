"""`napari-scd demo`: a real scan is segmented and explained in one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.batch import SegmentJob
from napari_scd.cli.console import busy
from napari_scd.cli.options import (
    DeviceOption,
    JsonOption,
    KeepOption,
    PrecisionOption,
    ThreadsOption,
    parse_keep,
)

WHOLE_BRAIN = "brain-mr"
HIPPOCAMPUS = "hippocampus-mr"
HIPPOCAMPI = ((-26.0, -20.0, -16.0), (26.0, -20.0, -16.0))


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for what the demo writes.")
    ] = Path("scd-demo"),
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME|FILE", help="Another model to show.")
    ] = WHOLE_BRAIN,
    hippocampi: Annotated[
        bool, typer.Option("--hippocampi", help="Find both hippocampi from one point each instead.")
    ] = False,
    keep_ratio: KeepOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    view: Annotated[
        bool, typer.Option("--view/--no-view", help="Open the result in napari when there is a display.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Segment a real brain, the ICBM152 T1, and draw what the network did.

    A model that takes clicks gets one point in each hippocampus.
    """
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.demo import run_demo, targets_in

    job = SegmentJob(
        targets_in(output),
        model=HIPPOCAMPUS if hippocampi else model,
        keep=parse_keep(keep_ratio),
        points=HIPPOCAMPI,
        device=device,
        precision=precision,
        threads=threads,
    )
    run_demo(job, output, view=view, as_json=as_json)
