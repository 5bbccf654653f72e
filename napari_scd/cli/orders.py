"""What one call of a command asks for: options in, one frozen order out, for the code that does the work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Sweep:
    """What one call of `benchmark` asks for."""

    model: str
    keeps: tuple[float, ...]
    rounds: int
    device: str
    precisions: tuple[str, ...]
    batch: int | None
    threads: int | None
    processor_time: bool


@dataclass(frozen=True)
class Field:
    """What one call of `benchmark compare` asks for.

    `models` empty takes the usual ones; `roi_vox` None takes each network's own window; `volume` is a file,
    None a synthetic scan.
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    keeps: tuple[float, ...]
    rounds: int
    quick: bool
    roi_vox: int | None
    out_channels: int
    rivals: bool
    volume: Path | None
    device: str
    precisions: tuple[str, ...]
    batch: int | None
    threads: int | None
    processor_time: bool


@dataclass(frozen=True)
class StagesOrder:
    """What one call of `benchmark stages` asks for."""

    scan: Path
    model: str
    keep: float | tuple[float, ...] | None
    rounds: int
    device: str
    precision: str
    threads: int | None
    processor_time: bool
    as_json: bool


@dataclass(frozen=True)
class TrainOrder:
    """What one call of `train` asks for.

    `config` is a YAML file or a preset's name; `images`, `labels`, `dataset` replace its paths; relative
    paths of its data start from `data_root`; `init` is a model to start from.
    """

    config: str
    out: Path | None = None
    images: Path | None = None
    labels: Path | None = None
    dataset: Path | None = None
    data_root: Path | None = None
    init: str | None = None
    control: bool = False
    resume: bool = True
    max_minutes: float | None = None
    device: str = "auto"
    precision: str = "auto"
    devices: int = 1
    nodes: int = 1
    threads: int | None = None


@dataclass(frozen=True)
class EvaluateOrder:
    """What one call of `evaluate` asks for.

    `data` is an images folder (with `labels`), a folder that holds both, a dataset.json or a training file,
    of which `split` chooses cases; `tolerance_mm` None takes the modality's own.
    """

    model: str
    data: Path
    labels: Path | None = None
    split: str | None = None
    keeps: tuple[float, ...] = ()
    cases: tuple[str, ...] = ()
    structures: tuple[str, ...] = ()
    out: Path | None = None
    surface: bool = True
    tolerance_mm: float | None = None
    ignored: tuple[int, ...] = ()
    zero_tokens: bool = False
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None


@dataclass(frozen=True)
class AblateOrder:
    """What one call of `ablate` asks for.

    One of `config` (a training file) and `preset` is given; `steps` replaces that of the file; `variants`
    empty takes all.
    """

    config: Path | None
    preset: str | None
    out: Path | None
    images: Path | None
    labels: Path | None
    dataset: Path | None
    variants: tuple[str, ...]
    seeds: int
    steps: int | None
    keeps: tuple[float, ...]
    device: str
    precision: str
    threads: int | None


@dataclass(frozen=True)
class ConvertOrder:
    """What one call of `convert` asks for; `config` may be missing where the checkpoint holds one."""

    checkpoint: Path
    output: Path
    config: Path | None
    recipe: Path
    labels: Path
    title: str = ""
    data: str = ""
    licence: str = ""
    half: bool = False
