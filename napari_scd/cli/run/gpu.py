"""The work of `benchmark gpu`: everything worth knowing about one device, shown and written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from napari_scd.batch import staged
from napari_scd.benchmarks import (
    comparison_grid,
    comparison_table,
    device_dict,
    device_grid,
    device_table,
    markdown,
    report_on,
)
from napari_scd.checkpoints import load, suggested_models
from napari_scd.cli.console import busy, print_json, say, show_whole

if TYPE_CHECKING:
    from pathlib import Path

    from napari_scd.benchmarks import DeviceReport


def run_gpu(
    models: tuple[str, ...], device: str, budget_s: float, *, out: Path | None, as_json: bool
) -> None:
    """Measure, show and write.

    Raises
    ------
    InputError
        For an unknown model, a device that is not there, or files that cannot be written.
    """
    suited = (card for card in suggested_models() if card.recipe.field != "prompt")
    names = models or tuple(str(card.path) for card in suited)
    checkpoints = [load(name) for name in names]
    with busy(f"Measuring on {device}"):
        result = report_on(device, checkpoints, budget_s=budget_s)
    if out is not None:
        with staged() as stage:
            stage(out / "gpu.md").write_text(_to_markdown(result), encoding="utf-8")
            stage(out / "gpu.json").write_text(json.dumps(device_dict(result), indent=2), encoding="utf-8")
    if as_json:
        print_json(device_dict(result))
        return
    if result.scans:
        show_whole(device_table(result))
    for comparison in (*result.windows, *result.training):
        say(f"\n{comparison.task.capitalize()}, {comparison.precision}", style="bold")
        show_whole(comparison_table(comparison))
    for sentence in _about(result):
        say(sentence, style="dim")
    if out is not None:
        say(f"Wrote {out / 'gpu.md'} and gpu.json.")


def _about(result: DeviceReport) -> list[str]:
    """Sentences below the tables."""
    left_out = [f"No time for: {'; '.join(result.skipped)}."] if result.skipped else []
    return [
        f"{result.name}, PyTorch {result.torch}, {result.seconds:.0f} s. Agreement = Dice of all labelled "
        "voxels with the answer in float32 on the CPU.",
        *left_out,
    ]


def _to_markdown(result: DeviceReport) -> str:
    pieces = [f"# {result.name}", markdown(device_grid(result))]
    for comparison in (*result.windows, *result.training):
        pieces += [f"## {comparison.task.capitalize()}, {comparison.precision}"]
        pieces += [markdown(comparison_grid(comparison))]
    return "\n\n".join([*pieces, *_about(result)]) + "\n"
