"""What MkDocs is told beyond its settings: the order of the pages, and links that leave the site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

SECTIONS: list[tuple[str, list[tuple[str, str]]]] = [
    (
        "Use it",
        [
            ("Install", "install.md"),
            ("The first five minutes", "first-five-minutes.md"),
            ("Click to segment", "click-to-segment.md"),
            ("Read the token maps", "token-maps.md"),
            ("DICOM", "dicom.md"),
            ("Measure and compare", "quantify.md"),
            ("Cohorts and clusters", "cohorts.md"),
            ("Your own data", "training.md"),
            ("MONAI", "monai.md"),
            ("Questions", "faq.md"),
        ],
    ),
    ("Models", []),
    (
        "How good, how fast",
        [
            ("Evidence", "evidence.md"),
            ("Performance", "performance.md"),
            ("Robustness", "robustness.md"),
            ("The network", "network.md"),
        ],
    ),
    (
        "Reference",
        [
            ("Python", "api.md"),
            ("Architecture", "architecture.md"),
            ("Contributing", "contributing.md"),
            ("Changes", "changelog.md"),
        ],
    ),
]
_ROOT = Path(__file__).parents[2]
_INCLUDED = re.compile(r'^--8<-- "([^"]+)"$', re.MULTILINE)
_BESIDE_DOCS = re.compile(r"\[([^\]]+)\]\((?!https?:|#|docs/)[^)]+\)")
_LEAVING = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([^)#]+)(?:#[^)]*)?\)")


def on_config(config: Any) -> Any:
    """Set the navigation: the pages above that are there, and behind them whatever else is there."""
    docs = Path(config.docs_dir)
    named = {page for _, pages in SECTIONS for _, page in pages} | {"index.md"}
    pages = sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))
    others = [page for page in pages if page not in named and not page.startswith(("figures/", "site/"))]
    models = [page for page in others if page.startswith("models/")]
    rest = [page for page in others if page not in models]
    navigation: list[dict[str, Any]] = [{"Home": "index.md"}]
    for title, entries in SECTIONS:
        listed: list[Any] = [{name: page} for name, page in entries if (docs / page).is_file()]
        listed += {"Models": models, "How good, how fast": rest}.get(title, [])
        if listed:
            navigation.append({title: listed})
    config.nav = navigation
    return config


def on_page_content(html: str, **_: Any) -> str:
    """Drop the roles of docstrings (``:func:``), which Sphinx knows and this site does not."""
    return re.sub(r":(?:func|class|meth):(?=\s*<code>)", "", html)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links to files outside the site (the README, code) into plain names.

    Two pages show files from the root of the repository (the changelog); their links then lead to the site.
    """
    markdown = _INCLUDED.sub(lambda name: _from_root(_ROOT / name[1]), markdown)
    depth = page.file.src_uri.count("/")

    def plain(link: re.Match[str]) -> str:
        stays = link[0][link[0].index("](") :].count("../") <= depth
        return link[0] if stays else f"{link[1]} (`{link[2]}`)"

    return _LEAVING.sub(plain, markdown)


def _from_root(path: Path) -> str:
    """Text of a page that lies above `docs`, with links as they are inside it."""
    return _BESIDE_DOCS.sub(r"`\1`", path.read_text("utf-8")).replace("](docs/", "](")
