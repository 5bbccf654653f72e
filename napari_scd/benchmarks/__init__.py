"""How long things take, always as a ratio of two things run in turn on the same machine."""

from napari_scd.benchmarks.comparison import compare_inference, compare_training
from napari_scd.benchmarks.comparison_result import Comparison, NetworkRow, TimedNetwork, WindowShape
from napari_scd.benchmarks.other_networks import OTHER_NETWORKS, build_other, fitting_others
from napari_scd.benchmarks.plain import plain_copy
from napari_scd.benchmarks.rounds import paired_ratio
from napari_scd.benchmarks.stages import Stages, time_stages
from napari_scd.benchmarks.timer import Timer
from napari_scd.benchmarks.volume import VolumeTimes, time_volume

__all__ = [
    "OTHER_NETWORKS",
    "Timer",
    "Comparison",
    "TimedNetwork",
    "NetworkRow",
    "Stages",
    "VolumeTimes",
    "WindowShape",
    "build_other",
    "compare_inference",
    "compare_training",
    "fitting_others",
    "paired_ratio",
    "plain_copy",
    "time_stages",
    "time_volume",
]
