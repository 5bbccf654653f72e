"""`napari-scd train`: its options, turned into one frozen order."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.extras import training_extra
from napari_scd.cli.options import DeviceOption, PrecisionOption
from napari_scd.errors import InputError


def train(
    config: Annotated[
        str | None,
        typer.Argument(metavar="CONFIG", help="A YAML training file, or the name of one that ships."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="DIR", help="Folder of the run; runs/NAME if left out."),
    ] = None,
    images: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the images.")] = None,
    labels: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the label maps.")] = None,
    dataset: Annotated[
        Path | None, typer.Option(metavar="JSON", help="A Decathlon dataset.json instead of two folders.")
    ] = None,
    data_root: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder that relative data paths of the training file start from."),
    ] = None,
    init: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="Start from this model's weights (fine-tune).")
    ] = None,
    control: Annotated[
        bool, typer.Option("--control", help="Train with zeros instead of tokens, to see what tokens add.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume/--fresh", help="Resume from the folder's checkpoint, or start again."),
    ] = True,
    max_minutes: Annotated[
        float | None, typer.Option(min=0, metavar="M", help="Stop after this long; rerun to resume.")
    ] = None,
    device: DeviceOption = "auto",
    precision: PrecisionOption = "auto",
    devices: Annotated[int, typer.Option(min=1, metavar="N", help="Processes (GPUs) on this machine.")] = 1,
    nodes: Annotated[int, typer.Option(min=1, metavar="N", help="Machines; each runs this command.")] = 1,
    threads: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="CPU threads of each process.")
    ] = None,
    example: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write a small data set with its training file to DIR, and stop."),
    ] = None,
) -> None:
    """Train a model on your own scans and label maps.

    The folder of the run gets a checkpoint, log.csv, validation.csv and, at the end, a model file.

    Ctrl+C stops after the current step. Rerun the command to resume.
    """
    with training_extra():
        from napari_scd.cli.run.train import TrainOrder, run_training, show_example

    if example is not None:
        show_example(example)
        return
    if config is None:
        raise InputError(
            "Give a training file (YAML), the name of a preset, or --example DIR to get a training file."
        )
    order = TrainOrder(
        config=config,
        out=out,
        images=images,
        labels=labels,
        dataset=dataset,
        data_root=data_root,
        init=init,
        control=control,
        resume=resume,
        max_minutes=max_minutes,
        device=device,
        precision=precision,
        devices=devices,
        nodes=nodes,
        threads=threads,
    )
    raise typer.Exit(run_training(order))
