"""From cases to tables: numbers that are known by hand."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest

from napari_scd.errors import InputError
from napari_scd.evaluation import (
    EvaluationHeading,
    EvaluationPlan,
    evaluate_case,
    find_cases,
    plot_dice_against_seconds,
    structures_of,
    summarise,
    to_csv,
    to_dict,
    to_markdown,
    warm_up,
)

HEADING = EvaluationHeading("thresholds", "0123456789abcdef", "cpu", "float32", 1.0)


@pytest.fixture
def plan(session):
    return EvaluationPlan(structures_of(session.labels), frozenset({1, 2}), (1.0, 0.25), 1.0)


@pytest.fixture
def runs(session, data_folder, plan):
    cases = find_cases(images=data_folder / "images", labels=data_folder / "labels").cases
    warm_up(session, cases["full"], plan)
    return [run for case in cases.values() for run in evaluate_case(session, case, plan)]


def test_every_case_is_measured_at_every_keep_ratio(runs):
    assert [(run.case, run.keep) for run in runs] == [
        (case, keep) for case in ("full", "hollow") for keep in (1.0, 0.25)
    ]
    assert [run.fits["core"].dice for run in runs] == pytest.approx([1, 0, math.nan, math.nan], nan_ok=True)
    assert runs[0].fits["shell"].dice == 1.0
    assert runs[1].fits["shell"].dice < 1.0
    assert runs[0].tokens == (64, 64, 64)
    assert runs[1].tokens == (64, 16, 4)
    assert runs[0].macs > runs[1].macs
    assert all(run.seconds > 0 for run in runs)


def test_a_mean_counts_every_structure_alike(runs):
    dense, sparse = summarise(runs)
    assert dense.overall.dice == 1.0
    assert sparse.structures["core"].dice == 0.0
    assert sparse.overall.dice == pytest.approx(sparse.structures["shell"].dice / 2)
    assert (dense.missed, sparse.missed) == (0, 1)
    assert (dense.false_alarms, dense.n_cases) == (0, 2)


def test_csv_holds_every_number(runs):
    rows = list(csv.DictReader(io.StringIO(to_csv(runs))))
    assert len(rows) == 8
    assert rows[1]["structure"] == "core"
    assert float(rows[1]["truth_ml"]) == pytest.approx(32 * 3 / 1000)
    assert rows[-1]["dice"] == ""
    assert rows[2]["tokens"] == "64>16>4"


def test_markdown_is_a_table(runs):
    text = to_markdown(HEADING, summarise(runs))
    assert "# thresholds (sha256 0123456789ab) on 2 cases" in text
    assert "| 1 | 1.000 | 0.0 | 1.000 | 1.00 | 64 > 64 > 64 |" in text
    assert "## Median volume ratio by structure" in text
    assert "| core | 1.000 | 0.000 |" in text
    assert "nan" not in text
    assert "HD95 (mm) by structure" not in to_markdown(HEADING._replace(tolerance_mm=None), summarise(runs))


def test_json_has_no_nan(runs):
    values = json.loads(json.dumps(to_dict(HEADING, summarise(runs)), allow_nan=False))
    assert values["keep"][1]["structures"]["core"]["hd95_mm"] is None
    assert values["model"] == "thresholds"


def test_the_plot_is_a_picture(runs, tmp_path):
    path = tmp_path / "plot.png"
    plot_dice_against_seconds(path, "thresholds", summarise(runs))
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in tmp_path.glob("*.png")] == ["plot.png"]


def test_an_unknown_value_is_refused_with_the_file_s_name(session, data_folder, plan):
    case = find_cases(images=data_folder / "images", labels=data_folder / "labels").cases["full"]
    with pytest.raises(InputError, match=r"full.nii.gz holds the label value 2"):
        next(evaluate_case(session, case, EvaluationPlan(plan.structures, frozenset({1}))))


def test_values_in_the_files_may_differ_from_ids(session, data_folder):
    case = find_cases(images=data_folder / "images", labels=data_folder / "labels").cases["full"]
    swapped = EvaluationPlan(structures_of(session.labels, ((2,), (1,))), frozenset({1, 2}), (1.0,), None)
    run = next(evaluate_case(session, case, swapped))
    assert run.fits["shell"].dice == run.fits["core"].dice == 0.0


def test_only_some_structures(session):
    assert [s.name for s in structures_of(session.labels, only=["Core"])] == ["core"]
    with pytest.raises(InputError, match="no label 'liver'"):
        structures_of(session.labels, only=["liver"])
