"""Everything a training run depends on except the data: what to learn, what to build, how long to train."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, is_dataclass, replace
from typing import Any, get_args, get_type_hints

from napari_scd.errors import InputError
from napari_scd.model import ModelConfig  # noqa: TC001 (field types are read at run time)
from napari_scd.training.config.images import LookRange, SynthesisConfig, WarpRange
from napari_scd.training.config.prompts import PromptConfig  # noqa: TC001
from napari_scd.training.config.sections import DataConfig, KeepConfig, LossConfig
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


@dataclass(frozen=True)
class TrainConfig:
    """Everything a run depends on except the data themselves; see the fields' own classes.

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
        Draw images from the label maps instead of reading them. With `prompts`: how the drawn
        images are drawn.
    prompts : PromptConfig or None
        The model is promptable: it learns from `data.sets` to find what a user points at.
    validate_every, validate_keep
        Steps between validations; their keep ratios.
    checkpoint_seconds : float
        Between two checkpoints, so that a killed run loses at most that.
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
        """Return what must match for a run to be resumed: all but its length, its reporting and paths."""
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
