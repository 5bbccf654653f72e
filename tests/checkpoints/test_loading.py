"""One file in, the same network out; everything else refused in one sentence."""

from __future__ import annotations

import hashlib
import json
import pickle
import struct
import subprocess
import sys
from dataclasses import replace

import nibabel
import numpy as np
import pytest
import torch

from napari_scd.checkpoints import Provenance, describe, load, save, zoo
from napari_scd.errors import InputError
from napari_scd.model import ModelConfig, build_network
from napari_scd.volume import LabelTable, Recipe

CONFIG = ModelConfig(
    roi=(16, 16, 16),
    patch=4,
    out_channels=3,
    embed_dim=24,
    depth=2,
    heads=2,
    prune_after=(0,),
    prune_ratio=(0.5,),
    completion_dim=12,
    completion_heads=2,
    features=4,
)
RECIPE = Recipe("MR", spacing_mm=(1.0, 1.0, 2.0), normalise_over="window", field="click")
PARTS = ["anterior", "posterior"]
LABELS = LabelTable.from_names(PARTS, dict.fromkeys(PARTS, "hippocampus"))
PROVENANCE = Provenance(name="tiny", title="Tiny", steps=3, metrics={"dice": {"0.5": 0.9}}, preview=True)


@pytest.fixture
def file(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "tiny.safetensors"
    save(path, build_network(CONFIG), RECIPE, LABELS, PROVENANCE)
    return path


def rewritten(path, change, keep_bytes=True) -> None:
    """Change a file's header as a dict and write it back."""
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    change(header)
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + (content[8 + length :] if keep_bytes else b""))


def test_round_trip(file) -> None:
    torch.manual_seed(0)
    network = build_network(CONFIG).eval()
    checkpoint = load(file)
    assert checkpoint.network.config == CONFIG
    assert not checkpoint.network.training
    assert checkpoint.recipe == RECIPE
    assert checkpoint.labels == LABELS
    assert checkpoint.provenance.metrics == {"dice": {"0.5": 0.9}}
    assert checkpoint.provenance.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert checkpoint.provenance.path == str(file)
    image = torch.randn(1, 1, 16, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(checkpoint.network(image), network(image), atol=0.02, rtol=0.02)


def test_full_precision_is_exact_and_larger(file, tmp_path) -> None:
    torch.manual_seed(0)
    network = build_network(CONFIG).eval()
    path = tmp_path / "full.safetensors"
    save(path, network, RECIPE, LABELS, PROVENANCE, half=False)
    assert path.stat().st_size > 1.5 * file.stat().st_size
    for name, tensor in load(path).network.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name])


def test_a_huge_weight_survives_half_precision(tmp_path) -> None:
    network = build_network(CONFIG)
    name, weight = next(iter(network.named_parameters()))
    weight.data.fill_(1e6)
    save(tmp_path / "huge.safetensors", network, RECIPE, LABELS, PROVENANCE)
    assert (load(tmp_path / "huge.safetensors").network.state_dict()[name] == 1e6).all()


def test_a_network_that_diverged_is_not_saved(tmp_path) -> None:
    network = build_network(CONFIG)
    next(network.parameters()).data.fill_(torch.nan)
    with pytest.raises(InputError, match="not finite"):
        save(tmp_path / "bad.safetensors", network, RECIPE, LABELS, PROVENANCE)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written(tmp_path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        save(tmp_path / "nowhere" / "a.safetensors", build_network(CONFIG), RECIPE, LABELS, PROVENANCE)


def test_a_card_counts(file) -> None:
    card = describe(file)
    assert card.n_bytes == file.stat().st_size
    assert card.n_parameters == sum(t.numel() for t in build_network(CONFIG).state_dict().values())


def test_a_card_needs_no_torch(file) -> None:
    code = (
        "import sys; from napari_scd.checkpoints import describe, list_models; "
        f"card = describe({str(file)!r}); list_models(); "
        "print(card.name, card.labels.names, card.config['roi'], card.recipe.field, card.n_parameters); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tiny ('anterior', 'posterior') [16, 16, 16] click")


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


def write_nifti(path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.eye(4)), path)


@pytest.mark.parametrize(
    ("name", "write", "sentence"),
    [
        ("a.pth", lambda path: path.write_bytes(pickle.dumps(Bomb())), "pickled PyTorch file"),
        ("a.pt", lambda path: torch.save({"w": torch.zeros(2)}, path), "pickled PyTorch file"),
        ("a.nii", write_nifti, "not a model"),
        ("a.nii.gz", write_nifti, "not a model"),
        ("a.txt", lambda path: path.write_text("hello, this is text\n" * 40), "text file"),
        ("a.safetensors", lambda path: path.write_text("hi"), "text file"),
        ("a.safetensors", lambda path: path.write_bytes(b""), "is empty"),
        ("a.safetensors", lambda path: path.write_bytes(b"\0" * 600), "not a model file"),
        ("a.safetensors", lambda path: path.write_bytes(b"\xff" * 8 + b"{}"), "not a model file"),
        ("a.safetensors", lambda path: path.write_bytes(struct.pack("<Q", 4) + b"{{{{"), "damaged"),
        ("a.safetensors", lambda path: path.write_bytes(struct.pack("<Q", 2) + b"{}"), "says nothing"),
        (
            "a.safetensors",
            lambda path: path.write_bytes(struct.pack("<Q", 90001) + b"{" + b'"a":[' * 18000),
            "damaged",
        ),
        ("folder", lambda path: path.mkdir(), "is a folder"),
        ("none.safetensors", lambda path: None, "There is no file"),
    ],
)
def test_files_of_another_kind(tmp_path, name, write, sentence) -> None:
    path = tmp_path / name
    write(path)
    for read in (load, describe):
        with pytest.raises(InputError, match=sentence) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def meta(key, change):
    def apply(header):
        value = json.loads(header["__metadata__"][key])
        header["__metadata__"][key] = json.dumps(change(value) or value)

    return apply


def tensor(header) -> dict:
    return header["encoder.cls_token"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda h: h["__metadata__"].update(format="napari-scd/9"), "update napari-scd"),
        (lambda h: h["__metadata__"].pop("format"), "convert"),
        (lambda h: h["__metadata__"].pop("recipe"), "lacks its recipe"),
        (lambda h: h["__metadata__"].update(labels="[{"), "cannot be read"),
        (lambda h: h["__metadata__"].update(labels="{}"), "label table"),
        (lambda h: h["__metadata__"].update(provenance='{"steps": "many"}'), "steps"),
        (lambda h: h["__metadata__"].update(config="[]"), "not a mapping"),
        (meta("recipe", lambda r: r.update(modality="PET")), "modality"),
        (meta("config", lambda c: c.update(code="import os")), "code"),
        (meta("config", lambda c: c.update(depth=10**9)), "depth"),
        (meta("config", lambda c: c.update(embed_dim=4096, heads=8, depth=64)), "more than the 2"),
        (meta("config", lambda c: c.update(embed_dim=1024, heads=8)), "needs at least"),
        (meta("config", lambda c: c.update(depth=1)), "unknown weight"),
        (meta("config", lambda c: c.update(out_channels=4)), "another shape"),
        (lambda h: tensor(h).update(shape=[2**40]), "damaged"),
        (lambda h: tensor(h).update(shape=[1, 1, -24]), "damaged"),
        (lambda h: tensor(h).update(dtype="F99"), "damaged"),
        (lambda h: tensor(h).update(data_offsets=[0, 48, 96]), "damaged"),
    ],
)
def test_headers_that_lie(file, change, sentence) -> None:
    rewritten(file, change)
    with pytest.raises(InputError, match=sentence) as caught:
        load(file)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_cut_off(file) -> None:
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        load(file)


def test_weights_that_are_not_finite(file) -> None:
    content = bytearray(file.read_bytes())
    content[-4:] = struct.pack("<2e", float("nan"), float("nan"))
    file.write_bytes(content)
    with pytest.raises(InputError, match="not finite"):
        load(file)


def test_a_shipped_file_is_compared_with_its_listed_checksum(file, monkeypatch) -> None:
    monkeypatch.setattr(zoo, "WEIGHTS", file.parent)
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    table = file.parent / "SHA256SUMS"
    table.write_text(f"{'0' * 64}  other.safetensors\n{checksum}  tiny.safetensors\n")
    assert load("tiny").provenance.sha256 == checksum
    table.write_text(f"{'0' * 64}  tiny.safetensors\n")
    with pytest.raises(InputError, match="its checksum differs"):
        load("tiny")
    table.write_text("")
    assert load("tiny").provenance.name == "tiny"


@pytest.mark.parametrize("decoder", ["half", "half-crisp", "pyramid", "sharp", "crisp", "unetr4"])
def test_a_loaded_network_is_whole_and_trainable(tmp_path, decoder) -> None:
    """Loading fills a network without memory: nothing may be left of that."""
    full_size = {"patch": 8, "roi": (16, 16, 32)}
    sizes = {"sharp": full_size, "crisp": full_size}.get(decoder, {})
    torch.manual_seed(0)
    network = build_network(replace(CONFIG, decoder=decoder, **sizes)).eval()
    path = tmp_path / "tiny.safetensors"
    save(path, network, RECIPE, LABELS, PROVENANCE, half=False)
    loaded = load(path).network
    assert not any(tensor.is_meta for tensor in (*loaded.parameters(), *loaded.buffers()))
    assert all(weight.requires_grad for weight in loaded.parameters())
    assert dict(loaded.named_buffers()).keys() == dict(network.named_buffers()).keys()
    image = torch.randn(1, 1, *network.config.roi, generator=torch.Generator().manual_seed(1))
    assert torch.equal(loaded(image), network(image))


def test_loading_does_not_import_torchs_compiler(file) -> None:
    """It would take as long as importing torch."""
    code = f"import sys; from napari_scd import load; load({str(file)!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "safetensors"} < set(done.stdout.split())
    assert {"torch._dynamo", "sympy", "monai"}.isdisjoint(done.stdout.split())
