"""The examples in docstrings run, and say what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import napari_scd

PACKAGE = Path(napari_scd.__file__).parent
WITH_EXAMPLES = sorted(
    ".".join(("napari_scd", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_run(module: str) -> None:
    done = doctest.testmod(import_module(module), optionflags=doctest.ELLIPSIS)
    assert done.attempted > 0 and done.failed == 0


def test_hard_code_has_examples() -> None:
    hard = {"engine.wayback", "engine.blend", "model.rows", "model.keep"}
    assert {f"napari_scd.{module}" for module in hard} <= set(WITH_EXAMPLES)
