"""How many threads PyTorch computes with is the caller's business: only the command line's option sets it."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

import napari_scd
from napari_scd.engine import Request, Session
from napari_scd.volume import LabelTable, Recipe, Volume

ROOT = Path(napari_scd.__file__).parent
SETTERS = re.compile(r"set_num_(interop_)?threads|(OMP|MKL)_NUM_THREADS|threadpool_limits")


def work(session: Session) -> int:
    """Everything a session does, and how many threads there are afterwards."""
    request = Request(device="cpu")
    session.set_volume(
        Volume(np.random.default_rng(0).normal(size=(24, 20, 22)).astype(np.float32), np.eye(4))
    )
    session.segment(request)
    session.preview(request, centre_index=(5, 5, 5))
    session.click((10, 10, 10), request)
    return torch.get_num_threads()


@pytest.fixture
def _threads():
    before, put_back = torch.get_num_threads(), torch.set_num_threads
    yield
    put_back(before)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_session_leaves_the_number_of_threads_alone(tiny_network, monkeypatch, n_threads) -> None:
    torch.set_num_threads(n_threads)
    monkeypatch.setattr(torch, "set_num_threads", None)
    session = Session(tiny_network(), Recipe("MR"), LabelTable.from_names(["one", "two"]))
    assert work(session) == n_threads
    with ThreadPoolExecutor(1) as pool:  # as the dock's worker does
        before = pool.submit(torch.get_num_threads).result()
        assert pool.submit(work, session).result() == before
    assert torch.get_num_threads() == n_threads


def test_only_jobs_of_the_command_line_set_threads() -> None:
    setting = {
        path.relative_to(ROOT).parts[0]
        for path in ROOT.rglob("*.py")
        if SETTERS.search(path.read_text("utf-8"))
    }
    # benchmarks: a peer is a process of its own
    assert setting == {"batch", "benchmarks", "cli", "own_process.py"}
