"""What makes a configuration unusable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.model import KEEP_RANGE
from napari_scd.training.config.sections import IGNORED

if TYPE_CHECKING:
    from napari_scd.training.config.config import TrainConfig
    from napari_scd.training.config.images import SynthesisConfig
    from napari_scd.training.config.prompts import PromptConfig

_RANGES = {
    "steps": (1, 10**8),
    "batch": (1, 4096),
    "lr": (0.0, 100.0),
    "warmup": (0, 10**8),
    "weight_decay": (0.0, 10.0),
    "layer_decay": (0.0, 1.0),
    "clip_grad": (0.0, 1e9),
    "ema": (0.0, 1.0),
    "seed": (0, 2**31),
    "foreground_share": (0.0, 1.0),
    "intensity": (0.0, 100.0),
    "checkpoint_seconds": (0.0, 1e9),
    "data.holdout": (0, 10**6),
    "data.memory_gb": (0.0, 1e6),
    "loss.deep": (0.0, 100.0),
    "looks.structure_gamma_share": (0.0, 1.0),
    "keep.dense_share": (0.0, 1.0),
    "keep.per_stage_share": (0.0, 1.0),
}


def problems(config: TrainConfig) -> list[str]:
    """Say what makes a configuration unusable, one clause each."""
    found = []
    for key in ("steps", "batch", "validate_every"):
        if getattr(config, key) < 1:
            found.append(f"'{key}' must be a whole number from 1, not {getattr(config, key)!r}")
    for key in ("lr", "clip_grad"):
        if getattr(config, key) <= 0:
            found.append(f"'{key}' must be above 0, not {getattr(config, key)!r}")
    for key, (low, high) in _RANGES.items():
        section, _, name = key.rpartition(".")
        value = getattr(getattr(config, section) if section else config, name)
        if value is not None and not low <= value <= high:
            found.append(f"'{name}' must lie from {low:g} to {high:g}, not {value!r}")
    if not config.name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        found.append(f"the name '{config.name}' must be of letters, digits, '-', '_' and '.'")
    low, high = config.keep.low, config.keep.high
    if not 0 < low <= high <= 1:
        found.append(f"'keep' must have 0 < low <= high <= 1, not {low:g} and {high:g}")
    low, high = KEEP_RANGE
    if not config.validate_keep or any(not low <= ratio <= high for ratio in config.validate_keep):
        found.append(f"'validate_keep' must list keep ratios from {low} to {high:g}")
    overlap = config.recipe.activation == "sigmoid"
    flat = [value for held in config.file_values for value in held]
    if not overlap and len(set(flat)) < len(flat):
        found.append(
            "two labels share a value of the label files, which needs the recipe's activation 'sigmoid'"
        )
    if any(not 1 <= value <= 255 for value in flat):
        found.append("the values of the label files must lie from 1 to 255")
    found += _ignore_problems(config)
    if tuple(config.table.indices) != tuple(range(1, len(config.table) + 1)):
        found.append(
            "the labels' indices must be 1, 2, ... in order (give 'values:' for other ones in the files)"
        )
    if not 0 <= config.loss.balance <= 1:
        found.append(f"'balance' of 'loss' must lie from 0 to 1, not {config.loss.balance:g}")
    weights = config.loss.class_weights
    if weights and len(weights) != config.model.out_channels:
        found.append(f"'class_weights' must give {config.model.out_channels} numbers, not {len(weights)}")
    if not 1 <= config.loss.thin <= min(config.model.roi):
        found.append(
            f"'thin' of 'loss' must be a whole number from 1 to the window's edge, not {config.loss.thin}"
        )
    if any(not 0 < weight <= 1000 for weight in config.structure_weights):
        found.append("each 'weight' of 'labels' must lie above 0, up to 1000")
    low_gamma, high_gamma = config.looks.structure_gamma
    if not 0 < low_gamma <= high_gamma:
        found.append(
            f"'structure_gamma' of 'looks' must have 0 < low <= high, not {low_gamma:g} and {high_gamma:g}"
        )
    if config.prompts is not None:
        found += _prompt_problems(config, config.prompts)
    elif config.data.sets or config.recipe.field == "prompt":
        found.append("'sets' of 'data' and the recipe's field 'prompt' need the section 'prompts:'")
    elif config.synthesis is not None:
        found += _synthesis_problems(config, config.synthesis)
    if config.synthesis is not None:
        found += _range_problems(config.synthesis)
    elif config.data.maps:
        found.append("'maps' of 'data' needs the section 'synthesis:', which draws images from them")
    axes = (*config.warp.flip_axes, *config.warp.turn_axes)
    if any(axis not in (0, 1, 2) for axis in axes) or (
        config.warp.turn_share and len(config.warp.turn_axes) != 2
    ):
        found.append(
            "'flip_axes' and 'turn_axes' of 'warp' must name array axes 0, 1, 2, the latter two of them"
        )
    return found


def _ignore_problems(config: TrainConfig) -> list[str]:
    ignored = set(config.data.ignore)
    if not ignored:
        return []
    found = []
    if any(not 1 <= value <= 255 for value in ignored):
        found.append("'ignore' of 'data' must list label values from 1 to 255")
    used = {*config.data.background, *(value for held in config.file_values for value in held)}
    if ignored & used:
        found.append(f"the label value {min(ignored & used)} is both ignored and used")
    if len(config.table) >= IGNORED or (config.recipe.activation == "sigmoid" and IGNORED in used):
        found.append(f"'ignore' of 'data' takes the label {IGNORED}, which 'labels' use: leave it out there")
    return found


def _synthesis_problems(config: TrainConfig, synthesis: SynthesisConfig) -> list[str]:
    found = []
    if config.recipe.activation != "softmax" or len(config.recipe.channels) > 1:
        found.append("'synthesis' draws one channel of structures that do not overlap: give such a recipe")
    if not 0 < synthesis.share <= 1:
        found.append(f"'share' of 'synthesis' must lie above 0, up to 1, not {synthesis.share:g}")
    if config.data.maps and not config.mixes:
        found.append("'maps' of 'data' needs a 'share' of 'synthesis' below 1: the other windows are real")
    if any(not 1 <= value <= 255 for held in config.map_values for value in held):
        found.append("'map_values' of 'labels' must lie from 1 to 255")
    return found


def _range_problems(synthesis: SynthesisConfig) -> list[str]:
    found = []
    codes = (*synthesis.outside, *synthesis.rim, *(code for tissue in synthesis.tissues for code in tissue))
    if any(not 0 <= code <= 255 for code in codes):
        found.append("'synthesis' names a value of the label maps that is not from 0 to 255")
    low, high = synthesis.thick_vox
    if not 1 <= low <= high:
        found.append(f"'thick_vox' of 'synthesis' must be two whole numbers from 1, not {low} and {high}")
    for key in ("spread", "blur_vox", "gamma"):
        low, high = getattr(synthesis, key)
        if not 0 <= low <= high:
            found.append(f"'{key}' of 'synthesis' must have 0 <= low <= high, not {low:g} and {high:g}")
    return found


_SHARES = (
    ("union_share", "piece_share", "supervoxel_share", "shape_share"),
    ("previous_share", "box_share", "scribble_share"),
    ("field_share", "border_share"),
    ("synthesised_share",),
    ("invert_share",),
    ("floor_share",),
    ("thick_share",),
    ("stray_share",),
)


def _prompt_problems(config: TrainConfig, prompts: PromptConfig) -> list[str]:
    found = []
    if not config.data.sets:
        found.append("'prompts' needs at least one entry in 'sets' of 'data'")
    if config.data.dataset or config.data.images or config.data.labels:
        found.append("'sets' of 'data' cannot be mixed with 'dataset', 'images' or 'labels' beside it")
    names = [one.name for one in config.data.sets]
    if len(set(names)) < len(names):
        found.append("two entries in 'sets' of 'data' have the same name")
    found += [
        f"'share' of the set '{one.name}' must be above 0" for one in config.data.sets if one.share <= 0
    ]
    recipe = config.recipe
    if len(config.table) != 1 or recipe.field != "prompt" or not recipe.cuts_windows_freely:
        found.append(
            "'prompts' needs one entry in 'labels', and a recipe with field 'prompt', one channel, no "
            "'spacing_mm', activation 'sigmoid' and normalise_over 'window'"
        )
    for group in _SHARES:
        shares = [getattr(prompts, key) for key in group]
        if min(shares) < 0 or sum(shares) > 1:
            found.append(f"{' + '.join(group)} of 'prompts' must lie from 0 to 1, not {sum(shares):g}")
    for key in ("fill", "field_mm", "border_spacing", "sharpness"):
        low, high = getattr(prompts, key)
        if not 0 < low <= high:
            found.append(f"'{key}' of 'prompts' must have 0 < low <= high, not {low:g} and {high:g}")
    if not prompts.rounds or min(prompts.rounds) < 0 or not sum(prompts.rounds):
        found.append("'rounds' of 'prompts' must list numbers from 0, at least one above 0")
    if not prompts.validate_clicks or min(prompts.validate_clicks) < 1:
        found.append("'validate_clicks' of 'prompts' must list whole numbers from 1")
    return found
