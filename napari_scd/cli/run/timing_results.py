"""What a comparison of whole processes leaves: a table on screen or JSON, and the same in two files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.batch import staged
from napari_scd.benchmarks import markdown
from napari_scd.cli.console import print_json, say, show_whole

if TYPE_CHECKING:
    from pathlib import Path

    from rich.table import Table


class TimingResults(NamedTuple):
    """The same rows three times: for Markdown, for the screen and for JSON; and how they were measured."""

    grid: list[list[str]]
    table: Table
    values: dict[str, Any] | list[dict[str, Any]]
    about: str


def show_results(name: str, results: TimingResults, *, out: Path | None, as_json: bool) -> None:
    """Print results, and write ``NAME.md`` and ``NAME.json`` into a folder if there is one."""
    if out is not None:
        with staged() as stage:
            text = f"{markdown(results.grid)}\n\n{results.about}\n"
            stage(out / f"{name}.md").write_text(text, encoding="utf-8")
            stage(out / f"{name}.json").write_text(json.dumps(results.values, indent=2), encoding="utf-8")
    if as_json:
        print_json(results.values)
        return
    show_whole(results.table)
    say(results.about, style="dim")
    if out is not None:
        say(f"Wrote {out / f'{name}.md'} and {name}.json.")
