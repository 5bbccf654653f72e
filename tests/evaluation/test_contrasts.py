"""Other contrasts of a scan: small pictures, and the command that measures them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from napari_scd.checkpoints import Provenance, save
from napari_scd.cli import main
from napari_scd.evaluation import CONTRASTS, EvaluationPlan, evaluate_case, find_cases, structures_of
from napari_scd.model import build_network
from napari_scd.volume import LabelTable, Recipe, Volume
from tests.tiny_network import TINY_WIDE


def _column(*values: float, spacing_mm: float = 2.5) -> Volume:
    """Scan of one voxel per slice; slices run from foot to head."""
    return Volume(np.array(values, np.float32).reshape(-1, 1, 1), np.diag([spacing_mm, 1.0, 1.0, 1.0]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("as it is", [10, 12, 15, 20]),
        ("inverted", [10, 18, 15, 10]),
        ("gamma 2", [10, 10.4, 12.5, 20]),
        ("gamma 0.5", [10, 14.472, 17.071, 20]),
    ],
)
def test_values_change_within_their_range_and_the_lowest_stays(name, expected) -> None:
    changed = CONTRASTS[name](_column(10, 12, 15, 20))
    np.testing.assert_allclose(changed.array.ravel(), expected, rtol=1e-3)


def test_a_constant_scan_stays() -> None:
    assert CONTRASTS["inverted"](_column(3, 3, 3)).array.ravel().tolist() == [3, 3, 3]


def test_slices_are_averaged_along_the_body_whatever_the_axes() -> None:
    upright = _column(0, 0, 6, 0, 0, 0, spacing_mm=1.7)  # 5 mm are three slices
    np.testing.assert_allclose(CONTRASTS["5 mm slices"](upright).array.ravel(), [0, 2, 2, 2, 0, 0], atol=1e-6)
    affine = np.array([[0, 0, 1.7, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
    lying = Volume(upright.array.reshape(1, 1, -1), affine)
    np.testing.assert_allclose(CONTRASTS["5 mm slices"](lying).array.ravel(), [0, 2, 2, 2, 0, 0], atol=1e-6)


def test_a_case_is_measured_on_the_changed_image(session, data_folder) -> None:
    case = find_cases(images=data_folder / "images", labels=data_folder / "labels").cases["full"]
    plan = EvaluationPlan(structures_of(session.labels), frozenset({1, 2}), (1.0,), None)
    plain, turned = (
        next(iter(evaluate_case(session, case, plan, CONTRASTS[name]))) for name in ("as it is", "inverted")
    )
    assert plain.fits["core"].dice == 1
    assert turned.fits["core"].dice == 0, "the core has the shell's brightness now, and the other way round"


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "random.safetensors"
    table = LabelTable.from_names(["shell", "core"])
    save(path, build_network(TINY_WIDE), Recipe("MR"), table, Provenance(name="random"))
    return path


def _run(*words) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code or 0


FAST = ("--any-contrast", "--device", "cpu", "--precision", "float32", "--no-surface")


def test_one_column_for_each_contrast(model, data_folder, tmp_path, capsys) -> None:
    assert _run("evaluate", model, data_folder, "-o", tmp_path / "out", *FAST) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in CONTRASTS)
    values = json.loads((tmp_path / "out" / "contrasts.json").read_text())
    assert list(values["contrasts"]) == list(CONTRASTS)
    assert values["contrasts"]["inverted"]["keep"] == 0.5
    assert values["contrasts"]["inverted"]["n_cases"] == 2
    page = (tmp_path / "out" / "contrasts.md").read_text()
    assert "| gamma 2 |" in page and "| core |" in page


@pytest.mark.parametrize(
    ("words", "said"),
    [(("--keep", "1,.5"), "single one to --keep"), (("--clicks", "3"), "leave out --clicks")],
)
def test_options_that_do_not_go_together(model, data_folder, capsys, words, said) -> None:
    assert _run("evaluate", model, data_folder, *FAST, *words) == 2
    assert said in capsys.readouterr().err
