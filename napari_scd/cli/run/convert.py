"""Reference checkpoint -> model file -> models folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from napari_scd.batch import make_folder
from napari_scd.checkpoints import Provenance, is_name, list_models, load, load_reference, models_folder, save
from napari_scd.cli.run.entries import read_mapping, read_table
from napari_scd.engine import Session
from napari_scd.errors import InputError
from napari_scd.volume import Recipe, atomic_path


@dataclass(frozen=True)
class ConvertOrder:
    """What one call of `convert` asks for; `config` may be missing where the checkpoint holds one."""

    checkpoint: Path
    output: Path
    config: Path | None
    recipe: Path
    labels: Path
    title: str = ""
    data: str = ""
    licence: str = ""
    half: bool = False


def convert_checkpoint(order: ConvertOrder) -> str:
    """Write a model file, and return one line about it.

    Raises
    ------
    InputError
        When checkpoint, config, recipe and labels do not fit each other, or the file cannot be written.
    """
    recipe = Recipe.from_dict(read_mapping(order.recipe, "recipe"))
    labels = read_table(order.labels)
    sizes = read_mapping(order.config, "config") if order.config else None
    network, config = load_reference(order.checkpoint, sizes)
    Session(network, recipe, labels)  # refuses a recipe or labels that do not fit the network
    name = order.output.name.removesuffix(".safetensors")
    with Path(os.path.expanduser(order.checkpoint)).open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    provenance = Provenance(
        name=name,
        title=order.title or f"Converted from {order.checkpoint.name}",
        description=f"Converted from {order.checkpoint.name} of the reference code (sha256 {checksum}).",
        data=order.data,
        licence=order.licence,
        created=datetime.now(UTC).date().isoformat(),
    )
    make_folder(order.output.parent)
    save(order.output, network, recipe, labels, provenance, half=order.half)
    edges = " x ".join(map(str, config.roi))
    pruned = f"tokens {' > '.join(map(str, network.token_counts()))}" if config.n_stages else "no pruning"
    return f"Wrote {order.output}: {len(labels)} structures, windows of {edges} voxels, {pruned}."


def add_model(file: Path, name: str, *, force: bool = False) -> Path:
    """Copy a model file into the models folder once it has been loaded without complaint.

    Raises
    ------
    InputError
        When the file is not a valid model, or the name cannot be used or is taken.
    """
    if not is_name(name):
        raise InputError(
            f"A model cannot be called '{name}': use letters, digits, dots, dashes and underscores."
        )
    load(file)
    if name in {card.name for card in list_models() if card.shipped}:
        raise InputError(
            f"'{name}' is the name of a model that ships with napari-scd: choose another (--name)."
        )
    folder = models_folder()
    target = folder / f"{name}.safetensors"
    if target.exists():
        if target.samefile(file):
            raise InputError(f"{file} is already in the models folder: use it as '{name}'.")
        if not force:
            raise InputError(
                f"There is already a model '{name}': choose another name, or replace it (--force)."
            )
    make_folder(folder)
    with atomic_path(target) as temporary:
        shutil.copyfile(file, temporary)
    return target
