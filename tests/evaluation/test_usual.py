"""What is usual in a model's answers, from validation cases."""

from __future__ import annotations

from napari_scd.evaluation import CaseRun, usual_in
from napari_scd.evaluation.metrics import Fit
from napari_scd.volume import Recipe


def run(truth: int, predicted: int, confidence: dict[str, float]) -> CaseRun:
    fits = {"liver": Fit(0.9, 1.0, 0.9, truth, predicted)}
    return CaseRun("case", 0.5, fits, (512, 256), 8, 1000, 1.0, 0.1, confidence)


def test_the_least_confident_case_and_the_extreme_sizes_count() -> None:
    runs = [run(100, 80, {"liver": 0.9, "spleen": 0.8}), run(200, 400, {"liver": 0.95, "spleen": 0.93})]
    usual = usual_in(runs, ("liver", "spleen"))
    assert usual.confidence == 0.77, "the mean of the first case, less the margin"
    assert usual.ml == ((2.0, 160.0), (0.0, 1e9)), "8 to 40 ml, with a factor of four"
    assert Recipe("CT", usual_confidence=usual.confidence, usual_ml=usual.ml).usual_ml == usual.ml


def test_nothing_is_usual_without_cases() -> None:
    assert usual_in([], ("liver",)) == (0.0, ((0.0, 1e9),))
