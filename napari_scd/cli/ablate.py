"""`napari-scd ablate`: its options, turned into one frozen order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.extras import training_extra
from napari_scd.cli.options import DeviceOption, KeepsOption, PrecisionOption, ThreadsOption, parse_keeps
from napari_scd.errors import InputError


def ablate(
    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG", help="A training file, as `train` takes it.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Instead of a file: abdomen, hippocampus, quick (needs no data)."),
    ] = None,
    images: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the images.")] = None,
    labels: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the label maps.")] = None,
    dataset: Annotated[
        Path | None, typer.Option(metavar="JSON", help="A Decathlon dataset.json instead of two folders.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder of the grid; runs/NAME if left out."),
    ] = None,
    variants: Annotated[
        str | None,
        typer.Option(metavar="NAME,..", help="Only these variants, such as dense,stp+mta,control."),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, metavar="N", help="How often to train each variant, with other seeds.")
    ] = 1,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Steps of every run; the file's if left out.")
    ] = None,
    keep_ratios: KeepsOption = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    threads: ThreadsOption = None,
) -> None:
    """Train each way of dropping and restoring tokens, and compare their Dice.

    Ways to drop: random, attention (EViT), gumbel (DynamicViT), topk, stp (the paper). Ways to restore: mta
    (the paper), mask (MIM). The dense network is trained as well, and a control whose decoder gets zeros
    instead of tokens. Data, steps and seeds are the same for all. Writes ablation.md, ablation.json and
    ablation.png.

    Ctrl+C stops. Rerun the command to resume.
    """
    if (config is None) == (preset is None):
        raise InputError("Give either a training file or --preset NAME.")
    with training_extra():
        from napari_scd.cli.run.ablate import AblateOrder, run_ablation

    order = AblateOrder(
        config=config,
        preset=preset,
        out=out,
        images=images,
        labels=labels,
        dataset=dataset,
        variants=tuple(name.strip() for name in variants.split(",")) if variants else (),
        seeds=seeds,
        steps=steps,
        keeps=parse_keeps(keep_ratios),
        device=device,
        precision=precision,
        threads=threads,
    )
    raise typer.Exit(run_ablation(order))
