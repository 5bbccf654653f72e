"""Write docs/dependencies.md: what napari-scd depends on, under which licences, and known advisories.

    python docs/dependencies.py

Versions come from constraints.txt, licences from the installed packages; nothing is downloaded. The
advisories below were looked up by hand: see SECURITY.md.
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
    """A published vulnerability, and what it means here."""

    package: str
    name: str
    fixed_in: str
    what: str
    here: str


ADVISORIES = (
    Advisory(
        "torch", "CVE-2025-32434", "2.6.0", "runs code despite `weights_only=True`",
        "used by `models convert` and when a training run is resumed; older versions are not accepted",
    ),
    Advisory(
        "torch", "CVE-2026-24747", "2.10.0", "corrupts memory despite `weights_only=True`",
        "the same; older versions are not accepted",
    ),
    Advisory(
        "monai", "GHSA-89gg-p5r5-q6r4", "1.6.0", "runs code from pickled algorithms",
        "not used: we use only MONAI's network blocks and losses; older versions are not accepted",
    ),
    Advisory(
        "monai", "GHSA-9rg3-9pvr-6p27", "1.5.2", "extracts bundle archives outside their folder",
        "not used: no bundle is downloaded; older versions are not accepted",
    ),
    Advisory(
        "pyyaml", "CVE-2020-14343", "5.4", "runs code in `full_load`",
        "not used: we use only `safe_load`; older versions are not accepted",
    ),
)  # fmt: skip


class Direct(NamedTuple):
    """A direct dependency: its extra ("" = always) and the oldest version we accept."""

    extra: str
    minimum: str


def tested_versions() -> dict[str, str]:
    """Return the version of every package in constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {plain(name): version.strip() for name, version in pairs}


def direct_dependencies() -> dict[str, Direct]:
    """Return the packages that setup.cfg names."""
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
    """Return a package's licence as its metadata state it, in a few words."""
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
        "Use this page to see what you install together with napari-scd, under which licences, and whether a",
        "known vulnerability concerns you. To get exactly the versions that were tested:",
        "",
        "```sh",
        'python -m pip install -c constraints.txt -e ".[all]"',
        "```",
        "",
        "The page is written by `python docs/dependencies.py` from `setup.cfg`, `constraints.txt` and the",
        "metadata of the installed packages.",
        "",
        "## Direct dependencies",
        "",
        "In brackets: the extra that a package belongs to.",
        "",
        "| package | needed | at least | tested | licence |",
        "|---|---|---|---|---|",
    ]
    for name, (extra, minimum) in sorted(direct.items(), key=lambda item: (item[1].extra, item[0])):
        shown = f"`[{extra}]`" if extra else "always"
        lines.append(
            f"| {name} | {shown} | {minimum or '-'} | {tested.get(name, '-')} | {licence_of(name)} |"
        )
    lines += [
        "",
        "PyQt6 (GPL) is installed only with the extra `all`; napari also works with other Qt bindings.",
        "",
        "## Known advisories",
        "",
        "Looked up by hand in November 2026 for the packages above that read files from other people. This",
        "does not replace a scan: run `pip-audit -r constraints.txt` on a machine with network access before",
        "you deploy.",
        "",
        "| package | advisory | fixed in | what it does | napari-scd |",
        "|---|---|---|---|---|",
        *(f"| {a.package} | {a.name} | {a.fixed_in} | {a.what} | {a.here} |" for a in ADVISORIES),
        "",
        "## All installed packages",
        "",
        "| package | tested | licence |",
        "|---|---|---|",
        *(f"| {name} | {version} | {licence_of(name)} |" for name, version in sorted(tested.items())),
        "",
    ]
    return "\n".join(line.replace("\n", " ") for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
