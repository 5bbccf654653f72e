"""`napari-scd models bundle`: a model for MONAI's own tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_scd.cli.console import busy, say


def bundle(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A name of `models list`, or a file.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="A new folder for the bundle.")
    ],
) -> None:
    """Write a model as a MONAI bundle, which `python -m monai.bundle run` executes."""
    with busy("Writing the bundle"):
        from napari_scd.checkpoints import export_bundle

        folder = export_bundle(name, output)
    say(f"Wrote {folder}.")
    say(
        f"Use it: python -m monai.bundle run --bundle_root {folder} --config_file "
        f"{folder / 'configs' / 'inference.json'} --dataset_dir SCANS --output_dir OUT",
        style="dim",
    )
