"""Write docs/dependencies.md: what napari-scd depends on, its licences, and known advisories.

    python docs/dependencies.py

Versions come from constraints.txt, licences from what is installed; nothing is fetched. The advisories below
were looked up by hand: see SECURITY.md.
"""

from __future__ import annotations

import re
from configparser import ConfigParser
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "dependencies.md"


class Advisory(NamedTuple):
    """A weakness somebody published, and what it means here."""

    package: str
    name: str
    fixed_in: str
    what: str
    here: str


ADVISORIES = (
    Advisory(
        "torch", "CVE-2025-32434", "2.6.0", "code runs in spite of `weights_only=True`",
        "`models convert` and resuming a training run read pickles this way: older versions are not accepted",
    ),
    Advisory(
        "torch", "CVE-2026-24747", "2.10.0", "memory is corrupted in spite of `weights_only=True`",
        "the same: older versions are not accepted",
    ),
    Advisory(
        "monai", "GHSA-89gg-p5r5-q6r4", "1.6.0", "pickles of algorithms run code",
        "not reached: of MONAI only network blocks and losses are used; older versions are not accepted",
    ),
    Advisory(
        "monai", "GHSA-9rg3-9pvr-6p27", "1.5.2", "archives of bundles write outside their folder",
        "not reached: no bundle is downloaded; older versions are not accepted",
    ),
    Advisory(
        "pyyaml", "CVE-2020-14343", "5.4", "`full_load` runs code",
        "not reached: only `safe_load` is used; older versions are not accepted",
    ),
)  # fmt: skip


class Direct(NamedTuple):
    """What we ask for ourselves: its extra ("" = always) and the oldest version we accept."""

    extra: str
    minimum: str


def tested_versions() -> dict[str, str]:
    """Return every package of constraints.txt with its version."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {plain(name): version.strip() for name, version in pairs}


def direct_dependencies() -> dict[str, Direct]:
    """Return what setup.cfg names."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = {"": config["options"]["install_requires"], **config["options.extras_require"]}
    found: dict[str, Direct] = {}
    for extra, lines in wanted.items():
        for line in lines.split():
            match = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?(?:>=([0-9.]+))?$", line)
            if match and plain(match[1]) != "napari-scd":
                found.setdefault(plain(match[1]), Direct(extra, match[2] or ""))
    return found


def plain(name: str) -> str:
    """Spell a package's name as indexes do."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(package: str) -> str:
    """Return a package's licence in a few letters, as its metadata give it."""
    try:
        about = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return "not installed here"
    if about["License-Expression"]:
        return str(about["License-Expression"])
    classified = [
        text.rsplit(" :: ", 1)[-1]
        for text in about.get_all("Classifier", [])
        if text.startswith("License ::") and text != "License :: OSI Approved"
    ]
    stated = (about["License"] or "").strip().splitlines()
    if classified:
        return ", ".join(classified)
    return stated[0][:60] if stated else "not stated"


def page() -> str:
    """Return the page."""
    tested, direct = tested_versions(), direct_dependencies()
    lines = [
        "# Dependencies",
        "",
        "Written by `python docs/dependencies.py` from `setup.cfg`, `constraints.txt` and the metadata of",
        "what is installed; nothing is fetched for it.",
        "",
        "## Asked for by napari-scd",
        "",
        "| package | for | at least | tested | licence |",
        "|---|---|---|---|---|",
    ]
    for name, (extra, minimum) in sorted(direct.items(), key=lambda item: (item[1].extra, item[0])):
        shown = f"`[{extra}]`" if extra else "always"
        lines.append(
            f"| {name} | {shown} | {minimum or '-'} | {tested.get(name, '-')} | {licence_of(name)} |"
        )
    lines += [
        "",
        "PyQt6 (GPL) comes with the extra `all` only; napari works with another Qt binding as well.",
        "",
        "## Known advisories",
        "",
        "Looked up by hand in November 2026 for the packages above that read files of strangers. This is no",
        "scan: run `pip-audit -r constraints.txt` on a machine with a network before you deploy.",
        "",
        "| package | advisory | fixed in | what | here |",
        "|---|---|---|---|---|",
        *(f"| {a.package} | {a.name} | {a.fixed_in} | {a.what} | {a.here} |" for a in ADVISORIES),
        "",
        "## Everything that is installed with it",
        "",
        "| package | tested | licence |",
        "|---|---|---|",
        *(f"| {name} | {version} | {licence_of(name)} |" for name, version in sorted(tested.items())),
        "",
    ]
    return "\n".join(line.replace("\n", " ") for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
