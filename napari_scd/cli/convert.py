"""`napari-scd models convert` and `models add`: checkpoints of other programs become models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.console import busy, say
from napari_scd.errors import InputError


def convert(
    checkpoint: Annotated[
        Path,
        typer.Argument(metavar="CKPT", help="A checkpoint of the reference code, .pth.tar or .safetensors."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The model file to write.")],
    recipe: Annotated[
        Path,
        typer.Option(metavar="FILE", help="Modality, axes, spacing, clip, channels ... (JSON or YAML)."),
    ],
    labels: Annotated[
        Path, typer.Option(metavar="FILE", help="Structures: names, numbers, colours (JSON, YAML, ITK-SNAP).")
    ],
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Sizes of the network; the training file of the reference will do."
        ),
    ] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="One line about the model.")] = "",
    data: Annotated[str, typer.Option(metavar="TEXT", help="What it was trained on.")] = "",
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Licence of the weights.")] = "",
    half: Annotated[bool, typer.Option("--half", help="Store weights in 16 bits: half the size.")] = False,
) -> None:
    """Turn a checkpoint of the reference implementation into a model file.

    No code in the checkpoint is run. Use the model by its file name, or by name after `models add`.
    """
    if output.suffix != ".safetensors":
        raise InputError(f"-o '{output}' must end in .safetensors.")
    if output.exists() and checkpoint.exists() and output.samefile(checkpoint):
        raise InputError(f"The output '{output}' would overwrite the checkpoint: choose another name.")
    with busy("Converting"):
        from napari_scd.cli.run.convert import ConvertOrder, convert_checkpoint

        order = ConvertOrder(checkpoint, output, config, recipe, labels, title, data, licence, half)
        described = convert_checkpoint(order)
    say(described)
    say(f"Use it: napari-scd segment IN -o OUT --model {output}", style="dim")
    say(f"Give it a name, also for napari: napari-scd models add {output}", style="dim")


def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A model file (.safetensors).")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its name; the file's own if left out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a model of that name.")] = False,
) -> None:
    """Check a model file and copy it to the models folder, so that it has a name here and in napari."""
    with busy("Checking the model"):
        from napari_scd.cli.run.convert import add_model

        path = add_model(file, name or file.name.removesuffix(".safetensors"), force=force)
    say(f"Added {path.stem}: {path}")
