"""`napari-scd demo`: a real scan segmented, explained by one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.console import busy
from napari_scd.cli.segment import (
    DEFAULT_MODEL,
    DeviceOption,
    JsonOption,
    KeepOption,
    ModelOption,
    Order,
    PrecisionOption,
    ThreadsOption,
    parse_keep,
)

HIPPOCAMPI = ((-26.0, -20.0, -16.0), (26.0, -20.0, -16.0))


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for what the demo writes.")
    ] = Path("scd-demo"),
    model: ModelOption = DEFAULT_MODEL,
    keep_ratio: KeepOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    view: Annotated[
        bool, typer.Option("--view/--no-view", help="Open the result in napari when there is a display.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Segment both hippocampi of the ICBM152 T1 from one point each, and draw what the network did."""
    order = Order(
        model=model,
        keep=parse_keep(keep_ratio),
        points=HIPPOCAMPI,
        device=device,
        precision=precision,
        threads=threads,
    )
    with busy("Loading PyTorch"):
        from napari_scd.cli.tour import run_demo

    run_demo(order, output, view=view, as_json=as_json)
