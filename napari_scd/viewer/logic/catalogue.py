"""The models on offer: those known by name, those of the preferred folder, and a file chosen by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.checkpoints import describe, list_models
from napari_scd.errors import InputError

if TYPE_CHECKING:
    from napari_scd.checkpoints import ModelCard

PREVIEW_NOTE = "Preview model: check its results with care."


class Offer(NamedTuple):
    """One entry of the Model list: its text, what `load` takes, a hint, input channels, modality, a note.

    `promptable` models segment whatever they are pointed at.
    """

    title: str
    value: str
    hint: str
    channels: tuple[str, ...] = ("image",)
    modality: str = ""
    note: str = ""
    promptable: bool = False


def offered_models(folder: str = "", extra: str | None = None) -> list[Offer]:
    """List the models; reads headers only.

    Parameters
    ----------
    folder
        A further folder of model files; empty = none.
    extra
        A file chosen by hand; it is listed even when it cannot be read, so that choosing it says why.
    """
    found = {str(card.path): _offer(card) for card in list_models()}
    further = sorted(Path(folder).expanduser().glob("*.safetensors")) if folder else []
    for path in (*further, *([Path(extra)] if extra else [])):
        if str(path) in found:
            continue
        try:
            found[str(path)] = _offer(describe(path))
        except InputError as error:
            if str(path) == extra:
                found[str(path)] = Offer(path.name, str(path), str(error))
    return list(found.values())


def _offer(card: ModelCard) -> Offer:
    count = len(card.labels)
    promptable = card.recipe.field == "prompt"
    structures = "1 structure" if count == 1 else f"{count} structures"
    if promptable:
        structures = "anything you click"
    quality = ", preview" if card.provenance.preview else ""
    ways = {"click": "one structure per click", "prompt": "one object at a time, corrected by clicks"}
    scans = "any scan" if card.recipe.modality == "any" else card.recipe.modality
    hint = "\n".join(
        text
        for text in (
            card.provenance.title or card.name,
            card.provenance.description,
            f"{scans}, {ways.get(card.recipe.field, 'whole volume')}",
            f"{card.n_parameters / 1e6:.1f} M parameters",
            f"Licence: {card.provenance.licence}" if card.provenance.licence else "",
        )
        if text
    )
    return Offer(
        f"{card.name}, {structures}{quality}",
        str(card.path),
        hint,
        card.recipe.channels,
        card.recipe.modality,
        PREVIEW_NOTE if card.provenance.preview else "",
        promptable,
    )
