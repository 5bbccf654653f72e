"""How long things take, always as a ratio of two things run in turn on the same machine."""

from napari_scd.benchmarks.window import KeepTimes, PartTimes, WindowBenchmark, time_windows

__all__ = ["KeepTimes", "PartTimes", "WindowBenchmark", "time_windows"]
