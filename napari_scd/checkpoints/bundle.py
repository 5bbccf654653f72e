"""A model as a MONAI bundle: a folder that ``python -m monai.bundle run`` executes."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from napari_scd.checkpoints.card import read_card
from napari_scd.checkpoints.loading import load
from napari_scd.checkpoints.zoo import describe
from napari_scd.errors import InputError

if TYPE_CHECKING:
    import os

    from napari_scd.checkpoints.card import ModelCard
    from napari_scd.model import ScdNetwork

WEIGHTS_FILE = "models/model.safetensors"
_PAGE = Path(__file__).with_name("bundle_page.md")
_SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/meta_schema_20240725.json"
)


def bundle_network(path: str | os.PathLike[str]) -> ScdNetwork:
    """Load the network of a bundle; its ``inference.json`` names this function.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    return load(Path(path)).network


def export_bundle(name_or_path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Write a model as a MONAI bundle.

    The folder gets ``configs/inference.json`` and ``metadata.json``, the model file under ``models``, and a
    page and the licence under ``docs``.

    Raises
    ------
    InputError
        If there is no such model, or the folder exists and is not empty.
    """
    card = describe(name_or_path)
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"'{folder}' already exists: name a new folder for the bundle.")
    pages = {
        "configs/inference.json": json.dumps(_inference(card), indent=4),
        "configs/metadata.json": json.dumps(_metadata(card), indent=4),
        "docs/README.md": _page(card),
        "LICENSE": card.provenance.licence or "not stated",
    }
    try:
        for name, text in pages.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text + "\n", encoding="utf-8")
        (folder / "models").mkdir(exist_ok=True)
        shutil.copyfile(card.path, folder / WEIGHTS_FILE)
    except OSError as error:
        raise InputError(f"Cannot write the bundle '{folder}' ({error.strerror}): choose another.") from error
    return folder


def bundle_card(folder: str | os.PathLike[str]) -> ModelCard:
    """Read what the model inside a bundle says about itself."""
    return read_card(Path(folder) / WEIGHTS_FILE)


def _inference(card: ModelCard) -> dict[str, Any]:
    """Return the workflow: load as stored, segment with our inferer, save on the scan's own grid."""
    loading = {
        "_target_": "Compose",
        "transforms": [
            {"_target_": "LoadImaged", "keys": "image"},
            {"_target_": "EnsureChannelFirstd", "keys": "image", "channel_dim": _channel_axis(card)},
            {"_target_": "EnsureTyped", "keys": "image"},
        ],
    }
    saving = {
        "_target_": "SaveImaged",
        "keys": "pred",
        "output_dir": "@output_dir",
        "output_postfix": "seg",
        "output_dtype": "$torch.uint8",
        "resample": False,
        "separate_folder": False,
    }
    return {
        "imports": ["$import glob", "$import os", "$import torch"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/data'",
        "output_dir": "$@bundle_root + '/eval'",
        "scans": "$sorted(glob.glob(os.path.join(@dataset_dir, '*.nii*')))",
        "keep": None,
        "points_ras_mm": [],
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": {
            "_target_": "napari_scd.checkpoints.bundle.bundle_network",
            "path": f"$@bundle_root + '/{WEIGHTS_FILE}'",
        },
        "network": "$@network_def.to(@device)",
        "preprocessing": loading,
        "dataset": {
            "_target_": "Dataset",
            "data": "$[{'image': scan} for scan in @scans]",
            "transform": "@preprocessing",
        },
        "dataloader": {
            "_target_": "DataLoader",
            "dataset": "@dataset",
            "batch_size": 1,
            "shuffle": False,
            "num_workers": 0,
        },
        "inferer": {
            "_target_": "napari_scd.engine.monai_inferer.ScdInferer",
            "recipe": card.recipe.to_dict(),
            "labels": card.labels.to_list(),
            "keep": "@keep",
            "points_ras_mm": "@points_ras_mm",
        },
        "postprocessing": {"_target_": "Compose", "transforms": [saving]},
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
        },
        "run": ["$@evaluator.run()"],
    }


def _metadata(card: ModelCard) -> dict[str, Any]:
    made, recipe = card.provenance, card.recipe
    versions = {name: metadata.version(name) for name in ("monai", "torch", "numpy", "napari-scd")}
    names = {"0": "background", **{str(label.index): label.name for label in card.labels.labels}}
    image = {
        "type": "image",
        "format": "hounsfield" if recipe.modality == "CT" else "magnitude",
        "modality": recipe.modality,
        "num_channels": len(recipe.channels),
        "spatial_shape": ["*", "*", "*"],
        "dtype": "float32",
        "value_range": list(recipe.clip) if recipe.clip else [],
        "is_patch_data": False,
        "channel_def": {str(index): name for index, name in enumerate(recipe.channels)},
    }
    pred = {
        "type": "image",
        "format": "segmentation",
        "num_channels": 1,
        "spatial_shape": ["*", "*", "*"],
        "dtype": "uint8",
        "value_range": [0, max(card.labels.indices)],
        "is_patch_data": False,
        "channel_def": names,
    }
    return {
        "schema": _SCHEMA,
        "version": versions["napari-scd"],
        "changelog": {versions["napari-scd"]: "exported by napari-scd"},
        "monai_version": versions["monai"],
        "pytorch_version": versions["torch"].partition("+")[0],
        "numpy_version": versions["numpy"],
        "required_packages_version": {
            "napari-scd": versions["napari-scd"],
            "nibabel": metadata.version("nibabel"),
            "pytorch-ignite": "0.5.0",
        },
        "name": card.name,
        "task": made.title or f"Segmentation of {len(card.labels)} structures",
        "description": made.description or made.title,
        "authors": "The napari-scd developers",
        "copyright": made.licence,
        "data_source": made.data,
        "data_type": "nibabel",
        "intended_use": "Research only; not a medical device.",
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": pred}},
    }


def _channel_axis(card: ModelCard) -> int | str:
    return -1 if len(card.recipe.channels) > 1 else "no_channel"


def _page(card: ModelCard) -> str:
    """Fill in the page that explains the bundle; its readers have MONAI's command line, not ours."""
    made = card.provenance
    template = Template(_PAGE.read_text(encoding="utf-8"))
    return template.substitute(
        name=card.name,
        title=made.title,
        description=made.description,
        structures=", ".join(card.labels.names),
        data=made.data,
        licence=made.licence,
    ).rstrip()
