"""How long things take, always as a ratio of two things run in turn on the same machine."""

from typing import TYPE_CHECKING

from napari_scd.lazy import on_first_use

if TYPE_CHECKING:
    from napari_scd.benchmarks.busy import BusyRow as BusyRow
    from napari_scd.benchmarks.busy import measure_busy as measure_busy
    from napari_scd.benchmarks.comparison import compare_inference as compare_inference
    from napari_scd.benchmarks.comparison import compare_training as compare_training
    from napari_scd.benchmarks.comparison_plot import draw_comparisons as draw_comparisons
    from napari_scd.benchmarks.comparison_result import Comparison as Comparison
    from napari_scd.benchmarks.comparison_result import NetworkRow as NetworkRow
    from napari_scd.benchmarks.comparison_result import TimedNetwork as TimedNetwork
    from napari_scd.benchmarks.comparison_result import WindowShape as WindowShape
    from napari_scd.benchmarks.device_report import DeviceReport as DeviceReport
    from napari_scd.benchmarks.device_report import report_on as report_on
    from napari_scd.benchmarks.json_values import comparison_dict as comparison_dict
    from napari_scd.benchmarks.json_values import device_dict as device_dict
    from napari_scd.benchmarks.json_values import peers_dict as peers_dict
    from napari_scd.benchmarks.json_values import volume_dict as volume_dict
    from napari_scd.benchmarks.latency import REST_S as REST_S
    from napari_scd.benchmarks.latency import LatencyBenchmark as LatencyBenchmark
    from napari_scd.benchmarks.latency import Wait as Wait
    from napari_scd.benchmarks.latency import time_dock as time_dock
    from napari_scd.benchmarks.other_networks import OTHER_NETWORKS as OTHER_NETWORKS
    from napari_scd.benchmarks.other_networks import build_other as build_other
    from napari_scd.benchmarks.other_networks import fitting_others as fitting_others
    from napari_scd.benchmarks.peer_networks import PEERS as PEERS
    from napari_scd.benchmarks.peer_networks import Peer as Peer
    from napari_scd.benchmarks.peers import PeerRow as PeerRow
    from napari_scd.benchmarks.peers import compare_processes as compare_processes
    from napari_scd.benchmarks.peers import peer_command as peer_command
    from napari_scd.benchmarks.plain import plain_copy as plain_copy
    from napari_scd.benchmarks.prompt_latency import time_prompts as time_prompts
    from napari_scd.benchmarks.rounds import paired_ratio as paired_ratio
    from napari_scd.benchmarks.stages import Stages as Stages
    from napari_scd.benchmarks.stages import time_stages as time_stages
    from napari_scd.benchmarks.sweep_plot import draw_timing as draw_timing
    from napari_scd.benchmarks.tables import about as about
    from napari_scd.benchmarks.tables import about_volume as about_volume
    from napari_scd.benchmarks.tables import busy_grid as busy_grid
    from napari_scd.benchmarks.tables import busy_table as busy_table
    from napari_scd.benchmarks.tables import comparison_grid as comparison_grid
    from napari_scd.benchmarks.tables import comparison_table as comparison_table
    from napari_scd.benchmarks.tables import device_grid as device_grid
    from napari_scd.benchmarks.tables import device_table as device_table
    from napari_scd.benchmarks.tables import markdown as markdown
    from napari_scd.benchmarks.tables import parts_grid as parts_grid
    from napari_scd.benchmarks.tables import parts_table as parts_table
    from napari_scd.benchmarks.tables import peers_grid as peers_grid
    from napari_scd.benchmarks.tables import peers_table as peers_table
    from napari_scd.benchmarks.tables import ratio_grid as ratio_grid
    from napari_scd.benchmarks.tables import ratio_table as ratio_table
    from napari_scd.benchmarks.tables import stages_table as stages_table
    from napari_scd.benchmarks.tables import sweep_table as sweep_table
    from napari_scd.benchmarks.tables import throughput_grid as throughput_grid
    from napari_scd.benchmarks.tables import throughput_table as throughput_table
    from napari_scd.benchmarks.tables import volume_grid as volume_grid
    from napari_scd.benchmarks.tables import volume_table as volume_table
    from napari_scd.benchmarks.throughput import Load as Load
    from napari_scd.benchmarks.throughput import LoadRow as LoadRow
    from napari_scd.benchmarks.throughput import measure_throughput as measure_throughput
    from napari_scd.benchmarks.timer import Timer as Timer
    from napari_scd.benchmarks.volume import VolumeTimes as VolumeTimes
    from napari_scd.benchmarks.volume import time_volume as time_volume

# imported at their first use: MONAI and the trainer take a while, and peers do not need them
_HOME_OF = {
    "BusyRow": "busy",
    "Comparison": "comparison_result",
    "LatencyBenchmark": "latency",
    "Load": "throughput",
    "LoadRow": "throughput",
    "NetworkRow": "comparison_result",
    "OTHER_NETWORKS": "other_networks",
    "PEERS": "peer_networks",
    "Peer": "peer_networks",
    "PeerRow": "peers",
    "REST_S": "latency",
    "Stages": "stages",
    "TimedNetwork": "comparison_result",
    "Timer": "timer",
    "VolumeTimes": "volume",
    "Wait": "latency",
    "WindowShape": "comparison_result",
    "about": "tables",
    "about_volume": "tables",
    "build_other": "other_networks",
    "busy_grid": "tables",
    "busy_table": "tables",
    "compare_inference": "comparison",
    "compare_processes": "peers",
    "compare_training": "comparison",
    "comparison_dict": "json_values",
    "comparison_grid": "tables",
    "comparison_table": "tables",
    "DeviceReport": "device_report",
    "device_dict": "json_values",
    "device_grid": "tables",
    "device_table": "tables",
    "report_on": "device_report",
    "draw_comparisons": "comparison_plot",
    "draw_timing": "sweep_plot",
    "fitting_others": "other_networks",
    "markdown": "tables",
    "measure_busy": "busy",
    "measure_throughput": "throughput",
    "paired_ratio": "rounds",
    "parts_grid": "tables",
    "parts_table": "tables",
    "peer_command": "peers",
    "peers_dict": "json_values",
    "peers_grid": "tables",
    "peers_table": "tables",
    "plain_copy": "plain",
    "ratio_grid": "tables",
    "ratio_table": "tables",
    "stages_table": "tables",
    "sweep_table": "tables",
    "throughput_grid": "tables",
    "throughput_table": "tables",
    "time_dock": "latency",
    "time_prompts": "prompt_latency",
    "time_stages": "stages",
    "time_volume": "volume",
    "volume_dict": "json_values",
    "volume_grid": "tables",
    "volume_table": "tables",
}

__all__ = [*_HOME_OF]
__getattr__ = on_first_use(__name__, _HOME_OF)
