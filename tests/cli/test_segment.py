"""`napari-scd segment` from files to files."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np
import pytest

from napari_scd.volume import read_label_table

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]
    Scan = Callable[..., Path]
    Call = Callable[..., subprocess.CompletedProcess[str]]


def test_whole_volume_on_the_inputs_own_grid(run: Run, scan: Scan, tmp_path: Path) -> None:
    source = scan()
    code, out, err = run("segment", source, "-o", tmp_path / "o.nii.gz", "-m", "whole", "--threads", 1)
    assert (code, err) == (0, "")
    written, original = nib.load(tmp_path / "o.nii.gz"), nib.load(source)
    assert written.shape == original.shape
    assert np.array_equal(written.affine, original.affine)
    assert written.get_data_dtype() == np.uint8
    assert set(np.unique(written.dataobj)) == {1}
    assert "8.64 ml" in out
    assert "tokens 64 > 32 > 16" in out


def test_every_extra_file(run: Run, scan: Scan, tmp_path: Path) -> None:
    extras = [
        "--tokens",
        "t.nii.gz",
        "--score",
        "s.nii.gz",
        "--probability",
        "p.nii.gz",
        "--report",
        "r.json",
    ]
    code, _, _ = run("segment", scan(), "-o", "o.mgz", "-m", "whole", "-k", "0.5,0.25", *extras)
    assert code == 0
    tokens = np.asanyarray(nib.load("t.nii.gz").dataobj)
    assert set(np.unique(tokens)) <= {0, 1, 2, 3}
    assert nib.load("s.nii.gz").shape == tokens.shape
    assert nib.load("p.nii.gz").shape == (20, 24, 18, 3)
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["keep"] == [0.5, 0.25]
    assert report["tokens"] == [64, 32, 8]
    assert report["outputs"]["labels"] == "o.mgz"
    wanted = {"model", "sha256", "n_windows", "seconds", "volumes_ml", "versions", "warnings", "device"}
    assert wanted <= set(report)


def test_json_on_stdout_is_all_there_is(run: Run, scan: Scan) -> None:
    code, out, _ = run("segment", scan(), "-o", "o.nii", "-m", "whole", "--json")
    (case,) = json.loads(out)["cases"]
    assert code == 0
    assert case["status"] == "done"
    assert case["volumes_ml"] == {"anterior": 8.64, "posterior": 0.0}


def test_points_in_mm(run: Run, scan: Scan, tmp_path: Path) -> None:
    source = scan(shape=(40, 40, 40))
    code, out, _ = run(
        "segment", source, "-o", "o.nii.gz", "-m", "clicky", "--json",
        "--at", "-12", "-12", "-12", "--at", "12", "12", "12",
    )  # fmt: skip
    (case,) = json.loads(out)["cases"]
    image = nib.load(tmp_path / "o.nii.gz")
    labels = np.asanyarray(image.dataobj)
    assert code == 0
    assert case["points_ras_mm"] == [[-12, -12, -12], [12, 12, 12]]
    assert case["voxels"]["anterior"] == np.count_nonzero(labels) > 0
    for point in ((-12, -12, -12), (12, 12, 12)):
        index = np.linalg.solve(image.affine, [*point, 1])[:3].round().astype(int)
        assert labels[tuple(index)] == 1


@pytest.mark.parametrize(
    ("asked", "volumes_ml"),
    [
        ("anterior", {"anterior": 8.64}),
        ("posterior", {"posterior": 0.0}),
        ("Hippocampus", {"anterior": 8.64, "posterior": 0.0}),
    ],
)
def test_structures_by_name_or_group(
    run: Run, scan: Scan, tmp_path: Path, asked: str, volumes_ml: dict[str, float]
) -> None:
    words = ("segment", scan(), "-o", "o.nii", "-m", "whole", "--labels", asked, "--threads", 1)
    _, out, _ = run(*words, "--json")
    assert json.loads(out)["cases"][0]["volumes_ml"] == volumes_ml
    table = read_label_table(tmp_path / "o.nii")
    assert table is not None and table.names == tuple(volumes_ml)
    _, out, _ = run(*words)
    assert {name for name in ("anterior", "posterior") if name in out} == set(volumes_ml)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-m", "hole"], "Did you mean 'whole'?"),
        (["-m", "whole", "--labels", "anterier"], "Did you mean 'anterior'?"),
        (["-m", "whole", "--labels", "hippo"], "Did you mean 'hippocampus'?"),
    ],
)
def test_a_misspelt_name_is_recognised_before_pytorch_is_loaded(
    call: Call, scan: Scan, words: list[str], says: str
) -> None:
    done = call("segment", scan(), "-o", "o.nii", *words, watch="torch")
    assert done.returncode == 2
    assert says in done.stderr and done.stderr.count("\n") == 1
    assert done.stdout == "torch not loaded\n"


def test_statistics_and_surfaces(run: Run, scan: Scan, tmp_path: Path) -> None:
    inputs = (scan("a.nii"), scan("b.nii.gz", seed=1))
    extras = ("--statistics", "s.csv", "--surfaces", "meshes", "--surface-format", "PLY")
    code, out, err = run("segment", *inputs, "-o", "out", "-m", "whole", "--threads", 1, *extras)
    assert (code, err) == (0, "")
    rows = list(csv.DictReader((tmp_path / "s.csv").open(newline="", encoding="utf-8")))
    assert [(row["case"], row["structure"]) for row in rows] == [
        (name, structure) for name in ("a.nii", "b.nii.gz") for structure in ("anterior", "posterior")
    ]
    assert float(rows[0]["volume_ml"]) == pytest.approx(8.64)
    assert float(rows[0]["mean"]) == pytest.approx(100, abs=1)
    assert rows[0]["cut_share"] == "1"
    assert rows[1]["volume_ml"] == "0" and rows[1]["mean"] == ""
    assert sorted(path.name for path in (tmp_path / "meshes").iterdir()) == [
        "a_anterior.ply",
        "b_anterior.ply",
    ]
    assert "surfaces    1 file in meshes" in out and "statistics  s.csv" in out


def test_hidden_names_are_not_in_statistics(run: Run, scan: Scan, tmp_path: Path) -> None:
    words = ("--statistics", "s.csv", "--hash-names")
    assert run("segment", scan("jane.nii"), "-o", "o.nii", "-m", "whole", "--threads", 1, *words)[0] == 0
    assert "jane" not in (tmp_path / "s.csv").read_text()


def test_a_bad_case_does_not_stop_the_others(run: Run, scan: Scan, tmp_path: Path) -> None:
    (tmp_path / "bad.nii").write_bytes(b"nothing")
    first, last = scan("a.nii"), scan("b.nii.gz")
    code, out, err = run(
        "segment", first, "bad.nii", last, "-o", "out", "-m", "whole", "--report", "all.json"
    )
    assert code == 2
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.nii", "b.nii.gz"]
    assert err.count("Error: ") == 1
    assert "bad.nii" in err
    statuses = [case["status"] for case in json.loads((tmp_path / "all.json").read_text())["cases"]]
    assert statuses == ["done", "failed", "done"]


def test_a_frame_of_a_4d_file(run: Run, scan: Scan, tmp_path: Path) -> None:
    source = scan("four.nii", shape=(18, 18, 18, 2))
    assert run("segment", source, "-o", "o.nii", "-m", "whole")[0] == 2
    assert run("segment", source, "-o", "o.nii", "-m", "whole", "--frame", 1)[0] == 0
    assert nib.load(tmp_path / "o.nii").shape == (18, 18, 18)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-m", "nothing"], "no model 'nothing'"),
        (["-m", "scan.nii.gz"], "not a model"),
        (["-m", "whole", "-k", "0.01"], "a number from 0.05 to 1"),
        (["-m", "whole", "-k", "1.2"], "a number from 0.05 to 1"),
        (["-m", "whole", "-k", "a lot"], "--keep-ratio got"),
        (["-m", "whole", "-k", "0.5,0.5,0.5"], "2 pruning stages"),
        (["-m", "whole", "--labels", "liver"], "no structure 'liver'"),
        (["-m", "whole", "--device", "abacus"], "abacus"),
        (["-m", "whole", "--precision", "int1"], "int1"),
        (["-m", "whole", "--sharpen", "maybe"], "one of borders, everywhere, never"),
        (["-m", "whole", "--stride", "5"], "stride"),
        (["-m", "clicky"], "--at"),
        (["-m", "clicky", "--at", "1", "2"], "three numbers"),
        (["-m", "clicky", "--at", "500", "0", "0"], "outside the volume, which spans -9 to 10 right"),
        (["-m", "blind", "--at", "0", "0", "0"], "nothing found here"),
        (["-m", "whole", "-o", "o.png"], ".png"),
        (["-m", "whole", "--statistics", "s.txt"], "must be a .csv file"),
        (["-m", "whole", "--surface-format", "gltf"], "stl, obj or ply"),
        (["-m", "whole", "--surfaces", "a.stl"], "name a folder"),
    ],
)
def test_one_sentence_and_nothing_written(
    run: Run, scan: Scan, tmp_path: Path, words: list[str], says: str
) -> None:
    source = scan()
    code, out, err = run("segment", source, "-o", "o.nii.gz", "--tokens", "t.nii.gz", *words)
    assert code == 2
    assert out == ""
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert says in err
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii.gz"]


def test_a_missed_point_is_a_warning_when_another_hits(
    run: Run, scan: Scan, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_scd.engine import Session

    click = Session.click

    def second_misses(self: Session, index: tuple[float, ...], *words: object, **more: object) -> object:
        answer = click(self, index, *words, **more)
        return (
            answer
            if index[0] < 10
            else type(answer)(answer.segmentation, 0, "", "nothing found", (0, 0, 0), 1)
        )

    monkeypatch.setattr(Session, "click", second_misses)
    code, _, err = run(
        "segment", scan(), "-o", "o.nii", "-m", "clicky", "--at", "0", "0", "-5", "--at", "0", "0", "5"
    )
    assert code == 0
    assert "Warning: scan.nii.gz: At 0 0 5 mm: nothing found." in err


def test_an_unexpected_error_is_one_sentence(
    run: Run, scan: Scan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(self: object, *words: object, **more: object) -> None:
        raise RuntimeError("boom\nmore")

    monkeypatch.setattr("napari_scd.engine.Session.segment", fail)
    code, _, err = run("segment", scan(), "-o", "o.nii", "-m", "whole")
    assert code == 1
    assert err == (
        "Error: Unexpected error (RuntimeError: boom more); rerun the command with --debug to see where.\n"
    )
    assert not (tmp_path / "o.nii").exists()


def test_without_a_model_the_scan_decides(run: Run, scan: Scan) -> None:
    words = ("-o", "o.nii.gz", "--threads", 1, "--at", "0", "0", "0")
    code, out, err = run("segment", scan(), *words)
    assert out.startswith("Model: hippocampus-mr, which suits the scan")
    assert code == 0 or "nothing found here" in err
    code, _, err = run("segment", "--channel", "t1=scan.nii.gz", "-o", "o.nii.gz")
    assert code == 2 and "name it with --model" in err
