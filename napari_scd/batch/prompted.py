"""Turns the prompts of one scan into objects, and these into one label map."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_scd.batch.places import voxel_at
from napari_scd.engine import PreviousMask, PromptedObject, Prompts, Seconds, read_objects
from napari_scd.errors import InputError, NeedsPoint
from napari_scd.volume import LabelTable, Volume, read_labels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_scd.batch.jobs import SegmentJob
    from napari_scd.engine import Progress, Report, Request, Segmentation, Session


class PromptedCase(NamedTuple):
    """Objects of a scan, their label map as a segmentation, and the table that names its labels."""

    objects: tuple[PromptedObject, ...]
    segmentation: Segmentation
    table: LabelTable


def answer_objects(
    session: Session,
    volume: Volume,
    job: SegmentJob,
    request: Request,
    progress: Callable[[Progress], None] | None = None,
) -> PromptedCase:
    """Answer the prompts of a job on a volume, one object after another.

    Raises
    ------
    InputError
        When there are no prompts, or those of an object cannot be answered; of several, it is named.
    """
    objects = objects_of(job, volume)
    session.set_volume(volume)
    answers = []
    for one in objects:
        try:
            answers.append(session.prompt(one.prompts, request, progress=progress))
        except InputError as error:
            if len(objects) == 1:
                raise
            raise error.reworded(f"Object '{one.name}': {error}") from error
    table = LabelTable.from_names({one.label: one.name for one in objects})
    return PromptedCase(objects, _merged(objects, answers, session.warnings), table)


def objects_of(job: SegmentJob, volume: Volume) -> tuple[PromptedObject, ...]:
    """Return the objects that a job asks for: those of its file, or one that its points describe.

    Raises
    ------
    NeedsPoint
        When there are no prompts.
    InputError
        When a file cannot be read, or a point lies outside the volume.
    """
    asked = job.prompts
    if asked.file is not None:
        return read_objects(asked.file, volume)
    previous = None
    if asked.refine is not None:
        previous = PreviousMask.of(read_labels(asked.refine), asked.refine_label)
    if not job.points and not asked.exclude and asked.box is None:
        raise NeedsPoint(job.model)
    box = None
    if asked.box is not None:
        corner, opposite = (volume.index_of(point).tolist() for point in asked.box)
        box = (corner, opposite)
    prompts = Prompts.of(
        include=[voxel_at(volume, point) for point in job.points],
        exclude=[voxel_at(volume, point) for point in asked.exclude],
        box=box,
        previous=previous,
    )
    return (PromptedObject("object", 1, prompts),)


def _merged(
    objects: Sequence[PromptedObject], answers: Sequence[Segmentation], warnings: tuple[str, ...]
) -> Segmentation:
    """Merge answers, each with the label of its object; where two overlap, the first one wins.

    Tokens and scores are those of the last object.
    """
    highest = max(one.label for one in objects)
    dtype = np.uint8 if highest <= np.iinfo(np.uint8).max else np.uint16
    labels = np.zeros(answers[0].labels.spatial_shape, dtype)
    for one, answer in zip(objects, answers, strict=True):
        part = labels[answer.region]
        part[(answer.labels.array[answer.region] > 0) & (part == 0)] = one.label
    last = answers[-1]
    probabilities = [answer.probability.array for answer in answers if answer.probability is not None]
    merged = last.labels.with_array(labels)
    return replace(
        last,
        labels=merged,
        probability=merged.with_array(np.concatenate(probabilities)) if probabilities else None,
        masks=_masks(objects, answers) if last.masks is not None else None,
        complete=all(answer.complete for answer in answers),
        report=_merged_report([answer.report for answer in answers], objects, merged, warnings),
        region=_around([answer.region for answer in answers if answer.region[0].stop]),
    )


def _masks(objects: Sequence[PromptedObject], answers: Sequence[Segmentation]) -> Volume:
    """Separate masks of the labels 1, 2, ...; they may overlap."""
    if sorted(one.label for one in objects) != list(range(1, len(objects) + 1)):
        raise InputError(
            "Each object can have a file of its own only when their labels are 1, 2, 3 and so on: number "
            "them so."
        )
    in_order = sorted(zip(objects, answers, strict=True), key=lambda pair: pair[0].label)
    masks: list[NDArray[np.bool_]] = [answer.labels.array > 0 for _, answer in in_order]
    return answers[0].labels.with_array(np.stack(masks))


def _merged_report(
    reports: Sequence[Report], objects: Sequence[PromptedObject], labels: Volume, warnings: tuple[str, ...]
) -> Report:
    """Sum up reports; `warnings` are those of the scan, which each of them has."""
    counts = {one.name: int(np.count_nonzero(labels.array == one.label)) for one in objects}
    notes = [
        f"{one.name}: {sentence}" if len(objects) > 1 else sentence
        for one, report in zip(objects, reports, strict=True)
        for sentence in report.warnings
        if sentence not in warnings
    ]
    last = reports[-1]
    return replace(
        last,
        voxels={"background": labels.array.size - sum(counts.values()), **counts},
        volumes_ml={name: round(count * labels.voxel_ml, 4) for name, count in counts.items()},
        n_windows=sum(report.n_windows for report in reports),
        n_windows_planned=sum(report.n_windows_planned for report in reports),
        macs=sum(report.macs for report in reports),
        seconds=Seconds(*(sum(parts) for parts in zip(*(report.seconds for report in reports), strict=True))),
        complete=all(report.complete for report in reports),
        warnings=(*warnings, *notes),
    )


def _around(regions: Sequence[tuple[slice, slice, slice]]) -> tuple[slice, slice, slice]:
    if not regions:
        return slice(0), slice(0), slice(0)
    z, y, x = (
        slice(min(one[axis].start for one in regions), max(one[axis].stop for one in regions))
        for axis in range(3)
    )
    return z, y, x
