"""Measures models on cases with ground truth: Dice, surface distances, tokens, MACs and seconds."""

from napari_scd.evaluation.calibration import (
    Quality,
    cross_validated,
    fit_offsets,
    quality,
    volume_bias,
)
from napari_scd.evaluation.card import card_metrics, card_table, structure_table, usual_row
from napari_scd.evaluation.cases import CaseFiles, CaseList, find_cases, names_beside, read_pair
from napari_scd.evaluation.clean_up import harmless_to
from napari_scd.evaluation.click_peers import PEERS, ClickPeer
from napari_scd.evaluation.click_summary import ClickMeans, ClickRow, summarise_clicks
from napari_scd.evaluation.click_tables import (
    ClickHeading,
    clicks_to_csv,
    clicks_to_dict,
    clicks_to_markdown,
    plot_dice_against_clicks,
)
from napari_scd.evaluation.click_user import SimulatedClick, next_click
from napari_scd.evaluation.clicks import ClickPlan, ClickStep, ClickTrack, click_case
from napari_scd.evaluation.contrasts import CONTRASTS
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
from napari_scd.evaluation.label_scores import LabelScores, case_scores
from napari_scd.evaluation.metrics import Fit, fit
from napari_scd.evaluation.plot import plot_dice_against_seconds
from napari_scd.evaluation.summary import KeepRow, Means, summarise
from napari_scd.evaluation.tables import (
    EvaluationHeading,
    contrasts_to_dict,
    contrasts_to_markdown,
    to_csv,
    to_dict,
    to_markdown,
    without_nan,
)
from napari_scd.evaluation.usual import Usual, usual_in

__all__ = [
    "Usual",
    "LabelScores",
    "Quality",
    "card_metrics",
    "card_table",
    "case_scores",
    "cross_validated",
    "fit_offsets",
    "harmless_to",
    "quality",
    "structure_table",
    "volume_bias",
    "usual_in",
    "usual_row",
    "ClickHeading",
    "ClickMeans",
    "ClickPeer",
    "ClickPlan",
    "ClickRow",
    "ClickStep",
    "ClickTrack",
    "SimulatedClick",
    "click_case",
    "contrasts_to_dict",
    "contrasts_to_markdown",
    "clicks_to_csv",
    "clicks_to_dict",
    "clicks_to_markdown",
    "names_beside",
    "next_click",
    "plot_dice_against_clicks",
    "summarise_clicks",
    "CONTRASTS",
    "KEEPS",
    "PEERS",
    "TOLERANCE_MM",
    "CaseFiles",
    "CaseList",
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
    "without_nan",
]
