"""`napari-scd evaluate`: its options, turned into one frozen order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.console import busy
from napari_scd.cli.options import (
    KEEPS_FROM_TO,
    AirOption,
    DeviceOption,
    JsonOption,
    PrecisionOption,
    SharpenOption,
    ThreadsOption,
    parse_keeps,
    parse_names,
)
from napari_scd.errors import InputError

KEEPS = "1,.75,.5,.35,.25,.15,.1"
ONE_KEEP = "0.5"
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
        typer.Argument(metavar="LABELS", help="The folder of label maps, when DATA is one of images."),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(
            "--keep",
            "-k",
            metavar="K,..",
            help=f"Keep ratios to measure, {KEEPS_FROM_TO}; {KEEPS} when left out.",
        ),
    ] = None,
    clicks: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Click every structure N times, and measure Dice after each click."
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME|FILE",
            help="With --clicks: another model for the same tables, random-walker (scikit-image), or "
            "litemedsam, which gets one box around the true structure.",
        ),
    ] = None,
    choose: Annotated[
        str, typer.Option(metavar="NAME", help="Who chooses tokens: learned, random or distance.")
    ] = "learned",
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
            "--output", "-o", metavar="DIR", help="Write every number, means to read, JSON and a plot."
        ),
    ] = None,
    surface: Annotated[
        bool, typer.Option("--surface/--no-surface", help="Measure surface distances, which are slow.")
    ] = True,
    tolerance: Annotated[
        float | None,
        typer.Option(min=0, metavar="MM", help="Of the surface Dice; 1 for MR and 2 for CT if left out."),
    ] = None,
    ignore: Annotated[
        str, typer.Option(metavar="V,..", help="Voxels with these values in the truth do not count.")
    ] = "",
    zero_tokens: Annotated[
        bool,
        typer.Option(
            "--zero-tokens", help="Give the decoder zeros instead of tokens, to see what tokens add."
        ),
    ] = False,
    clean_up: Annotated[
        bool, typer.Option("--clean-up/--no-clean-up", help="Remove stray parts as the model's recipe says.")
    ] = True,
    air: AirOption = False,
    any_contrast: Annotated[
        bool,
        typer.Option(
            "--any-contrast",
            help="Measure each case as it is, at gamma 0.5 and 2, inverted, and in slices of 5 mm.",
        ),
    ] = False,
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.safetensors", help="Also write the model again, with these figures on its card."
        ),
    ] = None,
    about_cases: Annotated[
        str, typer.Option("--cases-are", metavar="TEXT", help="With --card: such as '6 test cases'.")
    ] = "",
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    sharpen: SharpenOption = "borders",
    threads: ThreadsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a model on cases with a known truth, at several keep ratios or click by click.

    Dice, 95 % Hausdorff distance and surface Dice of every structure, with tokens, MACs and seconds.

    With --clicks, a simulated user clicks every structure: Dice after 1, 2, 3, 5 and 10 clicks.

    A case that cannot be used is reported and the others finish; the exit code is then 2.
    """
    if split is not None and split not in SPLITS:
        raise InputError(f"--split got '{split}': give one of {', '.join(SPLITS)}.")
    if card is not None and (card.suffix != ".safetensors" or not about_cases or zero_tokens):
        raise InputError(
            "--card writes a model: give it a name that ends in .safetensors, say what the cases are by "
            "--cases-are, and leave out --zero-tokens."
        )
    if baseline and clicks is None:
        raise InputError("--baseline compares clicks: add --clicks 10.")
    if any_contrast and (clicks is not None or card is not None):
        raise InputError("--any-contrast has tables of its own: leave out --clicks and --card.")
    with busy("Loading PyTorch"):
        from napari_scd.cli.run.evaluate import run_evaluation
        from napari_scd.cli.run.evaluate_cases import EvaluateOrder
        from napari_scd.cli.run.evaluate_clicks import run_click_evaluation
        from napari_scd.cli.run.evaluate_contrasts import run_contrast_evaluation

    usual_keeps = ONE_KEEP if any_contrast else None if clicks else KEEPS
    order = EvaluateOrder(
        model=model,
        data=data,
        labels=labels,
        split=split,
        keeps=parse_keeps(keep or usual_keeps, "--keep"),
        cases=parse_names(cases),
        structures=parse_names(structures),
        out=out,
        surface=surface,
        tolerance_mm=tolerance,
        ignored=_parse_values(ignore),
        zero_tokens=zero_tokens,
        clean_up=clean_up,
        air=air,
        card=card,
        about_cases=about_cases,
        clicks=clicks,
        baselines=tuple(baseline or ()),
        chooser=choose,
        device=device,
        precision=precision,
        sharpen=sharpen,
        threads=threads,
    )
    if any_contrast:
        run = run_contrast_evaluation
    else:
        run = run_evaluation if clicks is None else run_click_evaluation
    raise typer.Exit(run(order, as_json=as_json))


def _parse_values(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError(f"--ignore got '{text}': give label values such as 255.") from None
