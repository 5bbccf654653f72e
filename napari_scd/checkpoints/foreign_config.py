"""Sizes by the reference implementation's names, or by those of its training files -> `ModelConfig`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_scd.errors import InputError
from napari_scd.model import ModelConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPLETIONS = {"FusionNet": "mta", "FusionNetV2": "mta-plain", "CompletionNet": "mask"}
DECODERS = {"UNETRx8_decoderv2": "deep8", "UNETRx8_decoder": "shallow8", "UNETR_decoder": "unetr16"}
OF_ALL = (
    "roi", "patch_size", "in_channels", "num_classes", "embed_dim", "depth", "num_heads", "decoder",
    "feature_size",
)  # fmt: skip
OF_PRUNED = (
    "prune_after_block", "prune_ratio", "completion", "completion_dim", "completion_depth",
    "completion_heads",
)  # fmt: skip
REQUIRED = (*OF_ALL, *OF_PRUNED)

_TRAINING_NAMES = {
    "in_chans": "in_channels",
    "encoder_embed_dim": "embed_dim",
    "encoder_depth": "depth",
    "encoder_num_heads": "num_heads",
    "dec_arch": "decoder",
    "tp_loc": "prune_after_block",
    "tp_ratio": "prune_ratio",
    "completion_net": "completion",
    "compl_embed_dim": "completion_dim",
    "compl_depth": "completion_depth",
    "compl_num_heads": "completion_heads",
}
_CLASSES_OF_DATASET = {"btcv": 14, "msd_brats": 3}
_ONLY = {"score_predictor": "MlpPredictor", "patchembed": "PatchEmbed3D"}


def reference_config(values: Mapping[str, Any]) -> ModelConfig:
    """Read the sizes of a reference network.

    Parameters
    ----------
    values : mapping
        By the names in `REQUIRED`, or by those of the reference's own training files (``roi_x``, ``tp_loc``
        and so on), or a `ModelConfig.to_dict` copy. Entries that say nothing about sizes are ignored. A
        dense network has ``completion`` None (``enc_arch: ViTBackbone`` in a training file) and needs none
        of the entries about pruning and completion.

    Raises
    ------
    InputError
        Missing names (all listed), parts we do not have (named), or sizes that fit no network.
    """
    if "prune_after" in values and "roi" in values:
        return ModelConfig.from_dict(dict(values))
    named = _by_our_reference_names(values)
    _refuse_unknown_parts(named)
    dense = "completion" in named and named["completion"] in (None, "", "none")
    missing = [name for name in (OF_ALL if dense else REQUIRED) if named.get(name) is None]
    if missing:
        raise InputError(
            f"The config lacks {', '.join(missing)}: add {'it' if len(missing) == 1 else 'them'}."
        )
    for name, table in (("completion", COMPLETIONS), ("decoder", DECODERS)):
        if not (dense and name == "completion") and str(named[name]) not in table:
            raise InputError(f"The {name} '{named[name]}' is not supported: known are {', '.join(table)}.")
    try:
        return ModelConfig(**_sizes(named), **(_without_stages() if dense else _stages(named)))
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"The config has an entry that is not a number ({error}): correct it.") from error


def _by_our_reference_names(values: Mapping[str, Any]) -> dict[str, Any]:
    named = {_TRAINING_NAMES.get(name, name): value for name, value in values.items()}
    edges = [values.get(f"roi_{axis}") for axis in "xyz"]
    if "roi" not in named and None not in edges:
        named["roi"] = edges
    if "num_classes" not in named and str(values.get("dataset")) in _CLASSES_OF_DATASET:
        named["num_classes"] = _CLASSES_OF_DATASET[values["dataset"]]
    if values.get("enc_arch") == "ViTBackbone":
        named["completion"] = None
    elif "completion_net" in values:
        named["completion"] = values["completion_net"] or "CompletionNet"
    return named


def _refuse_unknown_parts(named: Mapping[str, Any]) -> None:
    if named.get("share_pred"):
        raise InputError(
            "A network with one scorer for all stages (share_pred) is not supported: use one each."
        )
    for name, known in _ONLY.items():
        if named.get(name) not in (None, known):
            raise InputError(f"The {name} '{named[name]}' is not supported, only {known} is.")
    if "AttPredictor" in map(str, named.values()):
        raise InputError("A network with AttPredictor scorers is not supported: only MlpPredictor ones are.")


def _sizes(named: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "roi": tuple(int(edge) for edge in named["roi"]),
        "patch": _one_edge(named["patch_size"]),
        "in_channels": int(named["in_channels"]),
        "out_channels": int(named["num_classes"]),
        "embed_dim": int(named["embed_dim"]),
        "depth": int(named["depth"]),
        "heads": int(named["num_heads"]),
        "decoder": DECODERS[named["decoder"]],
        "features": int(named["feature_size"]),
        "drop_path": float(named.get("drop_path") or 0.0),
        "stem": "patch",
        "min_tokens": 1,
    }


def _stages(named: Mapping[str, Any]) -> dict[str, Any]:
    after = named["prune_after_block"]
    blocks = (
        after.split("-") if isinstance(after, str) else after if isinstance(after, list | tuple) else [after]
    )
    ratio = named["prune_ratio"]
    ratios = ratio if isinstance(ratio, list | tuple) else [ratio] * len(blocks)
    return {
        "prune_after": tuple(int(block) for block in blocks),
        "prune_ratio": tuple(float(share) for share in ratios),
        "pruning": "topk" if named.get("perturbation") == "none" else "stp",
        "completion": COMPLETIONS[named["completion"]],
        "completion_dim": int(named["completion_dim"]),
        "completion_depth": int(named["completion_depth"]),
        "completion_heads": int(named["completion_heads"]),
    }


def _without_stages() -> dict[str, Any]:
    return {"prune_after": (), "prune_ratio": (), "pruning": "none", "completion": "none"}


def _one_edge(patch: Any) -> int:
    edges = {int(edge) for edge in patch} if isinstance(patch, list | tuple) else {int(patch)}
    if len(edges) != 1:
        raise InputError(f"The patch_size {patch} is not supported: only cubes are, given as one number.")
    return edges.pop()
