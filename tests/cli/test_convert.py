"""A lab's own checkpoint, from the reference code's file to a label map."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import torch

from napari_scd.checkpoints import describe, load
from napari_scd.checkpoints.foreign import reference_name
from napari_scd.checkpoints.foreign_config import reference_config
from napari_scd.cli.run.entries import read_entries, read_table
from napari_scd.errors import InputError
from napari_scd.model import build_network
from napari_scd.model.embedding import sincos_positions

TRAINING_FILE = """\
enc_arch: VisionTransformerTokenPruningV1
dec_arch: UNETRx8_decoder
roi_x: 16
roi_y: 24
roi_z: 32
score_predictor: MlpPredictor
share_pred: false
tp_loc: 0-1
tp_ratio: 0.5
completion_net: FusionNet
compl_embed_dim: 12
compl_depth: 1
compl_num_heads: 2
patch_size: 8
in_chans: 4
num_classes: 4
feature_size: 4
encoder_embed_dim: 24
encoder_depth: 2
encoder_num_heads: 3
"""
RECIPE = {
    "modality": "MR",
    "axes": "RAS",
    "normalisation": "zscore-nonzero",
    "channels": ["flair", "t1", "t1gd", "t2"],
    "activation": "sigmoid",
    "precedence": [3, 1, 2],
}
LABELS = ["core", "whole", "enhancing", "oedema"]


@pytest.fixture
def lab(tmp_path):
    """A random checkpoint as the reference saves it, and what a lab writes about it."""
    torch.manual_seed(0)
    (tmp_path / "train.yaml").write_text(TRAINING_FILE)
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE))
    (tmp_path / "labels.yaml").write_text("".join(f"- {name}\n" for name in LABELS))
    config = reference_config(read_entries(tmp_path / "train.yaml", "config"))
    network = build_network(config).eval()
    for name, weight in network.named_parameters():
        if "norm" not in name and weight.ndim > 1:
            torch.nn.init.normal_(weight, std=max(weight.shape[1], 4) ** -0.5)
    state = {reference_name(name): value for name, value in network.state_dict().items()}
    state["encoder.policy"] = torch.ones(1, 1 + config.n_tokens)
    state["completion_net.completion.pos_embed"] = sincos_positions(config.grid, 12)
    torch.save({"epoch": 9, "state_dict": state, "metric": np.float64(0.8)}, tmp_path / "lab.pth.tar")
    return network


@pytest.fixture
def phantom(tmp_path):
    """A four-channel scan of just one window, stored with axes (S, L, P); its values in (R, A, S) order."""
    rng = np.random.default_rng(0)
    ras = rng.normal(100, 20, (4, 16, 24, 32)).astype(np.float32)
    ras[:, :3] = 0
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = [-10, 5, 7]
    image = nib.Nifti1Image(np.moveaxis(ras, 0, -1), affine)
    turned = image.as_reoriented(np.array([[1, -1], [2, -1], [0, 1]]))
    assert nib.aff2axcodes(turned.affine) == ("S", "L", "P")
    nib.save(turned, tmp_path / "scan.nii.gz")
    for index, name in enumerate(RECIPE["channels"]):
        nib.save(turned.slicer[..., index], tmp_path / f"{name}.nii.gz")
    return ras


WORDS = ("models", "convert", "lab.pth.tar", "--config", "train.yaml", "--recipe", "recipe.json")
WORDS += ("--labels", "labels.yaml", "-o", "lab.safetensors")


def expected_logits(network, ras):
    """The reference's own way: x, y, z order, z-score of the non-zero voxels, one window."""
    image = ras.copy()
    for channel in image:
        inside = channel != 0
        channel[inside] = (channel[inside] - channel[inside].mean()) / channel[inside].std()
    with torch.no_grad():
        return network(torch.from_numpy(image)[None])[0].numpy()


def in_ras(path):
    return np.asarray(nib.as_closest_canonical(nib.load(path)).dataobj)


def test_a_labs_checkpoint_segments_from_file_to_label_map(run, lab, phantom, tmp_path) -> None:
    code, out, err = run(*WORDS, "--title", "Our tumours", "--licence", "CC-BY-4.0")
    assert (code, err) == (0, "")
    assert "4 structures, windows of 16 x 24 x 32 voxels, tokens 24 > 12 > 6" in out
    card = describe(tmp_path / "lab.safetensors")
    assert (card.provenance.title, card.provenance.licence) == ("Our tumours", "CC-BY-4.0")
    assert card.recipe.axes == "RAS"
    words = ("segment", "scan.nii.gz", "-m", "lab.safetensors", "--precision", "float32")
    code, out, err = run(*words, "-o", "out.nii.gz", "--each", "each")
    assert (code, err) == (0, "")
    logits = expected_logits(lab, phantom)
    above, clear = logits > 0, (np.abs(logits) > 1e-4).all(axis=0)
    assert clear.mean() > 0.99
    assert all(0.02 < mask.mean() < 0.98 for mask in above), "a phantom that tests something"
    assert (above.sum(axis=0) > 1).any(), "outputs overlap"
    labels = np.zeros(above.shape[1:], np.uint8)
    for index in (4, 2, 1, 3):  # the first of 3, 1, 2, then 4, wins
        labels[above[index - 1]] = index
    assert np.array_equal(in_ras("out.nii.gz")[clear], labels[clear])
    for mask, name in zip(above, LABELS, strict=True):
        assert np.array_equal(in_ras(f"each/scan_{name}.nii.gz")[clear], mask[clear])
    stored, made = nib.load("scan.nii.gz"), nib.load("out.nii.gz")
    assert np.array_equal(made.affine, stored.affine)
    assert made.shape == stored.shape[:3]


def test_channels_may_come_as_files_in_any_order(run, lab, phantom) -> None:
    assert run(*WORDS)[0] == 0
    assert run("segment", "scan.nii.gz", "-m", "lab.safetensors", "-o", "whole.nii.gz")[0] == 0
    words = [
        word
        for name in ("t2", "T1", "flair", "t1gd")
        for word in ("--channel", f"{name}={name.lower()}.nii.gz")
    ]
    code, out, err = run(
        "segment", *words, "-m", "lab.safetensors", "-o", "parts.nii.gz", "--report", "r.json"
    )
    assert (code, err) == (0, "")
    assert np.array_equal(in_ras("parts.nii.gz"), in_ras("whole.nii.gz"))
    report = json.loads(open("r.json").read())
    assert list(report["channels"]) == RECIPE["channels"]
    assert report["channels"]["t1"] == "t1.nii.gz"


def test_channels_that_do_not_fit_are_refused_by_name(run, lab, phantom, tmp_path) -> None:
    assert run(*WORDS)[0] == 0
    four = [f"{name}={name}.nii.gz" for name in RECIPE["channels"]]

    def refused(*channels, inputs=()):
        words = [word for channel in channels for word in ("--channel", channel)]
        code, _, err = run("segment", *inputs, *words, "-m", "lab.safetensors", "-o", "out.nii.gz")
        assert code == 2
        assert err.count("\n") == 1
        assert not (tmp_path / "out.nii.gz").exists()
        return err

    assert "Missing channel: t1gd. Add --channel t1gd=FILE." in refused(four[0], four[1], four[3])
    assert "no channel 'ct': its channels are flair, t1, t1gd, t2" in refused(*four, "ct=t1.nii.gz")
    assert "'t1' is given twice" in refused(*four, "t1=t2.nii.gz")
    assert "write it as --channel NAME=FILE" in refused("t1.nii.gz")
    assert "Use either IN or --channel, not both" in refused(*four, inputs=["scan.nii.gz"])
    assert "No input: give" in refused()
    assert "4 channels" in refused(inputs=["t1.nii.gz"])
    scan = nib.load("t2.nii.gz")
    nib.save(nib.Nifti1Image(scan.get_fdata()[:-1], scan.affine), "t2.nii.gz")
    assert "The channels are on different grids: 'flair' has" in refused(*four)
    moved = scan.affine.copy()
    moved[0, 3] += 1
    nib.save(nib.Nifti1Image(scan.get_fdata(), moved), "t2.nii.gz")
    assert "or lies in another place" in refused(*four)
    code, _, err = run(
        "segment", *[w for c in four for w in ("--channel", c)], "-m", "lab.safetensors", "-o", "t1.nii.gz"
    )
    assert code == 2
    assert "would overwrite an input" in err


def test_added_models_have_names(run, lab, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NAPARI_SCD_MODELS", str(tmp_path / "own"))
    assert run(*WORDS)[0] == 0
    code, out, _ = run("models", "add", "lab.safetensors")
    assert code == 0
    assert (tmp_path / "own" / "lab.safetensors").read_bytes() == (tmp_path / "lab.safetensors").read_bytes()
    assert "lab" in run("models", "list")[1]
    assert load("lab").recipe.channels == ("flair", "t1", "t1gd", "t2")
    code, _, err = run("models", "add", "lab.safetensors")
    assert code == 2
    assert "already a model 'lab'" in err
    assert run("models", "add", "lab.safetensors", "--force")[0] == 0
    assert run("models", "add", "lab.safetensors", "--name", "other")[0] == 0
    assert "is already in the models folder" in run("models", "add", "own/lab.safetensors", "--force")[2]
    assert "A model cannot be called" in run("models", "add", "lab.safetensors", "--name", "../x")[2]
    content = bytearray((tmp_path / "lab.safetensors").read_bytes())
    (tmp_path / "cut.safetensors").write_bytes(content[:-100])
    assert "damaged" in run("models", "add", "cut.safetensors")[2]
    assert "models convert" in run("models", "add", "lab.pth.tar")[2]
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == [
        "lab.safetensors",
        "other.safetensors",
    ]


def test_half_precision_is_half_the_size(run, lab, tmp_path) -> None:
    run(*WORDS)
    whole = (tmp_path / "lab.safetensors").stat().st_size
    assert run(*WORDS, "--half")[0] == 0
    assert (tmp_path / "lab.safetensors").stat().st_size < 0.6 * whole


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (
            "recipe.json",
            json.dumps({**RECIPE, "channels": ["t1"]}),
            "names 1 channels, but the network takes 4",
        ),
        ("recipe.json", json.dumps({**RECIPE, "axis": "RAS"}), "unknown key 'axis'"),
        ("recipe.json", "[1]", "has no names and values"),
        ("recipe.json", "{", "is not valid"),
        ("labels.yaml", "[a, b, c, d, e]", "does not fit the network's 4 outputs"),
        ("labels.yaml", "3", "has no labels"),
        ("labels.yaml", "[a: b", "is not valid"),
        ("train.yaml", TRAINING_FILE.replace("encoder_num_heads: 3\n", ""), "lacks num_heads"),
        (
            "train.yaml",
            TRAINING_FILE.replace("encoder_depth: 2", "encoder_depth: 3"),
            "encoder.blocks.2.norm1",
        ),
        ("train.yaml", TRAINING_FILE.replace("MlpPredictor", "AttPredictor"), "AttPredictor"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(run, lab, tmp_path, file, content, message) -> None:
    (tmp_path / file).write_text(content)
    code, _, err = run(*WORDS)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1
    assert not (tmp_path / "lab.safetensors").exists()


def test_outputs_we_do_not_write_are_refused(run, lab, tmp_path) -> None:
    assert "must end in .safetensors" in run(*WORDS[:-1], "lab.pth")[2]
    assert "There is no recipe file" in run(*[word.replace("recipe.json", "none.json") for word in WORDS])[2]
    (tmp_path / "own.safetensors").write_bytes(b"x")
    words = [word.replace("lab.pth.tar", "own.safetensors") for word in WORDS]
    assert "overwrite the checkpoint" in run(*words[:-1], "own.safetensors")[2]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", '["liver", "spleen"]', {1: "liver", 2: "spleen"}),
        ("a.json", '{"0": "background", "2": "spleen", "1": "liver"}', {1: "liver", 2: "spleen"}),
        ("a.json", '{"labels": {"background": 0, "liver": 1, "spleen": 3}}', {1: "liver", 3: "spleen"}),
        (
            "a.yml",
            "- {index: 4, name: liver, group: belly}\n- {index: 2, name: spleen}",
            {4: "liver", 2: "spleen"},
        ),
        ("a.txt", '0 0 0 0 0 0 0 "Clear"\n7 1 2 3 1 1 1 "liver"\n', {7: "liver"}),
    ],
)
def test_label_tables_come_in_many_forms(tmp_path, name, content, expected) -> None:
    (tmp_path / name).write_text(content)
    table = read_table(tmp_path / name)
    assert dict(zip(table.indices, table.names, strict=True)) == expected


def test_label_tables_that_say_nothing_are_refused(tmp_path) -> None:
    for content in ('{"liver": "spleen"}', '{"liver": [1, 2]}', "[]", '[{"name": "liver"}]', "null"):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(InputError):
            read_table(tmp_path / "a.json")
