from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("lightning_fabric")

from napari_scd.volume import make_phantom, write_labels, write_volume

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

TRAINING_FILE = """\
name: tiny
data: {images: images, labels: labels, holdout: 1}
recipe: {modality: CT, spacing_mm: [16, 16, 16], clip: [-150, 350], normalisation: range}
labels: [liver, spleen]
model: {preset: house-4, roi: [16, 16, 16], stem: patch, embed_dim: 24, depth: 3, heads: 2,
  prune_after: [0, 1], prune_ratio: [0.5, 0.5], completion_dim: 12, completion_heads: 2,
  features: 2, min_tokens: 4}
steps: 2
warmup: 1
"""


@pytest.fixture
def training_file(tmp_path: Path) -> Path:
    for seed in range(2):
        image, labels, table = make_phantom((20, 22, 24), (8, 8, 8), seed=seed, modality="CT", n_structures=2)
        for kind in ("images", "labels"):
            (tmp_path / kind).mkdir(exist_ok=True)
        write_volume(tmp_path / "images" / f"case{seed}.nii.gz", image)
        write_labels(tmp_path / "labels" / f"case{seed}.nii.gz", labels, table=table)
    path = tmp_path / "tiny.yaml"
    path.write_text(TRAINING_FILE, encoding="utf-8")
    return path


def test_a_grid_is_trained_written_and_found_again(
    run: Run, training_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (
        "ablate",
        training_file,
        "-o",
        "grid",
        "--variants",
        "dense,stp+mta",
        "-k",
        "1,0.5",
        "--threads",
        1,
    )
    monkeypatch.setattr(sys, "argv", ["napari-scd", *map(str, words)])
    code, out, _ = run(*words)
    assert code == 0
    assert "2 of 2: stp+mta, seed 0: Dice" in out
    assert (tmp_path / "grid" / "ablation.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "grid" / "ablation.md").read_text(encoding="utf-8")
    assert "`napari-scd ablate tiny.yaml -o grid" in text
    rows = json.loads((tmp_path / "grid" / "ablation.json").read_text(encoding="utf-8"))["rows"]
    assert [(row["variant"], row["keep"]) for row in rows] == [
        ("dense", 1.0),
        ("stp+mta", 1.0),
        ("stp+mta", 0.5),
    ]
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "grid").rglob("outcome.json")}
    assert run(*words)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "grid").rglob("outcome.json")} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Give either"),
        (("a.yaml", "--preset", "quick"), "Give either"),
        (("--preset", "liver"), "no preset"),
        (("--preset", "abdomen"), "needs its data"),
        (("--preset", "quick", "--variants", "best"), "no variant"),
        (("--preset", "quick", "-k", "2"), "keep ratio"),
    ],
)
def test_bad_settings(run: Run, words: tuple[str, ...], said: str) -> None:
    code, _, err = run("ablate", "--threads", 1, *words)
    assert code == 2
    assert said.lower() in err.lower()
    assert err.count("\n") == 1
