"""torch.compile: the same labels, and a plain sentence where it does not work."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch

from napari_scd.engine import Request, Session
from napari_scd.engine.compiled import _copied
from napari_scd.model import Prefix
from napari_scd.volume import LabelTable, Recipe, Volume

PLAIN = Request(precision="float32", keep=0.5)
COMPILED = Request(precision="float32", keep=0.5, compile=True)


@pytest.fixture
def session(tiny_network) -> Session:
    made = Session(
        tiny_network(), Recipe("MR", normalisation="none"), LabelTable.from_names(["a", "b"]), cache_bytes=0
    )
    array = np.random.default_rng(0).random((24, 16, 16)).astype(np.float32)
    made.set_volume(Volume(array, np.eye(4)))
    return made


def test_the_traced_network_gives_the_same_labels_and_tokens(session, monkeypatch) -> None:
    """Traced as for any compiler, but run by PyTorch: a C++ compiler takes a minute and may be missing."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    plain = session.segment(PLAIN)
    compiled = session.segment(COMPILED)
    assert compiled.report.n_windows == plain.report.n_windows > 1
    np.testing.assert_array_equal(compiled.labels.array, plain.labels.array)
    np.testing.assert_array_equal(compiled.tokens.array, plain.tokens.array)
    assert compiled.report.warnings == ()


def test_where_compiling_fails_the_network_runs_without_and_says_so(session, monkeypatch) -> None:
    def no_compiler(*arguments: object, **keywords: object) -> object:
        def fail(*inputs: object) -> object:
            raise RuntimeError("Compiler: g++ is not found.\nand a long story")

        return fail

    plain = session.segment(PLAIN)
    monkeypatch.setattr(torch, "compile", no_compiler)
    compiled = session.segment(COMPILED)
    np.testing.assert_array_equal(compiled.labels.array, plain.labels.array)
    assert compiled.report.warnings == (
        "torch.compile does not work on this machine (Compiler: g++ is not found.): "
        "the network ran without it.",
    )
    assert session.segment(PLAIN).report.warnings == ()


def test_an_error_that_is_not_the_compilers_stays_one(session, monkeypatch) -> None:
    def broken(*inputs: object, **keywords: object) -> object:
        raise RuntimeError("shapes cannot be multiplied")

    monkeypatch.setattr(torch, "compile", lambda half, **keywords: half)
    monkeypatch.setattr(type(session._model.network), "prefix", broken)
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        session.segment(COMPILED)


def test_what_a_graph_returns_is_copied() -> None:
    """The next run of a CUDA graph writes into the same memory."""
    answer = Prefix(torch.zeros(2), torch.ones(3))
    logits, copy = _copied((torch.zeros(1), answer))
    answer.tokens.fill_(5.0)
    assert type(copy) is Prefix and not copy.tokens.any() and copy.image_features.sum() == 3
    assert logits.shape == (1,)
