"""Use one session for half an hour, with everything it can do in random order: does it stay the same?

    nice -n 10 python -m tests.robustness.long_session --minutes 30

A round sets a volume, segments, clicks, previews, stops half-way or asks for nonsense. Rounds are spaced, so
that this takes little of the machine. Memory, threads, open files and the answer to one and the same request
are compared from the first minute to the last. pytest does not collect this file.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from napari_scd.checkpoints import load
from napari_scd.engine import CancelToken, Request, Session
from napari_scd.errors import InputError

from .tiny import save_tiny, scan

PAGE_BYTES = 4096
REQUEST = Request(keep=0.5, precision="float32", device="cpu")


class Footprint(NamedTuple):
    """What a process holds."""

    memory_mib: float
    threads: int
    files: int

    @classmethod
    def now(cls) -> Footprint:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(
            pages * PAGE_BYTES / 2**20,
            len(list(Path("/proc/self/task").iterdir())),
            len(list(Path("/proc/self/fd").iterdir())),
        )


def growth_mib(rounds: list[int], memory_mib: list[float]) -> float:
    """MiB a round, by a straight line through the measurements."""
    return float(np.polyfit(rounds, memory_mib, 1)[0]) if len(rounds) > 1 else 0.0


def answer(session: Session) -> str:
    """Checksum of what the session says about the first volume."""
    session.set_volume(scan(seed=0))
    found = session.segment(REQUEST)
    return hashlib.sha256(found.labels.array.tobytes() + found.tokens.array.tobytes()).hexdigest()


def one_round(session: Session, draw: random.Random) -> str:
    """Do one thing that a program may do; return what it was."""
    keep: Any = draw.choice((None, 0.05, 0.3, 1.0, (0.7, 0.2)))
    request = Request(
        keep=keep, batch=draw.choice((None, 1, 3)), stride=draw.choice((None, 8, 16)), device="cpu"
    )
    what = draw.choice(("volume", "segment", "click", "preview", "plan", "stop", "nonsense"))
    if what == "volume" or session.volume is None:
        shape = tuple(draw.randrange(6, 40) for _ in range(3))
        session.set_volume(scan(shape, draw.randrange(100)))
        return "volume"
    index = [draw.randrange(n) for n in session.volume.spatial_shape]
    if what == "segment":
        session.segment(request, progress=lambda step: None)
    elif what == "click":
        session.click(index, request, everything=draw.random() < 0.3)
    elif what == "preview":
        session.preview(request, centre_index=index)
    elif what == "plan":
        session.plan(request)
    elif what == "stop":
        stop = CancelToken()
        threading.Timer(draw.uniform(0, 0.02), stop.cancel).start()
        session.segment(request, cancel=stop)
    else:
        for bad in (
            lambda: session.click((10**6, 0, 0)),
            lambda: Request(keep=draw.choice((0, 2, float("nan")))),
        ):
            try:
                bad()
            except InputError:
                continue
            raise AssertionError("nonsense was accepted")
    return what


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--pause", type=float, default=0.15, metavar="S", help="between two rounds")
    parser.add_argument("--seed", type=int, default=0)
    order = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        session = Session(*load(save_tiny(Path(folder) / "tiny.safetensors", spacing_mm=2.0)))
    draw, counts = random.Random(order.seed), Counter[str]()
    for _ in range(200):
        one_round(session, draw)
    expected, first = answer(session), Footprint.now()
    print(f"after 200 rounds: {first}", flush=True)
    began = shown = time.monotonic()
    rounds, memory = [0], [first.memory_mib]
    while time.monotonic() - began < 60 * order.minutes:
        counts[one_round(session, draw)] += 1
        time.sleep(order.pause)
        if time.monotonic() - shown > 30:
            shown, now = time.monotonic(), Footprint.now()
            rounds.append(sum(counts.values()))
            memory.append(now.memory_mib)
            print(f"{(shown - began) / 60:.1f} min, {rounds[-1]} rounds: {now}", flush=True)
    last = Footprint.now()
    same = answer(session) == expected
    print(json.dumps(counts))
    print(
        f"{sum(counts.values())} rounds in {(time.monotonic() - began) / 60:.1f} minutes: "
        f"{growth_mib(rounds, memory):.4f} MiB a round, threads {first.threads} -> {last.threads}, "
        f"files {first.files} -> {last.files}, the same answer: {same}"
    )
    sys.exit(not same or last.threads > first.threads or last.files > first.files)


if __name__ == "__main__":
    main()
