"""How long things take, always as a ratio of two things run in turn on the same machine."""

from typing import TYPE_CHECKING

from napari_scd.benchmarks.comparison import compare_inference, compare_training
from napari_scd.benchmarks.comparison_result import Comparison, NetworkRow, TimedNetwork, WindowShape
from napari_scd.benchmarks.other_networks import OTHER_NETWORKS, build_other, fitting_others
from napari_scd.benchmarks.plain import plain_copy
from napari_scd.benchmarks.rounds import paired_ratio
from napari_scd.benchmarks.stages import Stages, time_stages
from napari_scd.benchmarks.timer import Timer
from napari_scd.benchmarks.volume import VolumeTimes, time_volume
from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.benchmarks.comparison_plot import draw_comparisons as draw_comparisons
    from napari_scd.benchmarks.latency import REST_S as REST_S
    from napari_scd.benchmarks.latency import LatencyBenchmark as LatencyBenchmark
    from napari_scd.benchmarks.latency import Wait as Wait
    from napari_scd.benchmarks.latency import time_dock as time_dock
    from napari_scd.benchmarks.prompt_latency import time_prompts as time_prompts
    from napari_scd.benchmarks.sweep_plot import draw_timing as draw_timing
    from napari_scd.benchmarks.tables import about as about
    from napari_scd.benchmarks.tables import about_volume as about_volume
    from napari_scd.benchmarks.tables import comparison_dict as comparison_dict
    from napari_scd.benchmarks.tables import comparison_grid as comparison_grid
    from napari_scd.benchmarks.tables import comparison_table as comparison_table
    from napari_scd.benchmarks.tables import markdown as markdown
    from napari_scd.benchmarks.tables import parts_grid as parts_grid
    from napari_scd.benchmarks.tables import parts_table as parts_table
    from napari_scd.benchmarks.tables import ratio_grid as ratio_grid
    from napari_scd.benchmarks.tables import ratio_table as ratio_table
    from napari_scd.benchmarks.tables import stages_table as stages_table
    from napari_scd.benchmarks.tables import sweep_table as sweep_table
    from napari_scd.benchmarks.tables import volume_dict as volume_dict
    from napari_scd.benchmarks.tables import volume_grid as volume_grid
    from napari_scd.benchmarks.tables import volume_table as volume_table

# what draws and lays out, which takes a while to import
_HOME_OF = {
    "LatencyBenchmark": "latency",
    "REST_S": "latency",
    "Wait": "latency",
    "about": "tables",
    "about_volume": "tables",
    "comparison_dict": "tables",
    "comparison_grid": "tables",
    "comparison_table": "tables",
    "draw_comparisons": "comparison_plot",
    "draw_timing": "sweep_plot",
    "markdown": "tables",
    "parts_grid": "tables",
    "parts_table": "tables",
    "ratio_grid": "tables",
    "ratio_table": "tables",
    "stages_table": "tables",
    "sweep_table": "tables",
    "time_dock": "latency",
    "time_prompts": "prompt_latency",
    "volume_dict": "tables",
    "volume_grid": "tables",
    "volume_table": "tables",
}

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
    *_HOME_OF,
]
__getattr__ = on_first_use(__name__, _HOME_OF)
