"""A loaded model and one case after another, from file to files; a case that fails never stops the others."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from napari_scd.batch.channel_files import in_model_order
from napari_scd.batch.checks import request_of
from napari_scd.batch.outcomes import CaseOutcome, Crash, described
from napari_scd.batch.outputs import write_case
from napari_scd.batch.places import in_mm, voxel_at
from napari_scd.batch.prompted import answer_objects
from napari_scd.checkpoints import load
from napari_scd.engine import Session, merge, objects_to_dict
from napari_scd.errors import InputError
from napari_scd.volume import LabelTable, check_labels_writable, read_channels, read_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.batch.jobs import PlannedCase, SegmentJob
    from napari_scd.engine import Progress, Request, Segmentation
    from napari_scd.volume import Volume

logger = logging.getLogger(__name__)


class CaseAnswer(NamedTuple):
    """What a job asked for in one scan.

    Attributes
    ----------
    segmentation : Segmentation
    table : LabelTable
        The structures or objects that were asked for.
    asked : dict or None
        Objects with their prompts, for the report.
    """

    segmentation: Segmentation
    table: LabelTable
    asked: dict[str, Any] | None = None


@dataclass(frozen=True)
class Runner:
    """A job with its model loaded.

    Attributes
    ----------
    job : SegmentJob
    session : Session
    request : Request
        The job's settings, with the structures as label ids.
    channels : dict or None
        Files by channel in the model's order, of a case that is given channel by channel.
    """

    job: SegmentJob
    session: Session
    request: Request
    channels: dict[str, Path] | None = None

    def run(self, case: PlannedCase, progress: Callable[[Progress], None] | None = None) -> CaseOutcome:
        """Segment one case and write its files; failures are returned, not raised."""
        try:
            volume = self.read(case)
            check_labels_writable(case.labels, volume)
            answer = self.answer(volume, progress)
            report = write_case(
                case,
                answer.segmentation,
                answer.table,
                volume,
                job=self.job,
                channels=self.channels,
                asked=answer.asked,
            )
        except InputError as error:
            logger.debug("%s", case.source, exc_info=True)
            return CaseOutcome(case, {}, error)
        except Exception as error:
            logger.debug("%s", case.source, exc_info=True)
            return CaseOutcome(case, {}, Crash(described(error)))
        return CaseOutcome(case, report, table=answer.table)

    def read(self, case: PlannedCase) -> Volume:
        """Read the scan of a case, from its channels' files where these were given.

        Raises
        ------
        InputError
            When it cannot be read, or does not have the channels of the model.
        """
        if self.channels is not None:
            return read_channels(self.channels, self.job.frame)
        n_channels = len(self.session.recipe.channels)
        given = case.slices or case.source
        return read_volume(given, frame=self.job.frame, channels=n_channels, series=self.job.series)

    def answer(self, volume: Volume, progress: Callable[[Progress], None] | None = None) -> CaseAnswer:
        """Segment what the job asks for in a volume: everything, the structures at points, or objects.

        Raises
        ------
        InputError
            When the volume does not suit the model, a point lies outside, or nothing is found at any point.
        """
        if self.session.recipe.field == "prompt":
            objects, whole, table = answer_objects(self.session, volume, self.job, self.request, progress)
            return CaseAnswer(whole, table, objects_to_dict(objects, volume, with_masks=False))
        self.session.set_volume(volume)
        if self.job.points:
            whole = self._at_points(volume, progress)
        else:
            whole = self.session.segment(self.request, progress=progress)
        report, table = whole.report, self._asked_labels()
        counted = {name: report.voxels[name] for name in table.names}
        measured = {name: report.volumes_ml[name] for name in table.names}
        sure = {name: mean for name, mean in (report.confidence or {}).items() if name in counted}
        report = replace(report, voxels=counted, volumes_ml=measured, confidence=sure)
        return CaseAnswer(replace(whole, report=report), table)

    def _at_points(self, volume: Volume, progress: Callable[[Progress], None] | None) -> Segmentation:
        found: list[Segmentation] = []
        missed: list[str] = []
        for point in self.job.points:
            click = self.session.click(voxel_at(volume, point), self.request, progress=progress)
            if click.label:
                found.append(click.segmentation)
            else:
                missed.append(f"At {in_mm(point)}: {click.message}.")
        if not found:
            raise InputError(f"{' '.join(missed)} Give a point inside the structure.")
        whole = merge(found, self.session.labels)
        return replace(whole, report=replace(whole.report, warnings=(*whole.report.warnings, *missed)))

    def _asked_labels(self) -> LabelTable:
        """Return the structures that were asked for."""
        labels, wanted = self.session.labels.labels, self.request.structures
        return LabelTable(tuple(label for label in labels if not wanted or label.index in wanted))


def prepare(job: SegmentJob) -> Runner:
    """Load the model of a job, and check the job against it.

    Raises
    ------
    InputError
        When nothing at all can start: an unknown model, structure, channel or device, a keep ratio out of
        range.
    """
    if job.threads:
        torch.set_num_threads(job.threads)
    checkpoint = load(job.model)
    recipe, labels = checkpoint.recipe, checkpoint.labels
    request = request_of(job, checkpoint.provenance.name, labels, recipe)
    checkpoint.network.keep_per_stage(request.keep)
    asked_once = recipe.field == "whole"  # then nothing is computed twice, and memory is better left free
    session = Session(*checkpoint, cache_bytes=0) if asked_once else Session(*checkpoint)
    channels = in_model_order(dict(job.channels), recipe.channels) if job.channels else None
    return Runner(job, session, request, channels)
