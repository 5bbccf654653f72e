"""Models measured on cases with a truth: Dice, surface distances, tokens, MACs and seconds."""

from napari_scd.evaluation.cases import CaseFiles, find_cases, read_pair
from napari_scd.evaluation.evaluate import (
    KEEPS,
    TOLERANCE_MM,
    CaseRun,
    EvaluationPlan,
    Structure,
    evaluate_case,
    structures_of,
    warm_up,
)
from napari_scd.evaluation.metrics import Fit, fit
from napari_scd.evaluation.plot import plot_dice_against_seconds
from napari_scd.evaluation.summary import KeepRow, Means, summarise
from napari_scd.evaluation.tables import EvaluationHeading, to_csv, to_dict, to_markdown

__all__ = [
    "KEEPS",
    "TOLERANCE_MM",
    "CaseFiles",
    "CaseRun",
    "Fit",
    "EvaluationHeading",
    "Means",
    "EvaluationPlan",
    "KeepRow",
    "Structure",
    "evaluate_case",
    "find_cases",
    "fit",
    "plot_dice_against_seconds",
    "read_pair",
    "structures_of",
    "summarise",
    "to_csv",
    "to_dict",
    "to_markdown",
    "warm_up",
]
