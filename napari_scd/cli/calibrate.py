"""`napari-scd models calibrate`: its options, turned into one frozen order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.console import busy
from napari_scd.cli.options import DeviceOption, JsonOption, PrecisionOption, ThreadsOption, parse_names
from napari_scd.errors import InputError


def calibrate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A name from `models list`, or a model file.")
    ],
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="A training file, whose validation cases are used; a folder of images; or a dataset.json.",
        ),
    ],
    labels: Annotated[
        Path | None,
        typer.Argument(metavar="[LABELS]", help="The folder of label maps, when DATA is one of images."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.safetensors", help="Write the calibrated model here."),
    ] = None,
    cases: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,..", help="Only these cases (file names without ending)."),
    ] = None,
    keep: Annotated[
        float, typer.Option("--keep", "-k", metavar="K", help="Keep ratio to calibrate at.")
    ] = 0.5,
    single: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,.. | all | none",
            help="Structures in one piece, whose stray parts may be removed; all when left out.",
        ),
    ] = None,
    gap: Annotated[
        float, typer.Option(min=0, metavar="MM", help="Parts nearer than this to each other count as one.")
    ] = 20.0,
    share: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="S", help="Parts with this share of the largest one stay."),
    ] = 0.3,
    usual: Annotated[
        bool,
        typer.Option(
            "--usual/--no-usual",
            help="Also note which confidence and sizes are usual; leave it out for drawn or unusual scans.",
        ),
    ] = True,
    ignore: Annotated[
        str, typer.Option(metavar="V,..", help="Voxels with these values in the truth do not count.")
    ] = "",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit what a model's outputs need so that volumes are right, on cases kept back for validation.

    Adds an offset to each structure's logit, and removes stray parts of structures where that costs neither
    Dice nor distance. The weights stay as they are. Never use the cases that the model is tested on.
    """
    if out is not None and out.suffix != ".safetensors":
        raise InputError(f"--output '{out}' must end in .safetensors.")
    try:
        ignored = tuple(int(part) for part in ignore.split(",") if part.strip())
    except ValueError:
        raise InputError(f"--ignore got '{ignore}': give label values such as 255.") from None
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.calibrate import CalibrateOrder, run_calibration

    order = CalibrateOrder(
        model=model,
        data=data,
        labels=labels,
        out=out,
        cases=parse_names(cases),
        keep=keep,
        single=parse_names(single) or ("all",),
        gap_mm=gap,
        share=share,
        usual=usual,
        ignored=ignored,
        device=device,
        precision=precision,
        threads=threads,
    )
    raise typer.Exit(run_calibration(order, as_json=as_json))
