"""Carry out an order: every case from file to files, a bad case never stopping the others."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from napari_scd.batch.outputs import write_case, write_summary
from napari_scd.checkpoints import load
from napari_scd.cli.channels import in_model_order
from napari_scd.cli.console import complain, print_json, unexpected, warn
from napari_scd.cli.progress import progress_bar
from napari_scd.cli.remedies import with_remedy
from napari_scd.cli.run.tables import print_case
from napari_scd.engine import Request, Session, merge
from napari_scd.errors import InputError
from napari_scd.volume import read_volume
from napari_scd.volume.channels import read_channels

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.batch.paths import Batch, Case
    from napari_scd.cli.orders import Order
    from napari_scd.cli.points import Point
    from napari_scd.engine import Progress, Segmentation
    from napari_scd.volume import LabelTable, Volume

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Runner:
    """A loaded model and what to do with every volume; `channels` are files in the model's order."""

    session: Session
    n_channels: int
    request: Request
    points: tuple[Point, ...]
    frame: int | None
    series: str | None = None
    channels: dict[str, Path] | None = None
    hash_names: bool = False


class Outcome(NamedTuple):
    """How one case ended; `error` is empty and `report` full when it went well."""

    case: Case
    report: dict[str, Any]
    error: str
    exit_code: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready copy."""
        if self.error:
            failed = {"status": "failed", "error": self.error, "exit_code": self.exit_code}
            return {"input": str(self.case.source), **failed}
        return {"status": "done", **self.report}


def run_batch(batch: Batch, order: Order, *, as_json: bool) -> int:
    """Segment every case and write its files.

    Parameters
    ----------
    batch : Batch
    order : Order
    as_json : bool
        Print one JSON document at the end instead of a table for each case.

    Returns
    -------
    int
        Exit code: 0, 2 when a case could not be used, 1 when one failed for a reason that is not its own.

    Raises
    ------
    InputError
        When nothing at all can start: an unknown model, structure or device, a keep ratio out of range.
    """
    runner = prepare(order)
    outcomes = []
    for number, case in enumerate(batch.cases, start=1):
        of_many = f" ({number} of {len(batch.cases)})" if len(batch.cases) > 1 else ""
        with progress_bar(case.source.name + of_many) as progress:
            outcome = run_case(runner, case, progress)
        if outcome.error:
            known = not of_many or case.source.name in outcome.error
            complain(outcome.error if known else f"{case.source.name}: {outcome.error}")
        else:
            for sentence in outcome.report["warnings"]:
                warn(f"{case.source.name}: {sentence}")
            if not as_json:
                print_case(outcome.report, runner.session.labels)
        outcomes.append(outcome)
    if batch.summary:
        write_summary(batch.summary, [outcome.to_dict() for outcome in outcomes], hash_names=order.hash_names)
    if as_json:
        print_json({"cases": [outcome.to_dict() for outcome in outcomes]})
    codes = {outcome.exit_code for outcome in outcomes}
    return 1 if 1 in codes else max(codes)


def prepare(order: Order) -> Runner:
    """Check the order against its model and load it."""
    if order.threads:
        torch.set_num_threads(order.threads)
    request = Request(
        keep=order.keep,
        stride=order.stride,
        device=order.device,
        precision=order.precision,
        compile=order.compiled,
        probability=order.probability,
        masks=order.masks,
    )
    checkpoint = load(order.model)
    request = replace(request, structures=structure_ids(order.structures, checkpoint.labels))
    request.keep_per_stage(checkpoint.network.config.default_keep)
    session = Session(*checkpoint)
    channels = in_model_order(dict(order.channels), session.recipe.channels) if order.channels else None
    n_channels = len(session.recipe.channels)
    return Runner(
        session, n_channels, request, order.points, order.frame, order.series, channels, order.hash_names
    )


def structure_ids(names: tuple[str, ...], table: LabelTable) -> tuple[int, ...]:
    """Label ids of structure and group names.

    Raises
    ------
    InputError
        For a name that is neither.
    """
    ids: list[int] = []
    for name in names:
        grouped = [label for label in table.labels if (label.group or "").casefold() == name.casefold()]
        ids += [label.index for label in grouped] or [table.index_of(name)]
    return tuple(dict.fromkeys(ids))


def segment_volume(
    runner: Runner, volume: Volume, progress: Callable[[Progress], None] | None
) -> Segmentation:
    """Segment all of a volume, or the structures under the points.

    Raises
    ------
    InputError
        When the volume does not suit the model, a point lies outside, or nothing is found at any point.
    """
    session = runner.session
    session.set_volume(volume)
    if not runner.points:
        return session.segment(runner.request, progress=progress)
    found: list[Segmentation] = []
    missed: list[str] = []
    for point in runner.points:
        click = session.click(voxel_at(volume, point), runner.request, progress=progress)
        if click.label:
            found.append(click.segmentation)
        else:
            missed.append(f"At {_millimetres(point)}: {click.message}.")
    if not found:
        raise InputError(f"{' '.join(missed)} Give a point inside the structure.")
    whole = merge(found, session.labels)
    return replace(whole, report=replace(whole.report, warnings=(*whole.report.warnings, *missed)))


def voxel_at(volume: Volume, point: Point) -> tuple[float, float, float]:
    """Voxel index, with fractions, of a point in (R, A, S) mm.

    Raises
    ------
    InputError
        When it lies outside the volume.
    """
    z, y, x = volume.index_of(point).tolist()
    shape = volume.spatial_shape
    if all(-0.5 <= place < size - 0.5 for place, size in zip((z, y, x), shape, strict=True)):
        return z, y, x
    ends = [volume.ras_mm_of(corner) for corner in product(*((0, size - 1) for size in shape))]
    spans = [f"{min(mm):.0f} to {max(mm):.0f}" for mm in zip(*ends, strict=True)]
    raise InputError(
        f"The point {_millimetres(point)} lies outside the volume, which spans {spans[0]} right, "
        f"{spans[1]} anterior and {spans[2]} superior: give a point inside."
    )


def run_case(
    runner: Runner,
    case: Case,
    progress: Callable[[Progress], None] | None,
    *,
    asked: dict[str, Any] | None = None,
) -> Outcome:
    """Segment one case and write its files; what goes wrong is told, not raised.

    `asked` goes into the report as it is.
    """
    try:
        volume = _read_case(runner, case)
        segmentation = segment_volume(runner, volume, progress)
        report = write_case(
            case,
            segmentation,
            runner.session.labels,
            volume=volume,
            points=runner.points,
            structures=runner.request.structures,
            channels=runner.channels,
            hash_names=runner.hash_names,
            asked=asked,
        )
    except InputError as error:
        logger.debug("%s", case.source, exc_info=True)
        return Outcome(case, {}, with_remedy(error), 2)
    except Exception as error:
        logger.debug("%s", case.source, exc_info=True)
        return Outcome(case, {}, unexpected(error), 1)
    return Outcome(case, report, "", 0)


def _read_case(runner: Runner, case: Case) -> Volume:
    if runner.channels:
        return read_channels(runner.channels, runner.frame)
    try:
        channels = runner.n_channels
        return read_volume(case.source, frame=runner.frame, channels=channels, series=runner.series)
    except InputError as error:
        if runner.n_channels == 1 or "channels are needed" not in str(error):
            raise
        each = " ".join(f"--channel {name}=FILE" for name in runner.session.recipe.channels)
        raise InputError(f"{error.args[0].rstrip('.')}, or one file for each ({each}).") from error


def _millimetres(point: Point) -> str:
    return f"{' '.join(f'{mm:g}' for mm in point)} mm"
