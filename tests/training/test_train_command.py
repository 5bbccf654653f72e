"""`napari-scd train`: from a training file to a model that segments."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest
import torch
import yaml

from napari_scd.checkpoints import describe, load
from napari_scd.cli import main
from napari_scd.engine import Request, Session
from napari_scd.training import export, provenance_of, read_config, write_example
from napari_scd.training.data.batches import BatchMaker
from napari_scd.volume import make_phantom, read_volume, write_labels, write_volume

CPU = ("--device", "cpu", "--precision", "float32")


def _run(*words) -> int:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code or 0


@pytest.fixture
def file(values, data_folder, tmp_path):
    """A training file beside nothing: its data are named in full."""
    values.update(steps=2, validate_every=2)
    values["data"].update(images=str(data_folder / "images"), labels=str(data_folder / "labels"))
    path = tmp_path / "train.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def test_a_run_leaves_a_model_that_segments(file, data_folder, tmp_path, capsys):
    out = tmp_path / "run"
    assert _run("train", file, "--out", out, *CPU) == 0
    said = capsys.readouterr().out
    assert "tiny.safetensors" in said
    assert "Dice on 1 validation case at step 2" in said
    session = Session(*load(out / "tiny.safetensors"))
    session.set_volume(read_volume(data_folder / "images" / "case0.nii.gz"))
    assert session.segment(Request(keep=0.5, device="cpu")).complete
    card = describe(out / "tiny.safetensors")
    assert set(card.provenance.metrics["dice"]) == {"1", "0.5"}
    told = "napari-scd train train.yaml --device cpu --precision float32"
    assert card.provenance.metrics["training"]["command"] == told
    assert card.provenance.steps == 2
    assert card.labels.names == ("liver", "spleen")
    assert sorted(path.name for path in out.iterdir() if path.is_file()) == [
        "last.ckpt",
        "log.csv",
        "tiny.safetensors",
        "validation.csv",
    ]


def test_tensorboard_is_written(file, tmp_path):
    pytest.importorskip("tensorboard")
    assert _run("train", file, "--out", tmp_path / "run", *CPU) == 0
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))


def test_without_tensorboard_one_sentence_is_said(file, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.record_writer", None)
    assert _run("train", file, "--out", tmp_path / "run", *CPU) == 0
    assert "pip install tensorboard" in capsys.readouterr().err


def test_without_the_extra_one_sentence_is_said(file, monkeypatch, capsys):
    for name in [
        name for name in sys.modules if name.startswith(("napari_scd.training", "napari_scd.cli.run.train"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    assert _run("train", file) == 2
    assert "napari-scd[train]" in capsys.readouterr().err


def test_fine_tuning_takes_the_rest_from_the_model(file, data_folder, tmp_path, capsys):
    assert _run("train", file, "--out", tmp_path / "first", *CPU) == 0
    data = {"images": str(data_folder / "images"), "labels": str(data_folder / "labels")}
    short = tmp_path / "short.yaml"
    short.write_text(yaml.safe_dump({"name": "mine", "data": data, "steps": 1}))
    model = tmp_path / "first" / "tiny.safetensors"
    capsys.readouterr()
    assert _run("train", short, "--init", model, "--out", tmp_path / "second", *CPU) == 0
    assert "all weights fit" in capsys.readouterr().err
    first, second = load(model), load(tmp_path / "second" / "mine.safetensors")
    assert second.network.config == first.network.config
    moved = [
        float((second.network.state_dict()[name] - weight).abs().max())
        for name, weight in first.network.state_dict().items()
    ]
    assert 0 < max(moved) < 0.1


def test_the_control_has_its_own_name(file, tmp_path):
    assert _run("train", file, "--out", tmp_path / "run", "--control", *CPU) == 0
    card = describe(tmp_path / "run" / "tiny-control.safetensors")
    assert card.config["completion"] == "zero"
    assert "control" in card.provenance.metrics["training"]


def test_a_shipped_file_needs_to_know_where_the_data_are(capsys):
    assert _run("train", "abdomen-ct") == 2
    assert "--images and --labels" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["any", "brain-mr"])
def test_a_shipped_list_of_data_sets_needs_their_folder(name, capsys):
    assert _run("train", name, *CPU) == 2
    assert "give the folder that contains them with --data-root" in " ".join(capsys.readouterr().err.split())


def test_data_sets_are_found_below_the_root(prompt_values, prompt_folder, tmp_path, capsys):
    prompt_values.update(steps=2, validate_every=2)
    path = tmp_path / "point.yaml"
    path.write_text(yaml.safe_dump(prompt_values))
    out = tmp_path / "run"
    assert _run("train", path, "--data-root", prompt_folder, "--out", out, *CPU) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Dice on 4 validation windows at step 2" in said
    assert "after 1 click, " in said
    card = describe(out / "point.safetensors")
    assert set(card.provenance.metrics["dice_after"]) == {"1 click", "2 clicks"}
    assert _run("models", "info", out / "point.safetensors") == 0
    told = capsys.readouterr().out
    assert "Dice after" in told
    assert "keep ratio" not in told  # Dice after one click is not Dice at keep 1
    assert card.recipe.field == "prompt"


def test_a_bad_case_stops_before_the_first_step(file, data_folder, tmp_path, capsys):
    values = yaml.safe_load(file.read_text())
    values["labels"] = ["liver"]
    file.write_text(yaml.safe_dump(values))
    assert _run("train", file, "--out", tmp_path / "run", *CPU) == 2
    assert "case0.nii.gz holds the label value 2" in capsys.readouterr().err
    assert not (tmp_path / "run" / "log.csv").exists()


def test_an_absent_class_is_a_warning(file, tmp_path, capsys):
    values = yaml.safe_load(file.read_text())
    values["labels"] = ["liver", "spleen", "unicorn"]
    file.write_text(yaml.safe_dump(values))
    assert _run("train", file, "--out", tmp_path / "run", *CPU) == 0
    assert "unicorn" in capsys.readouterr().err


def test_another_configuration_needs_another_folder(file, tmp_path, capsys):
    assert _run("train", file, "--out", tmp_path / "run", *CPU) == 0
    values = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**values, "lr": 0.5}))
    assert _run("train", file, "--out", tmp_path / "run", *CPU) == 2
    assert "another 'lr'" in capsys.readouterr().err
    assert _run("train", file, "--out", tmp_path / "run", "--fresh", *CPU) == 0


def test_a_termination_signal_is_resumable(file, tmp_path, monkeypatch, capsys):
    original = BatchMaker.batch

    def batch(self, number):
        signal.raise_signal(signal.SIGTERM)
        return original(self, number)

    with monkeypatch.context() as patch:
        patch.setattr(BatchMaker, "batch", batch)
        assert _run("train", file, "--out", tmp_path / "run", *CPU) == 143
    assert "Stopped at step 1 of 2" in capsys.readouterr().out
    assert not (tmp_path / "run" / "tiny.safetensors").exists()
    assert _run("train", file, "--out", tmp_path / "run", *CPU) == 0
    assert torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["step"] == 2


def test_regions_that_overlap_train_and_evaluate(tmp_path, capsys):
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for seed in range(2):
        image, labels, _ = make_phantom((18, 18, 18), (8.0,) * 3, seed=seed, n_structures=2)
        channels = image.with_array(torch.tensor(image.array).expand(2, -1, -1, -1).numpy())
        write_volume(tmp_path / "images" / f"c{seed}.nii.gz", channels)
        write_labels(tmp_path / "labels" / f"c{seed}.nii.gz", labels)
    config = {
        "name": "regions",
        "data": {"images": "images", "labels": "labels", "holdout": 1},
        "recipe": {
            "modality": "MR",
            "normalisation": "zscore-nonzero",
            "channels": ["a", "b"],
            "activation": "sigmoid",
            "precedence": [2, 1],
        },
        "labels": [{"name": "both", "values": [1, 2]}, {"name": "second", "values": [2]}],
        "model": {
            "preset": "house-8",
            "roi": [16, 16, 16],
            "embed_dim": 24,
            "depth": 3,
            "heads": 2,
            "features": 2,
        }
        | {"prune_after": [0, 1], "prune_ratio": [0.5, 0.5], "completion_dim": 12, "completion_heads": 2},
        "steps": 2,
        "validate_every": 2,
        "validate_keep": [1.0],
    }
    file = tmp_path / "train.yaml"
    file.write_text(yaml.safe_dump(config))
    assert _run("train", file, "--out", tmp_path / "run", *CPU) == 0
    model = tmp_path / "run" / "regions.safetensors"
    capsys.readouterr()
    assert _run("evaluate", model, file, "--keep", "1", "--no-surface", "--json", *CPU) == 0
    rows = json.loads(capsys.readouterr().out)["keep"]
    assert set(rows[0]["structures"]) == {"both", "second"}
    assert _run("evaluate", model, tmp_path, "--keep", "1", *CPU) == 2
    assert "regions overlap" in capsys.readouterr().err


def test_a_model_that_is_not_finished_is_a_preview(finished_run, tmp_path):
    config, _, finished = finished_run
    done = provenance_of(config, finished)
    assert done.preview == config.preview
    assert provenance_of(config, finished._replace(done=False)).preview
    path = tmp_path / "m.safetensors"
    assert export(path, config, finished, command="napari-scd train x") == describe(path).provenance


def test_the_example_is_five_lines_and_trains(tmp_path, capsys):
    file = write_example(tmp_path / "mine", cases=2)
    assert len(file.read_text().partition("#")[0].splitlines()) == 5
    config = read_config(file)
    assert len(config.table) == 5
    assert len(list((tmp_path / "mine" / "images").iterdir())) == 2
    assert _run("train", "--example", tmp_path / "mine") == 2
    assert "not empty" in capsys.readouterr().err


def test_help_loads_no_torch():
    code = (
        "import sys; from napari_scd.cli import main\n"
        "try: main(['train', '--help'])\n"
        "finally: assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "--max-minutes" in done.stdout
