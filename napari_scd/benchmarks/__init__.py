"""How long things take, always as a ratio of two things run in turn on the same machine."""

from napari_scd.benchmarks.bench import Bench
from napari_scd.benchmarks.comparison import (
    Comparison,
    Entrant,
    Row,
    Window,
    compare_inference,
    compare_training,
)
from napari_scd.benchmarks.plain import plain_copy
from napari_scd.benchmarks.rivals import RIVALS, build_rival, fitting_rivals
from napari_scd.benchmarks.rounds import paired_ratio
from napari_scd.benchmarks.stages import Stages, time_stages
from napari_scd.benchmarks.volume import VolumeTimes, time_volume

__all__ = [
    "RIVALS",
    "Bench",
    "Comparison",
    "Entrant",
    "Row",
    "Stages",
    "VolumeTimes",
    "Window",
    "build_rival",
    "compare_inference",
    "compare_training",
    "fitting_rivals",
    "paired_ratio",
    "plain_copy",
    "time_stages",
    "time_volume",
]
