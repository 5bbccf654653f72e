"""Carry out a calibration order: scores of every case, offsets, clean-up, a model file with both."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from rich import box
from rich.table import Table

from napari_scd.checkpoints import load, save
from napari_scd.cli.console import out, print_json, say
from napari_scd.cli.run.evaluate_cases import EvaluateOrder, truth_of
from napari_scd.cli.run.measure_cases import measure_cases
from napari_scd.engine import Request, Session
from napari_scd.errors import InputError
from napari_scd.evaluation import (
    TOLERANCE_MM,
    EvaluationPlan,
    case_scores,
    cross_validated,
    evaluate_case,
    fit_offsets,
    harmless_to,
    quality,
    structures_of,
    summarise,
    usual_in,
    volume_bias,
    without_nan,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_scd.checkpoints import Checkpoint
    from napari_scd.evaluation import CaseFiles, CaseRun, KeepRow, LabelScores, Means, Quality
    from napari_scd.volume import Recipe


@dataclass(frozen=True)
class CalibrateOrder:
    """What one call of `models calibrate` asks for.

    `single` are names of structures, or "all", or "none"; without `usual`, what the recipe calls usual stays;
    `out` None writes nothing.
    """

    model: str
    data: Path
    labels: Path | None = None
    out: Path | None = None
    cases: tuple[str, ...] = ()
    keep: float = 0.5
    single: tuple[str, ...] = ("all",)
    gap_mm: float = 20.0
    share: float = 0.3
    usual: bool = True
    ignored: tuple[int, ...] = ()
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None


class Calibrated(NamedTuple):
    """What a calibration found.

    Attributes
    ----------
    recipe : Recipe
        With offsets and single labels.
    before, after : KeepRow
        The model as it was without any of it, and with all of it, on the same cases.
    fitted, elsewhere : Quality
        At the offsets, without clean-up: on the cases they were fitted on, and on cases left out of the fit.
    """

    recipe: Recipe
    before: KeepRow
    after: KeepRow
    fitted: Quality
    elsewhere: Quality | None


def run_calibration(order: CalibrateOrder, *, as_json: bool) -> int:
    """Calibrate, print, and write the model where that was asked for.

    Returns
    -------
    int
        Exit code: 0, or as `measure_cases` when a case could not be used, in which case nothing is written.

    Raises
    ------
    InputError
        When the model cannot be calibrated, or there is no case.
    """
    if order.threads:
        torch.set_num_threads(order.threads)
    checkpoint = load(order.model)
    if checkpoint.recipe.activation != "softmax":
        raise InputError("Only models of labels that exclude each other can be calibrated.")
    plan, cases = _plan_and_cases(order, checkpoint)
    plain = replace(checkpoint.recipe, logit_offsets=(), single_labels=())
    scores, before, worst = _measured(_session(checkpoint, plain), cases, plan, order.keep)
    if worst:
        return worst
    offsets = fit_offsets(scores)
    calibrated = replace(plain, logit_offsets=offsets)
    recipe, runs = _with_clean_up(order, checkpoint, calibrated, plan, cases)
    if order.usual:
        usual = usual_in(runs, checkpoint.labels.names)
        recipe = replace(recipe, usual_confidence=usual.confidence, usual_ml=usual.ml)
    found = Calibrated(recipe, before, summarise(runs)[0], quality(scores, offsets), cross_validated(scores))
    if order.out is not None:
        _write(order.out, checkpoint, found, len(cases))
    if as_json:
        print_json(_to_dict(found, len(cases)))
        return 0
    _show(found, len(cases))
    if order.out is not None:
        say(f"Wrote {order.out}")
    return 0


def _plan_and_cases(order: CalibrateOrder, checkpoint: Checkpoint) -> tuple[EvaluationPlan, list[CaseFiles]]:
    asked = EvaluateOrder(order.model, order.data, order.labels, cases=order.cases, ignored=order.ignored)
    truth = truth_of(asked, checkpoint.labels, checkpoint.recipe.activation)
    known = {value for held in truth.values for value in held} | {
        *truth.background,
        *checkpoint.labels.indices,
    }
    plan = EvaluationPlan(
        structures_of(checkpoint.labels, truth.values),
        frozenset(known),
        (order.keep,),
        TOLERANCE_MM[checkpoint.recipe.modality],
        Request(device=order.device, precision=order.precision, confidence=True),
        frozenset(order.ignored) | frozenset(truth.ignored),
    )
    return plan, truth.cases


def _session(checkpoint: Checkpoint, recipe: Recipe) -> Session:
    return Session(checkpoint.network, recipe, checkpoint.labels, checkpoint.provenance, cache_bytes=0)


def _measured(
    session: Session, cases: list[CaseFiles], plan: EvaluationPlan, keep: float
) -> tuple[list[LabelScores], KeepRow, int]:
    """Scores of all cases, and how good the model is as it comes."""
    scores: list[LabelScores] = []
    runs: list[CaseRun] = []

    def measure(case: CaseFiles, tell: Callable[[float], None]) -> None:
        scores.append(case_scores(session, case, plan, keep))
        tell(0.5)
        runs.extend(evaluate_case(session, case, plan))

    worst = measure_cases(cases, measure, "scores of")
    if not runs:
        raise InputError("No case could be measured: see the messages above.")
    return scores, summarise(runs)[0], worst


def _with_clean_up(
    order: CalibrateOrder,
    checkpoint: Checkpoint,
    recipe: Recipe,
    plan: EvaluationPlan,
    cases: list[CaseFiles],
) -> tuple[Recipe, list[CaseRun]]:
    """Recipe with the single labels that the clean-up does no harm to, and the cases segmented with it."""
    table = checkpoint.labels
    names = {"all": table.names, "none": ()}.get(order.single[0], order.single)
    candidates = tuple(table.index_of(name) for name in names)
    cleaned = replace(recipe, single_labels=candidates, part_gap_mm=order.gap_mm, part_share=order.share)
    without = _runs(_session(checkpoint, recipe), cases, plan)
    if not candidates:
        return recipe, without
    with_all = _runs(_session(checkpoint, cleaned), cases, plan)
    chosen = harmless_to(summarise(without)[0], summarise(with_all)[0], names)
    final = replace(cleaned, single_labels=tuple(table.index_of(name) for name in chosen))
    return final, [_composed(*pair, chosen) for pair in zip(without, with_all, strict=True)]


def _composed(without: CaseRun, with_all: CaseRun, chosen: tuple[str, ...]) -> CaseRun:
    """Put together a run in which only some structures lose stray parts; these never touch the others."""
    fits = {name: (with_all if name in chosen else without).fits[name] for name in without.fits}
    return with_all._replace(fits=fits)


def _runs(session: Session, cases: list[CaseFiles], plan: EvaluationPlan) -> list[CaseRun]:
    runs: list[CaseRun] = []

    def measure(case: CaseFiles, tell: Callable[[float], None]) -> None:
        runs.extend(evaluate_case(session, case, plan))

    if measure_cases(cases, measure, "clean-up of"):
        raise InputError("A case could be read once but not twice: see the messages above.")
    return runs


def _write(path: Path, checkpoint: Checkpoint, found: Calibrated, n_cases: int) -> None:
    """Write the same weights with the new recipe; figures of earlier tests are no longer true, so they go."""
    provenance = checkpoint.provenance
    kept = {key: value for key, value in provenance.metrics.items() if key != "tested"}
    metrics = {**kept, "calibration": _summary(found, n_cases)}
    save(
        path,
        checkpoint.network,
        found.recipe,
        checkpoint.labels,
        replace(provenance, metrics=metrics),
    )


def _summary(found: Calibrated, n_cases: int) -> dict[str, Any]:
    """Say in a few numbers what changed."""
    return {
        "cases": n_cases,
        "keep": found.before.keep,
        "dice": [round(row.overall.dice, 4) for row in (found.before, found.after)],
        "hd95_mm": [round(row.overall.hd95_mm, 2) for row in (found.before, found.after)],
        "volume_bias": [round(row_bias(row), 3) for row in (found.before, found.after)],
    }


def _to_dict(found: Calibrated, n_cases: int) -> dict[str, Any]:
    structures = {
        name: {"before": means._asdict(), "after": found.after.structures[name]._asdict()}
        for name, means in found.before.structures.items()
    }
    left_out = None
    if found.elsewhere is not None:
        left_out = {"dice": found.elsewhere.mean_dice, "volume_bias": found.elsewhere.volume_bias}
    values: dict[str, Any] = without_nan(
        {
            **_summary(found, n_cases),
            "left_out": left_out,
            "recipe": found.recipe.to_dict(),
            "structures": structures,
        }
    )
    return values


def _show(found: Calibrated, n_cases: int) -> None:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("structure", "offset", "Dice", "now", "volume", "now", "HD95 (mm)", "now"):
        table.add_column(title, justify="left" if title == "structure" else "right")
    for offset, (name, old) in zip(
        found.recipe.logit_offsets[1:], found.before.structures.items(), strict=True
    ):
        table.add_row(name, f"{offset:+.2f}", *_cells(old, found.after.structures[name]))
    table.add_section()
    table.add_row("mean", "", *_cells(found.before.overall, found.after.overall), style="bold")
    out.print(table)
    plural = "s" if n_cases != 1 else ""
    before, after = (row_bias(row) for row in (found.before, found.after))
    say(
        f"{n_cases} case{plural}, keep {found.before.keep:g}. Volumes were off by {before:.0%} on average, "
        f"now by {after:.0%}."
    )
    if found.elsewhere is not None:
        say(
            f"On cases left out of the fit: Dice {found.elsewhere.mean_dice:.3f} and volumes off by "
            f"{found.elsewhere.volume_bias:.0%}; on the fitted ones {found.fitted.mean_dice:.3f} and "
            f"{found.fitted.volume_bias:.0%} (all without removing parts)."
        )
    single = found.recipe.single_labels
    names = [name for index, name in enumerate(found.before.structures, start=1) if index in single]
    if names:
        say(f"Stray parts are removed of: {', '.join(names)}.")


def row_bias(row: KeepRow) -> float:
    """How far the volumes of a row's structures are off on average."""
    return volume_bias([means.volume_ratio for means in row.structures.values()])


def _cells(old: Means, new: Means) -> tuple[str, ...]:
    quantities = (("dice", 3), ("volume_ratio", 2), ("hd95_mm", 1))
    pairs = [(getattr(old, name), getattr(new, name), digits) for name, digits in quantities]
    return tuple(
        "-" if math.isnan(value) else f"{value:.{digits}f}"
        for before, after, digits in pairs
        for value in (before, after)
    )
