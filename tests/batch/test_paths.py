from __future__ import annotations

from pathlib import Path

import pytest

from napari_scd.batch.jobs import Targets
from napari_scd.batch.paths import plan_batch, stem_of
from napari_scd.errors import InputError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_one_input_to_a_file() -> None:
    (case,), summary = plan_batch([Path("a.nii")], Targets(Path("x.mgz"), report=Path("r.json")))
    assert (case.labels, case.report, summary) == (Path("x.mgz"), Path("r.json"), None)
    assert set(case.outputs) == {"labels", "report"}


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a.nii", "a.nii"), ("a.nii.gz", "a.nii.gz"), ("a.MGZ", "a.MGZ"), ("a.img", "a.nii.gz")],
)
def test_one_input_to_a_folder_keeps_its_name(name: str, kept: str) -> None:
    (case,), _ = plan_batch([Path(name)], Targets(Path("out")))
    assert case.labels == Path("out") / kept


def test_several_inputs_keep_their_names_in_every_folder() -> None:
    targets = Targets(Path("out"), Path("tok"), Path("sco"), Path("pro"), Path("rep"))
    cases, summary = plan_batch([Path("a.nii"), Path("d/b.nii.gz")], targets)
    assert summary is None
    assert cases[1].outputs == {
        "labels": Path("out/b.nii.gz"),
        "tokens": Path("tok/b.nii.gz"),
        "score": Path("sco/b.nii.gz"),
        "probability": Path("pro/b.nii.gz"),
        "report": Path("rep/b.json"),
    }


def test_several_inputs_may_share_one_report() -> None:
    cases, summary = plan_batch([Path("a.nii"), Path("b.nii")], Targets(Path("o"), report=Path("r.json")))
    assert summary == Path("r.json")
    assert [case.report for case in cases] == [None, None]


@pytest.mark.parametrize(
    ("sources", "targets", "says"),
    [
        (["a.nii", "b.nii"], Targets(Path("x.nii")), "several inputs"),
        (["a.nii", "b.nii"], Targets(Path("o"), tokens=Path("x.nii")), "output for tokens"),
        (["a.nii", "d/a.nii"], Targets(Path("o")), "Two results"),
        (["a.nii"], Targets(Path("a.nii")), "overwrite an input"),
        (["a.nii", "b.nii"], Targets(Path(".")), "overwrite an input"),
        (["a.nii"], Targets(Path("x.nii"), tokens=Path("x.nii")), "Two results"),
        (["a.nii"], Targets(Path("x.png")), "ends in '.png'"),
        (["a.nii"], Targets(Path("x.nii"), report=Path("r.txt")), "ends in '.txt'"),
        (["a.nii"], Targets(Path("taken/x.nii")), "is a file"),
    ],
)
def test_what_cannot_work_is_refused_first(sources: list[str], targets: Targets, says: str) -> None:
    Path("taken").write_text("a file")
    with pytest.raises(InputError, match=says):
        plan_batch([Path(source) for source in sources], targets)


def test_stems() -> None:
    assert [stem_of(Path(name)) for name in ("a.nii.gz", "a.b.mgz", "a.IMG", "a")] == ["a", "a.b", "a", "a"]
