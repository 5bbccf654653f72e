"""What the dock exports, the command line repeats: the same voxels, names and numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import pytest
import torch

from napari_scd.cancel import CancelToken
from napari_scd.checkpoints import Provenance, save
from napari_scd.cli import main
from napari_scd.engine import Prompts
from napari_scd.model import ModelConfig, build_network
from napari_scd.viewer.logic.backend import Backend
from napari_scd.viewer.logic.catalogue import offered_models
from napari_scd.viewer.plugin import get_reader
from napari_scd.volume import LabelTable, Recipe, read_label_table

from ..conftest import make_dock
from .test_prompting import click, exclude

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="module")
def promptable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny promptable model of random weights, biased so that about half of what it sees is inside."""
    torch.manual_seed(2)
    config = ModelConfig(
        in_channels=4, out_channels=1, roi=(32, 32, 32), patch=8, embed_dim=24, depth=2, heads=2,
        prune_after=(0,), prune_ratio=(0.5,), completion_dim=12, completion_heads=2, features=4, min_tokens=4,
    )  # fmt: skip
    recipe = Recipe("any", normalise_over="window", activation="sigmoid", field="prompt")
    path = tmp_path_factory.mktemp("model") / "any.safetensors"
    save(path, build_network(config), recipe, LabelTable.from_names(["object"]), Provenance(name="any"))
    return path


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A scan on disk whose axes are flipped and in another order than in the viewer."""
    affine = np.zeros((4, 4))
    affine[[0, 1, 2, 3], [1, 0, 2, 3]] = -1.2, 1.2, 2.0, 1.0
    affine[:3, 3] = 30, -40, -20
    values = np.random.default_rng(0).normal(100, 20, (40, 44, 26)).astype(np.float32)
    nib.save(nib.Nifti1Image(values, affine), tmp_path / "scan.nii.gz")
    return tmp_path / "scan.nii.gz"


def opened(path: Path, model: Any, promptable: Path) -> Any:
    reader: Callable[..., Any] | None = get_reader(str(path))
    assert reader is not None
    data, keywords, _ = reader(str(path))[0]
    dock = make_dock(model, data=data, backend=Backend(), **{"name": "scan", **keywords})
    dock.choices.world_axes = None
    dock.choices.model = dock.choices.promptable = str(promptable)
    dock.choices.keep = 0.5
    dock.control.source.refresh()
    dock.queue.run_all()
    return dock


def test_the_command_line_repeats_what_was_clicked(
    scan: Path, promptable: Path, model: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dock = opened(scan, model, promptable)
    z, y, x = (n // 2 for n in dock.image.data.shape)
    click(dock, (z, y, x))
    exclude(dock, (z, y + 8, x + 6))
    dock.control.prompted.rename(1, "left kidney")
    mask = np.zeros(dock.image.data.shape, np.uint8)
    mask[2:6, 3:12, 4:11] = 1
    dock.viewer.add_labels(mask, name="drawn", **{k: getattr(dock.image, k) for k in ("scale", "translate")})
    sources = [one for one in dock.control.refining.sources() if "drawn" in one.title]
    dock.control.refining.start(sources[0])
    dock.control.export(tmp_path / "out.nii.gz")
    dock.queue.run_all()
    assert "out_prompts.json" in dock.control.status.sentence, dock.control.status
    written = json.loads((tmp_path / "out_prompts.json").read_text())
    assert [one["name"] for one in written["objects"]] == ["left kidney", "drawn"]
    told = json.loads((tmp_path / "out.json").read_text())
    assert [len(one["prompts"]) for one in told["objects"]["objects"]] == [2, 0]
    assert told["history"][0]["object"] == "object 1"
    words = ["segment", scan, "-o", tmp_path / "again.nii.gz", "-m", promptable]
    words += ["--threads", torch.get_num_threads(), "--keep-ratio", 0.5]
    words += ["--prompts", tmp_path / "out_prompts.json"]
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    assert not left.value.code, capsys.readouterr().err
    ours, again = (
        np.asanyarray(nib.load(tmp_path / name).dataobj) for name in ("out.nii.gz", "again.nii.gz")
    )
    assert set(np.unique(ours)) == {0, 1, 2} and (ours == 1).sum() > 50
    assert np.array_equal(ours, again)
    assert read_label_table(tmp_path / "again.nii.gz").names == ("left kidney", "drawn")


def test_the_dock_reads_what_it_wrote(scan: Path, promptable: Path, model: Any, tmp_path: Path) -> None:
    dock = opened(scan, model, promptable)
    z, y, x = (n // 2 for n in dock.image.data.shape)
    click(dock, (z, y, x))
    exclude(dock, (z, y + 8, x + 6))
    dock.control.prompted.rename(1, "left kidney")
    dock.control.prompting.new_object()
    dock.control.prompting.within((4, 5, 6), (12, 20, 22))
    dock.queue.run_all()
    first = dock.control.result.objects
    dock.control.export(tmp_path / "out.nii.gz")
    dock.queue.run_all()
    wanted = dock.control.result.labels.copy()
    dock.control.discard()
    assert dock.control.result is None
    dock.control.reading.read(tmp_path / "out_prompts.json")
    assert dock.control.status.sentence == "Answering the prompts in out_prompts.json."
    dock.queue.run_all()
    result = dock.control.result
    assert dock.control.status.sentence.startswith("Read 2 objects from out_prompts.json. Object 1, ")
    assert [one.name for one in result.objects] == ["left kidney", "object 1"]
    assert [one.prompts for one in result.objects] == [one.prompts for one in first]
    assert np.array_equal(result.labels, wanted) and result.current == 2
    assert [entry["action"] for entry in result.history[-2:]] == ["read", "read"]
    dock.control.undo()
    assert dock.control.result is None, "one step"


def test_masks_of_a_tilted_scan_come_back_where_they_were(
    scan: Path, promptable: Path, model: Any, tmp_path: Path
) -> None:
    image = nib.load(scan)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]]
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), turn @ image.affine), scan)
    dock = opened(scan, model, promptable)
    mask = np.zeros(dock.image.data.shape, np.uint8)
    mask[2:6, 3:12, 4:11] = 1
    dock.viewer.add_labels(mask, name="drawn", **{k: getattr(dock.image, k) for k in ("scale", "translate")})
    (source,) = [one for one in dock.control.refining.sources() if "drawn" in one.title]
    dock.control.refining.start(source)
    dock.control.export(tmp_path / "out.nii.gz")
    dock.queue.run_all()
    dock.control.discard()
    dock.control.reading.read(tmp_path / "out_prompts.json")
    dock.queue.run_all()
    assert np.array_equal(dock.control.result.labels, mask), dock.control.status


def test_a_promptable_model_is_offered_as_one(promptable: Path) -> None:
    (offer,) = [one for one in offered_models(str(promptable.parent)) if one.value == str(promptable)]
    assert offer.promptable and offer.title == "any, anything you click"
    assert "any scan, one object at a time, corrected by clicks" in offer.hint
    others = [one.title for one in offered_models() if one.promptable and one.value != str(promptable)]
    assert all(title.startswith("any") for title in others), "the one that ships, and no other"


def test_prompts_are_answered_beside_a_model_that_takes_none(
    scan: Path, promptable: Path, model: Any
) -> None:
    dock = opened(scan, model, promptable)
    view, choices = dock.control.view, dock.choices.copy()
    prompts = Prompts().include((10, 20, 20))
    (alone,) = dock.backend.prompt(view, choices, [prompts], lambda step: None, CancelToken())
    choices.model, choices.keep_per_stage = "abdomen-ct", (0.1, 0.2, 0.3)
    (beside,) = dock.backend.prompt(view, choices, [prompts], lambda step: None, CancelToken())
    assert alone.box == beside.box and np.array_equal(alone.inside, beside.inside)
    agreement = dock.backend.compare_prompts(view, choices, prompts, lambda step: None, CancelToken())
    assert agreement.dice is not None and 0 < agreement.dice <= 1
