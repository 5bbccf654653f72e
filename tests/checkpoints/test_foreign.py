"""Checkpoints of the reference implementation: the same numbers, or a refusal that names what is wrong."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.nn import functional as F

from napari_scd.checkpoints import load_reference
from napari_scd.checkpoints.foreign import reference_name
from napari_scd.checkpoints.foreign_config import reference_config
from napari_scd.errors import InputError
from napari_scd.model import ModelConfig, build_network
from napari_scd.model.embedding import sincos_positions

RECORDED = Path(__file__).parents[3] / "shared" / "fixtures" / "reference"
SIZES = {
    "roi": [32, 48, 32],
    "patch_size": 8,
    "in_channels": 1,
    "num_classes": 3,
    "embed_dim": 24,
    "depth": 4,
    "num_heads": 3,
    "prune_after_block": [0, 1, 2],
    "prune_ratio": 0.5,
    "completion": "FusionNet",
    "completion_dim": 12,
    "completion_depth": 1,
    "completion_heads": 2,
    "decoder": "UNETRx8_decoderv2",
    "feature_size": 4,
}
DECODERS = {
    "UNETRx8_decoderv2": {"patch_size": 8, "roi": [32, 48, 32]},
    "UNETRx8_decoder": {"patch_size": 8, "roi": [24, 32, 16]},
    "UNETR_decoder": {"patch_size": 16, "roi": [32, 48, 32]},
}
COMPLETIONS = {
    "FusionNet": {},
    "FusionNetV2": {"completion_dim": 24, "completion_heads": 4},
    "CompletionNet": {"completion_depth": 2},
}


def reference_state(values, seed=0) -> dict[str, torch.Tensor]:
    """Random weights under the reference's names, with the entries it keeps beside them."""
    torch.manual_seed(seed)
    config = values if isinstance(values, ModelConfig) else reference_config(values)
    weights = {}
    for name, value in build_network(config).state_dict().items():
        spread = value.shape[1] ** -0.5 if value.ndim == 2 else 0.3
        centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        weights[reference_name(name)] = centre + spread * torch.randn_like(value)
    if config.completion != "none":
        holder = "mask_complection" if config.completion == "mask" else "completion"
        code = sincos_positions(config.grid, config.completion_dim)
        weights[f"completion_net.{holder}.pos_embed"] = code
        weights["encoder.policy"] = torch.ones(1, 1 + config.n_tokens)
    return weights


def pth(path, state, **beside):
    torch.save({"epoch": 3, "arch": "vit_base", "state_dict": state, **beside}, path)
    return path


@pytest.fixture
def file(tmp_path):
    return pth(tmp_path / "lab.pth.tar", reference_state(SIZES))


def tokens_of(weights, values, image):
    """What the reference computes up to the completed tokens, written down from its description alone."""
    w, heads = weights, values["num_heads"]

    def linear(x, name):
        return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))

    def norm(x, name, eps=1e-6):
        return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], eps)

    def block(x, name, heads):
        b, n, d = x.shape
        q, k, v = linear(norm(x, f"{name}.norm1"), f"{name}.attn.qkv").chunk(3, dim=-1)
        q, k, v = (part.reshape(b, n, heads, -1).transpose(1, 2) for part in (q, k, v))
        mixed = (q @ k.transpose(2, 3) / (d / heads) ** 0.5).softmax(-1) @ v
        x = x + linear(mixed.transpose(1, 2).reshape(b, n, d), f"{name}.attn.proj")
        hidden = F.gelu(linear(norm(x, f"{name}.norm2"), f"{name}.mlp.fc1"))
        return x + linear(hidden, f"{name}.mlp.fc2")

    def score(x, name):
        x = F.gelu(linear(norm(x, f"{name}.in_mlp.0", 1e-5), f"{name}.in_mlp.1"))
        own, shared = x.chunk(2, dim=-1)
        x = torch.cat([own, shared.mean(1, keepdim=True).expand_as(shared)], dim=-1)
        x = F.gelu(linear(F.gelu(linear(x, f"{name}.out_mlp.0")), f"{name}.out_mlp.2"))
        return F.logsigmoid(linear(x, f"{name}.out_mlp.4"))[..., 0]

    patch = values["patch_size"]
    x = F.conv3d(
        image, w["encoder.patch_embed.proj.weight"], w["encoder.patch_embed.proj.bias"], stride=patch
    )
    x = torch.cat([w["encoder.cls_token"], x.flatten(2).transpose(1, 2)], dim=1) + w["encoder.pos_embed"]
    alive, hidden, groups = torch.arange(x.shape[1] - 1), [], []
    for index in range(values["depth"]):
        x = block(x, f"encoder.blocks.{index}", heads)
        hidden.append(x[:, 1:])
        if index in values.get("prune_after_block", []):
            stage = values["prune_after_block"].index(index)
            scores = score(x[:, 1:], f"encoder.score_predictor_list.{stage}")[0]
            keep = scores.argsort(descending=True)[: int(len(alive) * (1 - values["prune_ratio"]))]
            stays = torch.zeros(len(alive), dtype=torch.bool)
            stays[keep] = True
            left = norm(x[:, 1:][:, ~stays], f"encoder.mid_norm_list.{stage}")
            groups.append((left, 1 + alive[~stays]))
            x = torch.cat([x[:, :1], x[:, 1:][:, stays]], dim=1)
            alive = alive[stays]
    x = norm(x, "encoder.norm")
    if not groups:
        return x[:, 1:], hidden, []
    groups.append((x, torch.cat([torch.zeros(1, dtype=torch.long), 1 + alive])))
    n, name = w["encoder.pos_embed"].shape[1], "completion_net"
    if values["completion"] == "CompletionNet":
        filled = w[f"{name}.mask_complection.mask_token"].repeat(1, n, 1)
        filled[:, groups[-1][1]] = linear(norm(x, f"{name}.in_norm"), f"{name}.in_linear")
        x = filled + w[f"{name}.mask_complection.pos_embed"]
    else:
        x = torch.zeros(1, n, values["completion_dim"])
        for index, (tokens, places) in enumerate(groups):
            if values["completion"] == "FusionNet":
                tokens = linear(tokens, f"{name}.pre_linear_list.{index}")
            x[:, places] = tokens + w[f"{name}.completion.layer_tokens.{index}"]
        x = x + w[f"{name}.completion.pos_embed"]
    for index in range(values["completion_depth"]):
        x = block(x, f"{name}.blocks.{index}", values["completion_heads"])
    x = norm(x, f"{name}.out_norm")
    if values["completion"] != "FusionNetV2":
        x = linear(x, f"{name}.out_linear")
    return x[:, 1:], [x[:, 1:]] * 12, [places for _, places in groups]


def logits_of(weights, values, image, tokens, hidden):
    """The decoders of the table, from their description."""
    w = {
        name.removeprefix("decoder."): value for name, value in weights.items() if name.startswith("decoder.")
    }

    def residual(x, name):
        y = F.leaky_relu(F.instance_norm(F.conv3d(x, w[f"{name}.conv1.conv.weight"], padding=1)), 0.01)
        y = F.instance_norm(F.conv3d(y, w[f"{name}.conv2.conv.weight"], padding=1))
        if f"{name}.conv3.conv.weight" in w:
            x = F.instance_norm(F.conv3d(x, w[f"{name}.conv3.conv.weight"]))
        return F.leaky_relu(x + y, 0.01)

    def double(x, name):
        return F.conv_transpose3d(x, w[f"{name}.conv.weight"], stride=2)

    def branch(x, level):
        name = f"encoder{level}"
        if f"{name}.transp_conv_init.conv.weight" not in w:
            return residual(x, f"{name}.layer")
        x, step = double(x, f"{name}.transp_conv_init"), 0
        while f"{name}.blocks.{step}.0.conv.weight" in w:
            x, step = residual(double(x, f"{name}.blocks.{step}.0"), f"{name}.blocks.{step}.1"), step + 1
        return x

    def as_map(tokens):
        grid = [edge // values["patch_size"] for edge in values["roi"]]
        return tokens.transpose(1, 2).reshape(1, -1, *grid)

    reads = {4: 8, 3: 4} if values["decoder"] == "UNETRx8_decoder" else {4: 9, 3: 6, 2: 3}
    branches = {3: reads[4], 2: reads[3]} if values["decoder"] == "UNETRx8_decoder" else {4: 9, 3: 6, 2: 3}
    skips = {level: branch(as_map(hidden[index]), level) for level, index in branches.items()}
    skips[1] = residual(image, "encoder1.layer")
    x = as_map(tokens)
    if values["decoder"] == "UNETRx8_decoderv2":
        x = F.avg_pool3d(x, 3, stride=2, padding=1)
    for level in range(len(skips) + 1, 1, -1):
        x = torch.cat([double(x, f"decoder{level}.transp_conv"), skips[level - 1]], dim=1)
        x = residual(x, f"decoder{level}.conv_block")
    return F.conv3d(x, w["out.conv.conv.weight"], w["out.conv.conv.bias"])


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("completion", COMPLETIONS)
@pytest.mark.parametrize("heads", [2, 6])
def test_every_reference_network_computes_the_same(tmp_path, decoder, completion, heads) -> None:
    values = {**SIZES, **DECODERS[decoder], **COMPLETIONS[completion]}
    values |= {"decoder": decoder, "completion": completion, "num_heads": heads}
    weights = reference_state(values)
    network, config = load_reference(pth(tmp_path / "a.pth", weights), values)
    image = torch.randn(1, 1, *values["roi"], generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        logits, trace = network(image, None, True)
        tokens, hidden, groups = tokens_of(weights, values, image)
        expected = logits_of(weights, values, image, tokens, hidden)
    for stage, places in enumerate(groups, start=1):
        left = (trace.exit_stage[0] == stage).nonzero()[:, 0]
        assert torch.equal(left, places[places > 0] - 1)
    assert (trace.completed - tokens).abs().max() < 1e-4
    assert (logits - expected).abs().max() < 1e-4
    assert config.min_tokens == 1
    assert not network.training


@pytest.mark.parametrize("decoder", DECODERS)
def test_dense_reference_networks_too(tmp_path, decoder) -> None:
    values = {**SIZES, **DECODERS[decoder], "decoder": decoder, "depth": 10}
    values = {name: value for name, value in values.items() if not name.startswith(("prune", "completion"))}
    values["completion"] = None
    weights = reference_state(values)
    assert not [name for name in weights if name.startswith("completion")]
    network, config = load_reference(pth(tmp_path / "a.pth", weights), values)
    image = torch.randn(1, 1, *values["roi"], generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        tokens, hidden, _ = tokens_of(weights, values, image)
        expected = logits_of(weights, values, image, tokens, hidden)
        assert (network(image) - expected).abs().max() < 1e-4
    assert config.n_stages == 0


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded outputs are not beside this checkout")
@pytest.mark.parametrize("path", sorted(RECORDED.glob("*.safetensors")), ids=lambda path: path.stem)
def test_recorded_outputs_are_reproduced(path) -> None:
    network, config = load_reference(path)
    with safe_open(path, framework="pt") as recorded, torch.no_grad():
        logits, trace = network(recorded.get_tensor("input"), None, True)
        for stage in range(config.n_stages + 1):
            mask = recorded.get_tensor(f"exit_mask_{stage}").bool()
            assert torch.equal(trace.exit_stage == stage + 1, mask)
        assert (trace.completed - recorded.get_tensor("completed_tokens")).abs().max() < 1e-4
        assert (logits - recorded.get_tensor("logits")).abs().max() < 1e-4


def test_names_are_those_of_the_reference() -> None:
    names = {
        "encoder.exit_norms.1.weight": "encoder.mid_norm_list.1.weight",
        "encoder.scorers.0.in_mlp.0.bias": "encoder.score_predictor_list.0.in_mlp.0.bias",
        "encoder.blocks.3.attn.qkv.bias": "encoder.blocks.3.attn.qkv.bias",
        "completion.projections.2.weight": "completion_net.pre_linear_list.2.weight",
        "completion.layer_embeddings.0": "completion_net.completion.layer_tokens.0",
        "completion.mask_token": "completion_net.mask_complection.mask_token",
        "completion.in_norm.weight": "completion_net.in_norm.weight",
        "completion.in_linear.bias": "completion_net.in_linear.bias",
        "completion.mixer.blocks.0.mlp.fc1.weight": "completion_net.blocks.0.mlp.fc1.weight",
        "completion.mixer.out_norm.bias": "completion_net.out_norm.bias",
        "completion.mixer.out_linear.weight": "completion_net.out_linear.weight",
        "decoder.encoder2.transp_conv_init.conv.weight": "decoder.encoder2.transp_conv_init.conv.weight",
    }
    assert {ours: reference_name(ours) for ours in names} == names


def test_a_safetensors_file_brings_its_own_config(tmp_path) -> None:
    weights = {f"weights.{name}": value for name, value in reference_state(SIZES).items()}
    save_file({**weights, "input": torch.zeros(1)}, tmp_path / "a.safetensors", {"config": json.dumps(SIZES)})
    _, config = load_reference(tmp_path / "a.safetensors")
    assert config == reference_config(SIZES)
    _, again = load_reference(tmp_path / "a.safetensors", config)
    assert again == config
    _, again = load_reference(tmp_path / "a.safetensors", config.to_dict())
    assert again == config


def test_parallel_and_half_precision_checkpoints_load(tmp_path) -> None:
    state = {f"module.{name}": value.half() for name, value in reference_state(SIZES).items()}
    network, _ = load_reference(pth(tmp_path / "a.pth", state), SIZES)
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}


TRAINING_FILE = {
    "arch": "vit_base",
    "enc_arch": "VisionTransformerTokenPruningV1",
    "dec_arch": "UNETRx8_decoderv2",
    "dataset": "msd_brats",
    "roi_x": 128,
    "roi_y": 128,
    "roi_z": 96,
    "score_predictor": "MlpPredictor",
    "share_pred": False,
    "patchembed": "PatchEmbed3D",
    "perturbation": "gumbel",
    "tp_loc": "2-5-8",
    "tp_ratio": 0.75,
    "completion_net": "FusionNet",
    "compl_embed_dim": 768,
    "compl_depth": 1,
    "compl_num_heads": 12,
    "patch_size": 8,
    "in_chans": 4,
    "feature_size": 16,
    "encoder_embed_dim": 768,
    "encoder_depth": 12,
    "encoder_num_heads": 12,
    "drop_path": 0.0,
    "lr": 3.44e-2,
}


def test_the_labs_own_training_file_is_a_config() -> None:
    config = reference_config(TRAINING_FILE)
    assert (config.roi, config.prune_after, config.prune_ratio) == ((128, 128, 96), (2, 5, 8), (0.75,) * 3)
    assert (config.in_channels, config.out_channels, config.decoder) == (4, 3, "deep8")
    assert (config.completion, config.completion_dim, config.heads) == ("mta", 768, 12)
    assert reference_config({**TRAINING_FILE, "completion_net": None}).completion == "mask"
    assert reference_config({**TRAINING_FILE, "perturbation": "none"}).pruning == "topk"
    assert reference_config({**TRAINING_FILE, "tp_loc": 2}).prune_after == (2,)
    dense = reference_config({**TRAINING_FILE, "enc_arch": "ViTBackbone"})
    assert (dense.completion, dense.n_stages) == ("none", 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"share_pred": True}, "share_pred"),
        ({"score_predictor": "AttPredictor"}, "AttPredictor"),
        ({"predictor": "AttPredictor"}, "AttPredictor"),
        ({"patchembed": "PatchEmbed2P1D"}, "PatchEmbed2P1D"),
        ({"completion": "OtherNet"}, "'OtherNet' is not supported: known are FusionNet"),
        ({"decoder": "UNETRx4_decoderv2"}, "'UNETRx4_decoderv2' is not supported"),
        ({"depth": "many"}, "not a number"),
        ({"roi": 32}, "not a number"),
        ({"patch_size": [8, 8, 4]}, "only cubes"),
        ({"num_heads": 5}, "multiple of its 5 heads"),
        ({"completion": "FusionNetV2"}, "embed_dim 24"),
        ({"roi": [40, 48, 32]}, "tokens along each axis"),
    ],
)
def test_configs_we_cannot_build_are_refused_by_name(file, change, message) -> None:
    with pytest.raises(InputError, match=message):
        load_reference(file, {**SIZES, **change})


def test_every_missing_config_name_is_listed(file) -> None:
    short = {name: value for name, value in SIZES.items() if name not in ("num_heads", "roi", "prune_ratio")}
    with pytest.raises(InputError, match="lacks roi, num_heads, prune_ratio: add them"):
        load_reference(file, short)
    with pytest.raises(InputError) as caught:
        load_reference(file)
    assert all(name in str(caught.value) for name in SIZES)


def test_scorers_we_do_not_have_are_refused_by_name(tmp_path) -> None:
    weights = reference_state(SIZES)
    attention = {name: value for name, value in weights.items() if "score_predictor_list" not in name}
    for stage in range(3):
        attention[f"encoder.score_predictor_list.{stage}.scale"] = torch.ones(1)
        attention[f"encoder.score_predictor_list.{stage}.linear.weight"] = torch.ones(4, 24)
    with pytest.raises(InputError, match="AttPredictor"):
        load_reference(pth(tmp_path / "a.pth", attention), SIZES)
    shared = {name: value for name, value in weights.items() if not name.startswith(STAGES_AFTER_FIRST)}
    with pytest.raises(InputError, match="share_pred"):
        load_reference(pth(tmp_path / "a.pth", shared), SIZES)


STAGES_AFTER_FIRST = ("encoder.score_predictor_list.1.", "encoder.score_predictor_list.2.")


def test_the_first_five_misfits_of_each_kind_are_named(tmp_path) -> None:
    weights = reference_state(SIZES)
    gone = [name for name in weights if name.startswith("encoder.blocks.2.")]
    for name in gone:
        del weights[name]
    weights["encoder.head.weight"] = torch.zeros(3)
    weights["encoder.norm.weight"] = torch.zeros(7)
    with pytest.raises(InputError) as caught:
        load_reference(pth(tmp_path / "a.pth", weights), SIZES)
    said = str(caught.value)
    assert len(gone) == 12
    assert sum(name in said for name in gone) == 5
    assert "and 7 more" in said
    assert "unexpected: encoder.head.weight" in said
    assert "of another shape: encoder.norm.weight (7 instead of 24)" in said


def test_misfits_are_named_as_the_reference_names_them(tmp_path) -> None:
    weights = reference_state(SIZES)
    weights["encoder.mid_norm_list.1.weights"] = weights.pop("encoder.mid_norm_list.1.weight")
    with pytest.raises(InputError) as caught:
        load_reference(pth(tmp_path / "a.pth", weights), SIZES)
    assert "missing: encoder.mid_norm_list.1.weight;" in str(caught.value)
    assert "unexpected: encoder.mid_norm_list.1.weights)" in str(caught.value)


def test_position_codes_tell_a_window_with_swapped_edges(file) -> None:
    with pytest.raises(InputError, match=r"not those of a window of \(48, 32, 32\)"):
        load_reference(file, {**SIZES, "roi": [48, 32, 32]})


def test_a_validation_score_beside_the_weights_is_no_harm(tmp_path) -> None:
    state = OrderedDict(reference_state(SIZES))
    beside = {"optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}, "metric": np.float64(0.81)}
    load_reference(pth(tmp_path / "a.pth.tar", state, **beside), SIZES)
    load_reference(old_numpy(tmp_path / "a.pth.tar", tmp_path / "b.pth.tar"), SIZES)
    torch.save(
        {"state_dict": state, "metric": np.float64(0.8)},
        tmp_path / "c.pth",
        _use_new_zipfile_serialization=False,
    )
    load_reference(tmp_path / "c.pth", SIZES)


def old_numpy(path, target):
    """The same file as numpy 1 would have written it."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as copy:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("data.pkl"):
                assert b"cnumpy._core.multiarray" in content
                content = content.replace(b"cnumpy._core.multiarray", b"cnumpy.core.multiarray")
            copy.writestr(name, content)
    return target


@pytest.mark.parametrize("value", [np.zeros(3), np.float32(1), Path("x"), io.BytesIO])
def test_nothing_else_is_allowed_beside_the_weights(tmp_path, value) -> None:
    with pytest.raises(InputError, match="holds more than weights|damaged"):
        load_reference(pth(tmp_path / "a.pth", reference_state(SIZES), metric=value), SIZES)


class Trap:
    """A pickle that would leave a file behind if it were run."""

    def __init__(self, mark) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


@pytest.mark.parametrize("new_format", [True, False])
def test_a_pickle_that_wants_to_run_code_runs_nothing(tmp_path, new_format) -> None:
    mark, path = tmp_path / "it-ran", tmp_path / "a.pth.tar"
    record = {"state_dict": reference_state(SIZES), "hook": Trap(mark)}
    torch.save(record, path, _use_new_zipfile_serialization=new_format)
    with pytest.raises(InputError, match=r"holds more than weights \('\w+\.system'\); nothing in it was run"):
        load_reference(path, SIZES)
    assert not mark.exists()
    path.write_bytes(pickle.dumps(Trap(mark)))
    with pytest.raises(InputError, match="nothing in it was run"):
        load_reference(path, SIZES)
    assert not mark.exists()
    pickle.loads(path.read_bytes())
    assert mark.exists(), "the trap works"


def test_other_files_are_refused(tmp_path, file) -> None:
    with pytest.raises(InputError, match="There is no file"):
        load_reference(tmp_path / "none.pth.tar", SIZES)
    with pytest.raises(InputError, match="is a folder"):
        load_reference(tmp_path, SIZES)
    for name, content in {
        "cut.pth.tar": file.read_bytes()[:4000],
        "text.pth": b"hello",
        "empty.pth": b"",
        "cut.safetensors": b"\x10\0\0\0\0\0\0\0{}",
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match="damaged"):
            load_reference(tmp_path / name, SIZES)
    for record in ([1, 2], {}, {"state_dict": {}}, {"state_dict": {"a": 1}}, torch.zeros(3)):
        stream = io.BytesIO()
        torch.save(record, stream)
        (tmp_path / "other.pth").write_bytes(stream.getvalue())
        with pytest.raises(InputError, match="no 'state_dict' of weights"):
            load_reference(tmp_path / "other.pth", SIZES)


def test_a_huge_config_is_refused_before_memory_is_taken(file) -> None:
    with pytest.raises(InputError, match="does not fit its config"):
        load_reference(file, {**SIZES, "embed_dim": 3840, "depth": 64, "num_heads": 60})
