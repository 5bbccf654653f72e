"""Whether a job suits its model, checked before anything is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd import engine
from napari_scd.batch.channel_files import in_model_order
from napari_scd.errors import NeedsPoint, UnknownStructure

if TYPE_CHECKING:
    from napari_scd.batch.jobs import SegmentJob
    from napari_scd.volume import LabelTable, Recipe


def request_of(job: SegmentJob, name: str, labels: LabelTable, recipe: Recipe) -> engine.Request:
    """Check a job against a model, and turn it into the engine's settings.

    Parameters
    ----------
    job : SegmentJob
    name, labels, recipe
        Of the model.

    Raises
    ------
    NeedsPoint
        When the model takes points and none was given.
    UnknownStructure, MissingChannels, InputError
        When a structure, channel or setting does not suit the model.
    """
    if recipe.field == "click" and not job.points:
        raise NeedsPoint(name)
    if recipe.field != "prompt" and job.prompts.given:
        raise engine.TakesNoPrompts(name)
    if job.channels:
        in_model_order(dict(job.channels), recipe.channels)
    return engine.Request(
        keep=job.keep,
        stride=job.stride,
        clean_up=job.clean_up,
        air=job.air,
        confidence=recipe.field != "prompt",
        device=job.device,
        precision=job.precision,
        structures=structure_ids(job.structures, labels),
        sharpen=job.sharpen,
        compile=job.compiled,
        probability=job.probability,
        masks=job.masks,
    )


def structure_ids(names: tuple[str, ...], table: LabelTable) -> tuple[int, ...]:
    """Label ids of structure and group names; capitals do not matter.

    Raises
    ------
    UnknownStructure
        For a name that is neither.

    Examples
    --------
    >>> from napari_scd.volume import LabelTable
    >>> table = LabelTable.from_names(["head", "tail", "liver"], {"head": "pancreas", "tail": "pancreas"})
    >>> structure_ids(("Liver", "pancreas"), table)
    (3, 1, 2)
    """
    ids: list[int] = []
    for name in names:
        wanted = name.casefold()
        found = [label.index for label in table.labels if (label.group or "").casefold() == wanted]
        found = found or [label.index for label in table.labels if label.name.casefold() == wanted]
        if not found:
            groups = (label.group for label in table.labels if label.group)
            raise UnknownStructure(name, tuple(dict.fromkeys((*table.names, *groups))))
        ids += found
    return tuple(dict.fromkeys(ids))
