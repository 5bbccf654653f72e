"""Kill processes at random moments, let two write one file, fill the disk: nothing may be half-written.

    nice -n 10 python -m tests.robustness.crash --rounds 200 --out crash

Rounds go over `segment`, `train`, `export` and `autosave` in turn. In each a forked process does the work and
gets SIGKILL at a random moment; then every file that is there must be whole, the same work must succeed when
it is started again, and its folder must hold exactly what an undisturbed run leaves. Afterwards pairs of
processes write one and the same file, and a small disk (a tmpfs, which needs root) is filled up to every
level. pytest does not collect this file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import yaml  # type: ignore[import-untyped]

from napari_scd.checkpoints import load
from napari_scd.cli import main as command
from napari_scd.training.run.state_file import STATE_NAME
from napari_scd.viewer.plugin.files import read_layers
from napari_scd.volume import LabelTable, Volume, read_labels, read_volume, write_labels, write_volume

from .by_hand import dock_for
from .tiny import TABLE, TRAINING, save_tiny, scan, write_cases

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST_DISK_KIB = 640


# -- processes ---------------------------------------------------------------------------------------------


def forked(work: Callable[[], int], log: Path) -> int:
    """Start a process that does the work and ends with its exit code; return its number."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        with log.open("ab", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        code = work()
    except BaseException:  # noqa: BLE001 - a process of its own ends here, whatever happens
        traceback.print_exc()
    finally:
        os._exit(code)


def exit_code(child: int) -> int:
    """Wait for a process; the number of the signal that ended it is negative."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def called(*words: object) -> int:
    """Run the command line in this process and return its exit code."""
    try:
        command([str(word) for word in words])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


# -- what is done in a round -------------------------------------------------------------------------------


class Segment:
    """Two scans with every kind of file; every other round over older results."""

    name = "segment"

    def __init__(self, base: Path) -> None:
        base.mkdir(parents=True)
        self.base = base
        for number in (1, 2):
            write_volume(base / f"scan{number}.nii.gz", scan((24, 22, 20), number))
        save_tiny(base / "new.safetensors", answer=1)
        save_tiny(base / "old.safetensors", answer=2)

    def start(self, folder: Path, number: int) -> None:
        if number % 2:
            assert self.work(folder, model="old") == 0

    def work(self, folder: Path, *, model: str = "new") -> int:
        options = ("--tokens", folder / "t", "--score", folder / "s", "--probability", folder / "p")
        scans = sorted(self.base.glob("scan*.nii.gz"))
        return called(
            "segment", *scans, "-o", folder / "o", "-m", self.base / f"{model}.safetensors", *options,
            "--report", folder / "all.json", "--threads", 1,
        )  # fmt: skip

    def check(self, folder: Path) -> None:
        for path in visible(folder):
            if path.suffix == ".json":
                json.loads(path.read_text())
            elif path.parent.name == "o":
                assert read_labels(path).array.min() == read_labels(path).array.max() in (1, 2)
            else:
                read_volume(path, channels=3 if path.parent.name == "p" else None)

    def check_end(self, folder: Path) -> None:
        self.check(folder)
        assert all((read_labels(path).array == 1).all() for path in (folder / "o").iterdir())
        names = {str(path.relative_to(folder)) for path in everything(folder)}
        assert names == {"all.json"} | {f"{kind}/scan{n}.nii.gz" for kind in "otsp" for n in (1, 2)}, names


class Train:
    """Six steps with a checkpoint after each, then the export."""

    name = "train"

    def __init__(self, base: Path) -> None:
        write_cases(base)
        self.config = base / "train.yaml"
        self.config.write_text(yaml.safe_dump({**TRAINING, "checkpoint_seconds": 0.0}))
        self.undisturbed = base / "undisturbed"
        assert exit_code(forked(lambda: self.work(self.undisturbed), base / "log")) == 0

    def start(self, folder: Path, number: int) -> None:
        pass

    def work(self, folder: Path) -> int:
        options = ("--device", "cpu", "--precision", "float32", "--threads", 1)
        return called("train", self.config, "-o", folder, *options)

    def check(self, folder: Path) -> None:
        if (folder / STATE_NAME).exists():
            torch.load(folder / STATE_NAME, weights_only=True)
        if (folder / "tiny.safetensors").exists():
            load(folder / "tiny.safetensors")

    def check_end(self, folder: Path) -> None:
        ours, theirs = (
            load(where / "tiny.safetensors").network.state_dict() for where in (folder, self.undisturbed)
        )
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs), "other weights"
        for name in ("log.csv", "validation.csv"):
            columns = [first_columns(where / name) for where in (folder, self.undisturbed)]
            assert columns[0] == columns[1], name
        names = {path.name for path in everything(folder) if "tensorboard" not in path.parts}
        assert names == {STATE_NAME, "tiny.safetensors", "log.csv", "validation.csv"}, names


class Export:
    """The dock's export, again and again over the same files."""

    name = "export"
    n_times = 6

    def __init__(self, base: Path) -> None:
        os.environ["NUMBA_DISABLE_JIT"] = "1"  # napari's helper, whose threads do not survive a fork
        import napari.components

        base.mkdir(parents=True)
        self.scan = base / "scan.nii.gz"
        write_volume(self.scan, scan((24, 22, 20)))
        (layer,) = read_layers(str(self.scan))
        kept = {key: layer[1][key] for key in ("scale", "translate", "units", "metadata")}
        viewer = napari.components.ViewerModel()
        image = viewer.add_image(layer[0], name="scan", **kept)
        self.dock = dock_for(viewer, image, save_tiny(base / "tiny.safetensors", answer=1))
        self.dock.control.segment()
        self.dock.queue.run_all()

    def start(self, folder: Path, number: int) -> None:
        folder.mkdir(parents=True)

    def work(self, folder: Path) -> int:
        for _ in range(self.n_times):
            self.dock.control.export(folder / "out.nii.gz")
            self.dock.queue.run_all()
        return 0 if "Saved" in self.dock.control.status.sentence else 1

    def check(self, folder: Path) -> None:
        for path in visible(folder):
            if path.suffix == ".json":
                json.loads(path.read_text())
            elif path.suffix == ".txt":
                assert len(LabelTable.from_itksnap(path.read_text())) == len(TABLE)
            else:
                assert read_volume(path).array.any()

    def check_end(self, folder: Path) -> None:
        self.check(folder)
        names = {path.name for path in everything(folder)}
        ends = (".nii.gz", "_tokens.nii.gz", "_score.nii.gz", ".json", "_labels.txt")
        assert names == {f"{self.stem}{end}" for end in ends} | self.more, names

    stem, more = "out", frozenset[str]()


class Autosave(Export):
    """Accepting with autosave on, which writes beside the scan."""

    name = "autosave"
    stem, more = "scan_scd", frozenset({"scan.nii.gz"})

    def start(self, folder: Path, number: int) -> None:
        folder.mkdir(parents=True)
        shutil.copyfile(self.scan, folder / "scan.nii.gz")

    def work(self, folder: Path) -> int:
        control = self.dock.control
        control.choices.autosave = True
        result = control.result
        assert result is not None and result.view.source is not None
        result.view.source["path"] = str(folder / "scan.nii.gz")
        for _ in range(self.n_times):
            result.accepted = False
            control.accept()
            self.dock.queue.run_all()
        return 0 if "Saved" in control.status.sentence else 1

    def check(self, folder: Path) -> None:
        super().check(folder)
        assert (folder / "scan.nii.gz").read_bytes() == self.scan.read_bytes()


def everything(folder: Path) -> list[Path]:
    """All files below a folder, hidden ones too."""
    return [path for path in folder.rglob("*") if path.is_file()]


def visible(folder: Path) -> list[Path]:
    """The files a user sees."""
    return [path for path in everything(folder) if not path.name.startswith(".")]


def first_columns(path: Path) -> list[list[str]]:
    """Steps and losses of a log; times differ from run to run."""
    return [line.split(",")[:2] for line in path.read_text().splitlines()]


# -- the campaigns -----------------------------------------------------------------------------------------


def killed_at_random(jobs: list[Any], n_rounds: int, draw: random.Random, out: Path) -> Counter[str]:
    """Kill, check, start again, check: `n_rounds` times."""
    counts: Counter[str] = Counter()
    seconds = {job.name: 0.0 for job in jobs}
    for number in range(n_rounds):
        job = jobs[number % len(jobs)]
        folder, log = out / "rounds" / f"{number:03d}", out / "log.txt"
        code = exit_code(forked(lambda: job.start(folder, number // len(jobs)) or 0, log))  # noqa: B023
        assert code == 0, f"exit code {code} before anything was killed"
        began = time.monotonic()
        child = forked(partial(job.work, folder), log)
        if number >= len(jobs):  # the first round of each tells how long it takes
            time.sleep(draw.uniform(0, 0.9 * seconds[job.name]))
            os.kill(child, signal.SIGKILL)
        code = exit_code(child)
        if code == 0:  # how busy the machine is changes: the last undisturbed rounds count most
            took = time.monotonic() - began
            seconds[job.name] = (seconds[job.name] + took) / 2 if seconds[job.name] else took
        counts[f"{job.name}: killed" if code == -signal.SIGKILL else f"{job.name}: was done"] += 1
        try:
            assert code in (0, -signal.SIGKILL), f"exit code {code}"
            job.check(folder)
            left = len(everything(folder)) - len(visible(folder)) if folder.exists() else 0
            counts[f"{job.name}: left a hidden file"] += left > 0
            code = exit_code(forked(partial(job.work, folder), log))
            assert code == 0, f"exit code {code} after starting again"
            job.check_end(folder)
        except Exception:
            counts[f"{job.name}: FAILED"] += 1
            print(f"round {number} ({folder}):\n{traceback.format_exc()}", flush=True)
        else:
            shutil.rmtree(folder)
        if number % 20 == 19:
            print(f"{number + 1} rounds: {dict(counts)}", flush=True)
    return counts


def two_writers(n_rounds: int, out: Path) -> Counter[str]:
    """Two processes write other labels to one file, a third one reads it all the time."""
    counts: Counter[str] = Counter()
    target = out / "shared.nii.gz"
    for number in range(n_rounds):
        maps = [Volume(np.full((20, 22, 24), value, np.uint8), np.eye(4)) for value in (1, 2)]
        write_labels(target, maps[0], table=TABLE)

        def write(labels: Volume) -> int:
            for _ in range(40):
                write_labels(target, labels, table=TABLE)
            return 0

        children = [forked(partial(write, labels), out / "log.txt") for labels in maps]
        running = set(children)
        while running:
            (out / "seen.nii.gz").write_bytes(target.read_bytes())  # one state of the file, read at once
            values = np.unique(read_labels(out / "seen.nii.gz").array)
            assert len(values) == 1, f"round {number}: mixed labels {values}"
            counts["two writers: reads"] += 1
            for child in list(running):
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    running.discard(child)
                    assert status == 0
        assert [path.name for path in out.glob("*shared.nii.gz")] == ["shared.nii.gz"]
        counts["two writers: rounds"] += 1
    return counts


def two_trainers(n_rounds: int, train: Train, out: Path) -> Counter[str]:
    """Two processes train in one folder: one is refused or follows the other, the result is the usual one."""
    counts: Counter[str] = Counter()
    for number in range(n_rounds):
        folder = out / f"both{number}"
        children = [forked(partial(train.work, folder), out / "log.txt") for _ in range(2)]
        codes = sorted(exit_code(child) for child in children)
        assert codes in ([0, 2], [0, 0]), codes
        train.check_end(folder)
        shutil.rmtree(folder)
        counts[f"two trainers: exit codes {codes[0]} and {codes[1]}"] += 1
    return counts


def full_disks(jobs: list[Any], step_kib: int, out: Path) -> Counter[str]:
    """Do the work on a small disk with less and less left: whole files or none, one sentence, exit code 2."""
    counts: Counter[str] = Counter()
    disk = out / "disk"
    disk.mkdir(exist_ok=True)
    for job in jobs:
        for left_kib in range(0, LARGEST_DISK_KIB, step_kib):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
            try:
                free = os.statvfs(disk)
                filler = free.f_bavail * free.f_frsize - 1024 * left_kib
                (disk / "filler").write_bytes(b"\0" * filler)
                log = out / "full.txt"
                log.write_bytes(b"")
                code = exit_code(forked(partial(on_disk, job, disk), log))
                said = log.read_text()
                assert code in (0, 2, 3), f"{left_kib} KiB left: exit code {code}, {said}"
                assert "Traceback" not in said, f"{left_kib} KiB left: {said}"
                if code != 3 and (disk / "work").exists():
                    job.check(disk / "work")
                    hidden = set(everything(disk / "work")) - set(visible(disk / "work"))
                    assert not hidden, f"{left_kib} KiB left: {hidden}"
                counts[f"{job.name} on a full disk: {('enough', '', 'refused', 'no input')[code]}"] += 1
            except AssertionError:
                counts[f"{job.name} on a full disk: FAILED"] += 1
                print(traceback.format_exc(), flush=True)
            finally:
                subprocess.run(["umount", disk], check=True)
    return counts


def on_disk(job: Any, disk: Path) -> int:
    """Start and do a job on the small disk; 3 when not even its input fitted."""
    try:
        job.start(disk / "work", 0)
    except OSError:
        return 3
    code = job.work(disk / "work")
    return 2 if isinstance(job, Export) and code == 1 else code


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("crash"))
    parser.add_argument("--disk-step", type=int, default=16, metavar="KIB")
    order = parser.parse_args()
    shutil.rmtree(order.out, ignore_errors=True)
    (order.out / "rounds").mkdir(parents=True)
    out = order.out.resolve()
    torch.set_num_threads(1)
    trainer = Train(out / Train.name)
    jobs = [Segment(out / Segment.name), trainer, Export(out / Export.name), Autosave(out / Autosave.name)]
    began = time.monotonic()
    counts = killed_at_random(jobs, order.rounds, random.Random(order.seed), out)
    counts += two_writers(max(order.rounds // 10, 1), out)
    counts += two_trainers(max(order.rounds // 20, 1), trainer, out)
    if os.geteuid() == 0:
        counts += full_disks(jobs, order.disk_step, out)
    (out / "counts.json").write_text(json.dumps(counts, indent=1))
    for line, count in sorted(counts.items()):
        print(f"{line:<44}{count:>6}")
    print(f"{order.rounds} rounds, seed {order.seed}, {(time.monotonic() - began) / 60:.1f} minutes")
    sys.exit(any("FAILED" in line for line in counts))


if __name__ == "__main__":
    main()
