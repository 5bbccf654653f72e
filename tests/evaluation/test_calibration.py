"""Offsets that give volumes back: counted by hand, fitted on scores whose bias is known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_scd.evaluation import Quality, cross_validated, fit_offsets, quality, volume_bias
from napari_scd.evaluation.clean_up import harmless_to
from napari_scd.evaluation.evaluate import Structure
from napari_scd.evaluation.label_counts import CANDIDATES, CaseLabels
from napari_scd.evaluation.label_scores import MOST_OFFSET, LabelScores, label_scores, true_classes
from napari_scd.evaluation.summary import KeepRow, Means


def _case(seed, bias=(0.0, 1.2, -0.8), n=4000):
    """Scores of three classes that are right but for noise and a bias of each class."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=(0.6, 0.25, 0.15)).astype(np.uint8)
    logits = rng.normal(0, 0.8, (n, 3)) + 2.0 * np.eye(3)[truth] + bias
    scores = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return LabelScores(scores.astype(np.float32), truth, np.array([1000, 10, 0]))


def test_counts_are_those_of_the_labels_at_each_candidate() -> None:
    case, offsets = _case(0, n=20_000), np.zeros(3, np.float32)
    labels = CaseLabels(case)
    for index, offset in ((1, 2.5), (2, -0.3), (1, 0.4), (2, -2.5)):
        counts = labels.counts(index)
        for place in (0, 37, 50, 64, 100):
            tried = offsets.copy()
            tried[index] = CANDIDATES[place]
            label = (case.scores + tried).argmax(1)
            np.testing.assert_allclose(counts.found[place], np.bincount(label, minlength=3), atol=4)
            right = np.bincount(label[label == case.truth], minlength=3)
            np.testing.assert_allclose(counts.right[place], right, atol=4)
        np.testing.assert_array_equal(counts.true, np.bincount(case.truth, minlength=3) + [1000, 10, 0])
        offsets[index] = offset
        labels.set(index, offset)


def test_a_known_bias_is_undone() -> None:
    cases = [_case(seed) for seed in range(12)]
    plain, offsets = quality(cases, (0, 0, 0)), fit_offsets(cases)
    fitted = quality(cases, offsets)
    assert offsets[0] == 0
    assert offsets[1] < -0.5 and offsets[2] > 0.3
    assert plain.volume_bias > 0.3 and fitted.volume_bias < 0.1
    assert fitted.mean_dice > plain.mean_dice + 0.02
    elsewhere = cross_validated(cases)
    assert elsewhere.mean_dice > plain.mean_dice + 0.02
    assert elsewhere.volume_bias < 0.1


def test_scores_without_bias_stay_as_they_are() -> None:
    cases = [_case(seed, bias=(0.0, 0.0, 0.0)) for seed in range(6)]
    offsets = fit_offsets(cases)
    assert max(map(abs, offsets)) < 0.8
    assert quality(cases, offsets).mean_dice >= quality(cases, (0, 0, 0)).mean_dice - 0.002


def test_a_structure_that_no_case_holds_is_not_judged() -> None:
    case = _case(1)
    none = case._replace(truth=np.minimum(case.truth, 1), elsewhere=np.array([1000, 10, 0]))
    found = quality([none], (0, 0, 0))
    assert np.isnan(found.dice[1]) and np.isnan(found.volume_ratio[1])
    assert np.isfinite(found.mean_dice) and np.isfinite(found.volume_bias)
    assert np.isfinite(fit_offsets([none])).all()
    assert cross_validated([none]) is None


def test_too_large_and_too_small_do_not_cancel() -> None:
    assert volume_bias([2.0, 0.5]) == pytest.approx(1.0)
    assert volume_bias([1.0, 1.0, float("nan")]) == 0
    assert Quality(np.array([0.5, np.nan]), np.array([1.1, np.nan])).volume_bias == pytest.approx(0.1)


def test_voxels_that_no_offset_could_change_are_only_counted() -> None:
    probabilities = np.zeros((3, 1, 1, 4), np.float16)
    probabilities[:, 0, 0, 0] = (0.98, 0.015, 0.005)  # far below e^-3 of the background
    probabilities[:, 0, 0, 1] = (0.6, 0.3, 0.1)
    probabilities[:, 0, 0, 2] = (0.1, 0.8, 0.1)  # the last voxel was not computed
    truth = np.array([[[1, 2, 1, 2]]], np.uint8)
    scores = label_scores(probabilities, truth, np.ones((1, 1, 4), bool))
    assert MOST_OFFSET == 3
    np.testing.assert_array_equal(scores.truth, [2, 1])
    np.testing.assert_array_equal(scores.elsewhere, [0, 1, 1])
    np.testing.assert_array_equal(scores.true_voxels, [0, 2, 2])
    np.testing.assert_allclose(np.exp(scores.scores[0]), (0.6, 0.3, 0.1), rtol=1e-3)
    fewer = label_scores(probabilities, truth, np.array([[[True, False, True, True]]]))
    np.testing.assert_array_equal(fewer.true_voxels, [0, 2, 1])


def test_true_classes_follow_the_files_values() -> None:
    structures = (Structure(1, "one", (4, 5)), Structure(2, "two", (9,)))
    np.testing.assert_array_equal(true_classes(np.array([0, 4, 5, 9, 7]), structures), [0, 1, 1, 2, 0])


def _row(**structures):
    means = {name: Means(dice, hd95, 0.5, 1.0) for name, (dice, hd95) in structures.items()}
    return KeepRow(0.5, Means(0.5, 1.0, 0.5, 1.0), means, (8,), 1.0, 1.0, 1.0, 0, 0, 1)


def test_parts_are_removed_where_nothing_is_lost() -> None:
    nan = float("nan")
    before = _row(
        better=(0.8, 20.0), same=(0.7, 5.0), worse=(0.8, 9.0), farther=(0.6, 4.0), absent=(nan, nan)
    )
    after = _row(
        better=(0.81, 6.0), same=(0.7, 5.0), worse=(0.79, 8.0), farther=(0.6, 7.0), absent=(nan, nan)
    )
    assert harmless_to(before, after, before.structures) == ("better", "same", "absent")
    assert harmless_to(before, after, ["worse", "same"]) == ("same",)
