"""The corpus as tables for docs/robustness.md: ``python -m tests.robustness.table`` writes them there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .corpus import layers, models, scans, settings, training

if TYPE_CHECKING:
    from .corpus.entry import Entry

PAGE = Path(__file__).parents[2] / "docs" / "robustness.md"
START, END = "<!-- corpus: written by python -m tests.robustness.table -->", "<!-- end of corpus -->"
FAMILIES: dict[str, list[Entry]] = {
    "Scans": [*scans.REFUSED, *scans.ACCEPTED],
    "Model files and names": models.ENTRIES,
    "Settings of `segment`": settings.ENTRIES,
    "Training files": training.FILES,
    "Data lists": training.LISTS,
    "Layers in napari": layers.ENTRIES,
}


def n_entries() -> int:
    """Count the inputs."""
    return sum(len(entries) for entries in FAMILIES.values())


def tables() -> str:
    """Return all families as tables."""
    parts = [f"{n_entries()} inputs."]
    for family, entries in FAMILIES.items():
        rows = [f"| {cell(entry.name)} | {entry.fate} | {cell(entry.says)} |" for entry in entries]
        parts.append(
            f"### {family} ({len(entries)})\n\n| input | result | the message contains |\n|---|---|---|"
        )
        parts[-1] += "\n" + "\n".join(rows)
    return "\n\n".join(parts)


def cell(text: str) -> str:
    """Return text that stays within one cell; of several wordings the first."""
    return text.split("|")[0].replace("<", "&lt;").replace("\\", "")


def on_page(page: str) -> str:
    """Return what a page holds between the marks."""
    return page.split(START)[1].split(END)[0].strip()


if __name__ == "__main__":
    before = PAGE.read_text(encoding="utf-8")
    head, tail = before.split(START)[0], before.split(END)[1]
    PAGE.write_text(f"{head}{START}\n\n{tables()}\n\n{END}{tail}", encoding="utf-8")
