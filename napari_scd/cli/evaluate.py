"""`napari-scd evaluate`: its options, turned into one frozen order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.console import busy
from napari_scd.cli.options import (
    DeviceOption,
    JsonOption,
    PrecisionOption,
    ThreadsOption,
    parse_keeps,
    parse_names,
)
from napari_scd.errors import InputError

KEEPS = "1,.75,.5,.35,.25,.15,.1"
SPLITS = ("training", "validation", "test", "all")


def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A name from `models list`, or a model file.")
    ],
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="A folder of images, a dataset.json, or a training file (see --split)."
        ),
    ],
    labels: Annotated[
        Path | None,
        typer.Argument(metavar="[LABELS]", help="The folder of label maps, when DATA is one of images."),
    ] = None,
    keep: Annotated[
        str, typer.Option("--keep", "-k", metavar="K,..", help="Keep ratios to measure, 0.05 to 1.")
    ] = KEEPS,
    cases: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,..", help="Only these cases (file names without ending)."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            metavar="SPLIT", help="Of a training file: validation (unless given), test, training or all."
        ),
    ] = None,
    structures: Annotated[
        list[str] | None, typer.Option(metavar="NAME,..", help="Measure only these structures.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Write cases.csv, summary.md, summary.json, plot."
        ),
    ] = None,
    surface: Annotated[
        bool, typer.Option("--surface/--no-surface", help="Measure surface distances, which are slow.")
    ] = True,
    tolerance: Annotated[
        float | None,
        typer.Option(min=0, metavar="MM", help="Of the surface Dice; 1 for MR and 2 for CT when left out."),
    ] = None,
    ignore: Annotated[
        str, typer.Option(metavar="V,..", help="Voxels with these values in the truth do not count.")
    ] = "",
    zero_tokens: Annotated[
        bool, typer.Option("--zero-tokens", help="Give the decoder zeros for tokens: what do they add?")
    ] = False,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a model on cases with a known truth, at several keep ratios.

    Dice, 95 % Hausdorff distance and surface Dice of every structure, with tokens, MACs and seconds.

    A bad case is reported and the others finish; the exit code is then 2.
    """
    if split is not None and split not in SPLITS:
        raise InputError(f"--split got '{split}': give one of {', '.join(SPLITS)}.")
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.evaluate import run_evaluation
        from napari_scd.cli.run.evaluate_cases import EvaluateOrder

    order = EvaluateOrder(
        model=model,
        data=data,
        labels=labels,
        split=split,
        keeps=parse_keeps(keep, "--keep"),
        cases=parse_names(cases),
        structures=parse_names(structures),
        out=out,
        surface=surface,
        tolerance_mm=tolerance,
        ignored=_parse_values(ignore),
        zero_tokens=zero_tokens,
        device=device,
        precision=precision,
        threads=threads,
    )
    raise typer.Exit(run_evaluation(order, as_json=as_json))


def _parse_values(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError(f"--ignore got '{text}': give label values such as 255.") from None
