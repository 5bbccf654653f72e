"""Everything a training run depends on besides the data: what to learn, what to build, how long to train."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any, get_args, get_type_hints

from napari_scd.errors import InputError
from napari_scd.model import ModelConfig  # noqa: TC001 (field types are read at run time)
from napari_scd.training.config.sections import (
    IGNORED,
    DataConfig,
    KeepConfig,
    LookRange,
    LossConfig,
    PromptConfig,
    SynthesisConfig,
)
from napari_scd.training.data.warp import WarpRange
from napari_scd.volume import LabelTable, Recipe  # noqa: TC001

_REPORTING = (
    "steps",
    "validate_every",
    "validate_keep",
    "checkpoint_seconds",
    "data",
    "title",
    "description",
    "licence",
    "data_note",
    "preview",
)

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


@dataclass(frozen=True)
class TrainConfig:
    """Everything a run depends on besides the data themselves; see the fields' own classes.

    Parameters
    ----------
    name, title, description, licence, data_note, preview
        For the exported model's card.
    data, recipe, table, model
        What to learn from, how it is prepared, what is found, what finds it.
    values : tuple of tuple of int
        For each label of the table, the values it has in the label files; empty = its own id. With the
        recipe's activation "sigmoid" they may overlap (regions).
    map_values : tuple of tuple of int
        The same for the files of `data.maps`; empty = `values`.
    structure_weights : tuple of float
        For each label of the table, a factor on its part of the loss, for thin structures that are learned
        late; empty = all 1.
    steps, batch : int
        Batches to learn from; windows in a batch, over all processes.
    lr, warmup, weight_decay, layer_decay, clip_grad
        Peak learning rate of AdamW, its linear warm-up in steps (then half a cosine to 0); decay of matrices;
        factor on the learning rate from each encoder block to the one before it; bound of the gradient norm.
    ema : float
        Share of the old weight average kept at each step; the average is what is validated and exported.
    seed : int
    foreground_share : float
        Share of windows centred on a structure, each structure equally often.
    warp, looks, intensity
        Deformation of windows; changes of intensity, and a factor on their strength (0 = none).
    keep, loss
    synthesis : SynthesisConfig or None
        Images are drawn from the label maps; there are none in the data then. With `prompts`, how those
        images are drawn that are.
    prompts : PromptConfig or None
        The model is promptable: it learns from `data.sets` to find whatever a user points at.
    validate_every, validate_keep
        Steps between validations; their keep ratios.
    checkpoint_seconds : float
        Between two checkpoints, so that a killed run loses no more.
    """

    name: str
    data: DataConfig
    recipe: Recipe
    table: LabelTable
    model: ModelConfig
    values: tuple[tuple[int, ...], ...] = ()
    map_values: tuple[tuple[int, ...], ...] = ()
    structure_weights: tuple[float, ...] = ()
    title: str = ""
    description: str = ""
    licence: str = ""
    data_note: str = ""
    preview: bool = True
    steps: int = 2000
    batch: int = 2
    lr: float = 1e-3
    warmup: int = 100
    weight_decay: float = 0.05
    layer_decay: float = 1.0
    clip_grad: float = 1.0
    ema: float = 0.998
    seed: int = 0
    foreground_share: float = 0.67
    warp: WarpRange = field(default_factory=WarpRange)
    looks: LookRange = field(default_factory=LookRange)
    intensity: float = 1.0
    keep: KeepConfig = field(default_factory=KeepConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    synthesis: SynthesisConfig | None = None
    prompts: PromptConfig | None = None
    validate_every: int = 500
    validate_keep: tuple[float, ...] = (1.0, 0.5, 0.25)
    checkpoint_seconds: float = 45.0

    @property
    def validation_keys(self) -> tuple[str, ...]:
        """Names of the figures that a validation measures: Dice by keep ratio, or after some clicks."""
        if self.prompts is not None:
            return tuple(f"clicks@{clicks}" for clicks in self.prompts.validate_clicks)
        return tuple(f"dice@{keep:g}" for keep in self.validate_keep)

    @property
    def file_values(self) -> tuple[tuple[int, ...], ...]:
        """For each label of the table, the values it has in the label files."""
        return self.values or tuple((index,) for index in self.table.indices)

    @property
    def drawn_values(self) -> tuple[tuple[int, ...], ...]:
        """For each label of the table, the values it has in the label maps that images are drawn from."""
        return (self.map_values or self.file_values) if self.data.maps else self.file_values

    @property
    def mixes(self) -> bool:
        """Whether images drawn from label maps and real ones are trained on together."""
        return self.synthesis is not None and self.synthesis.share < 1

    def fingerprint(self) -> dict[str, Any]:
        """Return what must agree for a run to be resumed: all but its length, its reporting and paths."""
        return {key: value for key, value in asdict(self).items() if key not in _REPORTING}

    def control(self) -> TrainConfig:
        """Return the same run with zero tokens into the decoder: what the tokens add is the difference."""
        if self.model.completion == "none":
            raise InputError(
                "A network without completion has no control: its decoder sees no completed tokens."
            )
        return replace(self, name=f"{self.name}-control", model=replace(self.model, completion="zero"))


def section_types() -> dict[str, type[Any]]:
    """Return the class of every entry of `TrainConfig` that has entries of its own."""
    found: dict[str, type[Any]] = {}
    for name, hint in get_type_hints(TrainConfig).items():
        for kind in (hint, *get_args(hint)):  # the class itself, or the one in "class or None"
            if isinstance(kind, type) and is_dataclass(kind):
                found[name] = kind
    return found


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
    if not config.validate_keep or any(not 0.05 <= ratio <= 1 for ratio in config.validate_keep):
        found.append("'validate_keep' must list keep ratios from 0.05 to 1")
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
