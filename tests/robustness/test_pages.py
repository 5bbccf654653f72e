"""What docs/robustness.md and docs/dependencies.md say is so."""

from __future__ import annotations

import runpy

from .table import FAMILIES, PAGE, n_entries, on_page, tables

ROOT = PAGE.parents[1]
FEWEST = 120


def test_the_corpus_is_large_and_of_different_things() -> None:
    assert n_entries() >= FEWEST
    for entries in FAMILIES.values():
        names = [entry.name for entry in entries]
        assert len(set(names)) == len(names)
        assert all(entry.accepted or entry.says for entry in entries)


def test_the_page_lists_the_corpus() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert on_page(page) == tables(), "run python -m tests.robustness.table"


def test_every_dependency_is_listed() -> None:
    module = runpy.run_path(str(ROOT / "docs" / "dependencies.py"))
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    tested = module["tested_versions"]()
    missing = [
        f"{name} {version}" for name, version in tested.items() if f"| {name} | {version} |" not in page
    ]
    assert missing == [], "run python docs/dependencies.py"
    for name, direct in module["direct_dependencies"]().items():
        assert any(
            line.startswith(f"| {name} |") and f"| {direct.minimum} |" in line for line in page.splitlines()
        )


def test_known_weaknesses_are_not_accepted() -> None:
    module = runpy.run_path(str(ROOT / "docs" / "dependencies.py"))
    direct = module["direct_dependencies"]()
    for advisory in module["ADVISORIES"]:
        oldest, fixed = (
            tuple(map(int, text.split("."))) for text in (direct[advisory.package].minimum, advisory.fixed_in)
        )
        assert oldest >= fixed[: len(oldest)], advisory.name
