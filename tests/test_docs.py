"""The pages: their links lead somewhere, their commands exist, their code runs."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))])
RUN = ("README.md", "install.md", "click-to-segment.md", "token-maps.md", "dicom.md", "monai.md")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_MODULE = re.compile(r"`(napari_scd/[\w/.-]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(page: Path, kind: str) -> list[str]:
    """The code blocks of one language in a page."""
    return [text for found, text in _BLOCK.findall(page.read_text(encoding="utf-8")) if found == kind]


def commands(page: Path) -> Iterator[list[str]]:
    """Every call of `napari-scd` in a page's shell blocks, as words."""
    for text in blocks(page, "sh"):
        for line in text.replace("\\\n", " ").splitlines():
            for part in line.split("&&"):
                words = shlex.split(part, comments=True)
                if words and words[0] == "napari-scd":
                    yield words[1:]


def page_id(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in link and not link.startswith(("#", "mailto:")):
            assert (page.parent / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_files_of_the_package_exist(page: Path) -> None:
    for name in _MODULE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_commands_exist_with_their_options(page: Path) -> None:
    from typer.main import get_command

    from napari_scd.cli.app import app

    for words in commands(page):
        command: Any = get_command(app)
        name, rest = "napari-scd", words
        while hasattr(command, "resolve_command"):
            context = command.make_context(name, list(rest))
            left = [*getattr(context, "_protected_args", ()), *context.args]
            if not left and command.invoke_without_command:  # a group that does something by itself
                break
            name, command, rest = command.resolve_command(context, left)
        try:
            command.make_context(name, list(rest))
        except SystemExit:  # an option that prints and leaves
            pass
        except Exception as error:  # noqa: BLE001 - of the parser, whichever it is
            pytest.fail(f"napari-scd {' '.join(words)}: {error}")


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_code_is_python_and_yaml_is_yaml(page: Path) -> None:
    for text in blocks(page, "python"):
        ast.parse(text)
    for text in blocks(page, "yaml"):
        yaml.safe_load(text)


@pytest.fixture(scope="module")
def folder_of_examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the pages speak of: a T1 scan and a CT series."""
    pytest.importorskip("pydicom"), pytest.importorskip("nilearn")
    from napari_scd.volume import load_icbm152, write_volume

    from .dicom_writer import Spec, write_series

    folder = tmp_path_factory.mktemp("examples")
    write_volume(folder / "t1.nii.gz", load_icbm152())
    values = np.random.default_rng(0).integers(0, 4096, (6, 32, 32))
    write_series(folder / "ct_series", Spec(values))
    return folder


@pytest.mark.parametrize("name", RUN)
def test_code_runs(name: str, folder_of_examples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder_of_examples)
    page = ROOT / name if name == "README.md" else DOCS / name
    found = blocks(page, "python")
    assert found
    names: dict[str, Any] = {}
    for text in found:
        exec(compile(text, page_id(page), "exec"), names)


def test_the_navigation_has_every_page() -> None:
    """What MkDocs would leave out silently: pages that no section names."""
    import importlib.util
    from types import SimpleNamespace

    spec = importlib.util.spec_from_file_location("navigation", DOCS / "site" / "navigation.py")
    assert spec is not None and spec.loader is not None
    navigation = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(navigation)
    config = navigation.on_config(SimpleNamespace(docs_dir=str(DOCS), nav=None))
    listed = re.findall(r"[\w/.-]+\.md", repr(config.nav))
    assert sorted(listed) == sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))
    page = SimpleNamespace(file=SimpleNamespace(src_uri="models/a.md"))
    kept = "[x](../network.md)"
    assert navigation.on_page_markdown(kept, page) == kept
    assert navigation.on_page_markdown("[x](../../README.md)", page) == "x (`README.md`)"
    changes = navigation.on_page_markdown('--8<-- "CHANGELOG.md"', page)
    assert "](study.md)" in changes and "`SECURITY.md`" in changes and "](docs/" not in changes
