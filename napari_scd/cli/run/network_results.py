"""What `benchmark compare` measured, on the screen and as files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.batch import staged
from napari_scd.benchmarks import (
    about,
    about_volume,
    comparison_dict,
    comparison_grid,
    comparison_table,
    draw_comparisons,
    markdown,
    parts_grid,
    parts_table,
    ratio_grid,
    ratio_table,
    volume_dict,
    volume_grid,
    volume_table,
)
from napari_scd.cli.console import say, show_whole

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.benchmarks import Comparison, VolumeTimes


class Measured(NamedTuple):
    """Everything one call measured."""

    comparisons: list[Comparison]
    volumes: list[VolumeTimes]


def show_measured(measured: Measured) -> None:
    """Print a table for each comparison."""
    for result in measured.comparisons:
        say(f"\n{result.task.capitalize()}, {result.precision}", style="bold")
        for table in (comparison_table(result), parts_table(result), ratio_table(result)):
            if table is not None:
                show_whole(table)
        for sentence in about(result):
            say(sentence, style="dim")
    for times in measured.volumes:
        say(f"\nWhole volume, {times.precision}", style="bold")
        show_whole(volume_table(times))
        say(about_volume(times), style="dim")


def write_measured(folder: Path, measured: Measured) -> None:
    """Write all three files, or none."""
    with staged() as stage:
        stage(folder / "benchmark.md").write_text(_to_markdown(measured), encoding="utf-8")
        stage(folder / "benchmark.json").write_text(json.dumps(to_dict(measured), indent=2), encoding="utf-8")
        if measured.comparisons:
            draw_comparisons(stage(folder / "benchmark.png"), measured.comparisons)


def _to_markdown(measured: Measured) -> str:
    pieces = []
    for result in measured.comparisons:
        pieces.append(f"## {result.task.capitalize()}, {result.precision}, {result.window.roi[0]} voxels")
        grids = (comparison_grid(result), parts_grid(result), ratio_grid(result))
        pieces += [markdown(grid) for grid in grids if len(grid) > 1]
        pieces += about(result)
    for times in measured.volumes:
        pieces += [f"## Whole volume, {times.precision}", markdown(volume_grid(times)), about_volume(times)]
    return "\n\n".join(pieces) + "\n"


def to_dict(measured: Measured) -> dict[str, Any]:
    """JSON-ready copy."""
    return {
        "comparisons": [comparison_dict(result) for result in measured.comparisons],
        "volumes": [volume_dict(times) for times in measured.volumes],
    }
