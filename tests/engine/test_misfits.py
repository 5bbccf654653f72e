"""How sure an answer is, voxel by voxel and structure by structure, and scans that do not fit the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_scd.engine import Request, merge
from napari_scd.volume import Recipe, Volume

RECIPE = Recipe("MR", normalisation="none")
SURE = Request(confidence=True)


def ramp() -> Volume:
    """Scan that rises from 0 to 1 along x."""
    return Volume(np.broadcast_to(np.linspace(0, 1, 41, dtype=np.float32), (20, 20, 41)).copy(), np.eye(4))


def answer(thresholder, recipe, scan=None, request=SURE, **sizes):
    session = thresholder(recipe, **sizes)
    session.set_volume(scan or ramp())
    return session.segment(request)


def expected_percent(activation: str) -> np.ndarray:
    """The thresholder's logit is 8 (image - 0.5), against 0 for background."""
    bright = 1 / (1 + np.exp(-8 * (ramp().array - 0.5)))
    assert activation in ("softmax", "sigmoid")
    return 100 * np.maximum(bright, 1 - bright)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_confidence_is_the_probability_of_the_label(thresholder, activation) -> None:
    found = answer(thresholder, replace(RECIPE, activation=activation))
    assert found.confidence.array.dtype == np.uint8 and found.confidence.same_grid(found.labels)
    np.testing.assert_allclose(found.confidence.array, expected_percent(activation), atol=1)
    inside = found.labels.array == 1
    mean = expected_percent(activation)[inside].mean() / 100
    assert found.report.confidence == {"bright": pytest.approx(mean, abs=0.01)}
    assert found.report.to_dict()["confidence"]["bright"] == found.report.confidence["bright"]


def test_confidence_changes_no_label_and_is_asked_for(thresholder) -> None:
    plain, sure = answer(thresholder, RECIPE, request=Request()), answer(thresholder, RECIPE)
    np.testing.assert_array_equal(plain.labels.array, sure.labels.array)
    assert plain.confidence is None and plain.report.confidence is None and plain.report.misfits == ()


def test_confidence_comes_back_onto_the_scans_own_grid(thresholder) -> None:
    found = answer(thresholder, replace(RECIPE, spacing_mm=(2.0, 2.0, 1.0)))
    assert found.confidence.spatial_shape == ramp().spatial_shape
    np.testing.assert_allclose(
        found.confidence.array[5:15, 5:15], expected_percent("softmax")[5:15, 5:15], atol=6
    )


def test_what_was_not_computed_has_no_confidence(thresholder) -> None:
    session = thresholder(RECIPE)
    session.set_volume(ramp())
    click = session.click((3, 3, 36), SURE).segmentation
    outside = np.ones(ramp().array.shape, bool)
    outside[click.region] = False
    assert not click.confidence.array[outside].any() and click.confidence.array[3, 3, 36] > 90
    other = session.click((16, 16, 36), SURE).segmentation
    both = merge([click, other], session.labels)
    assert (both.confidence.array >= click.confidence.array).all()
    assert set(both.report.confidence) == {"bright"}


def test_an_unsure_answer_is_doubted(thresholder) -> None:
    assert answer(thresholder, replace(RECIPE, usual_confidence=0.5)).report.misfits == ()
    (sentence,) = answer(thresholder, replace(RECIPE, usual_confidence=0.95)).report.misfits
    assert sentence.startswith("model is only 8") and sentence.endswith("(usually 95% or more).")


def test_each_structure_counts_alike_however_small(thresholder) -> None:
    """A large sure structure does not hide a small unsure one."""
    scan = ramp()
    scan.array[:, :, 21:] = 1.5
    scan.array[:2, :2, :2] = 0.52
    levels = {"levels": (0.5, 0.89), "names": ("faint", "bright")}
    found = answer(thresholder, replace(RECIPE, usual_confidence=0.9), scan, **levels)
    assert found.report.confidence["faint"] < 0.8 and len(found.report.misfits) == 1


def test_structures_of_unusual_size_are_named(thresholder) -> None:
    usual = {"usual_ml": ((1.0, 5.0),)}  # the bright half has 8 ml
    (sentence,) = answer(thresholder, replace(RECIPE, **usual)).report.misfits
    assert sentence == "Unusual sizes: bright 8 ml (usually 1 to 5)."
    scan = Volume(np.zeros((20, 20, 20), np.float32), np.eye(4))
    scan.array[8:11, 8:11, 8:11] = 1
    (sentence,) = answer(thresholder, replace(RECIPE, **usual), scan).report.misfits
    assert sentence == "Unusual sizes: bright 0.027 ml (usually 1 to 5)."


def test_what_the_scan_cuts_off_may_be_small(thresholder) -> None:
    scan = Volume(np.zeros((20, 20, 20), np.float32), np.eye(4))
    scan.array[0:3, 8:11, 8:11] = 1
    assert answer(thresholder, replace(RECIPE, usual_ml=((1.0, 5.0),)), scan).report.misfits == ()


def test_parts_of_a_scan_are_not_doubted(thresholder) -> None:
    session = thresholder(replace(RECIPE, usual_confidence=1.0, usual_ml=((0.0, 0.001),)))
    session.set_volume(ramp())
    assert session.preview(SURE, centre_index=(3, 3, 36)).report.misfits == ()
    assert len(session.segment(SURE).report.misfits) == 2


def test_clicks_are_doubted_where_a_model_takes_nothing_else(thresholder) -> None:
    usual = {"usual_confidence": 0.99, "usual_ml": ((100.0, 200.0),)}
    for field, n_doubts in (("whole", 0), ("click", 1)):
        session = thresholder(replace(RECIPE, field=field, **usual))
        session.set_volume(ramp())
        click = session.click((3, 3, 36), SURE)
        assert len(click.segmentation.report.misfits) == n_doubts, field
        nothing = session.click((3, 3, 2), SURE)
        assert nothing.label == 0 and nothing.segmentation.report.misfits == ()
    both = merge([click.segmentation, click.segmentation], session.labels)
    assert both.report.misfits == click.segmentation.report.misfits


def test_recipes_keep_what_is_usual() -> None:
    recipe = Recipe("CT", usual_confidence=0.8, usual_ml=[[10, 20], [0, 5.5]])
    assert recipe.usual_ml == ((10.0, 20.0), (0.0, 5.5))
    assert Recipe.from_dict(recipe.to_dict()) == recipe
    assert recipe.to_dict()["usual_ml"] == [[10.0, 20.0], [0.0, 5.5]]
