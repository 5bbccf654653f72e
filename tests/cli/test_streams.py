"""Output that cannot be written never stops a run, and never goes where it must not."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from napari_scd.cli.streams import Guard

from .conftest import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Scan = Callable[..., Path]

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
full_disk = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")


class Failing(io.StringIO):
    """A stream whose disk is full, or whose reader left."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def write(self, text: str) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(("number", "lost"), [(28, "No space left on device"), (32, ""), (5, "")])
def test_a_stream_that_fails_is_left_alone(number: int, lost: str) -> None:
    guard = Guard(Failing(number))
    assert guard.write("one") == 3
    guard.writelines(["two", "three"])
    guard.flush()
    assert guard.failure is not None
    assert guard.lost == lost
    assert not guard.isatty()


def test_a_stream_that_was_closed_is_left_alone() -> None:
    stream = io.StringIO()
    stream.close()
    guard = Guard(stream)
    guard.write("text")
    guard.flush()
    assert guard.lost == ""


@pytest.mark.parametrize(
    ("encoding", "written"), [("ascii", b"2 mm? ?"), ("latin-1", b"2 mm\xb3 ?"), ("utf-8", b"2 mm\xc2\xb3 ?")]
)
def test_letters_that_an_encoding_lacks_become_question_marks(encoding: str, written: bytes) -> None:
    raw = io.BytesIO()
    guard = Guard(io.TextIOWrapper(raw, encoding=encoding))
    guard.write("2 mm\u00b3 \udce9")
    guard.flush()
    assert raw.getvalue() == written


def shell(line: str, folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a line in which $SCD is the command."""
    scd = f'{sys.executable} -c "from napari_scd.cli import main; main()"'
    return subprocess.run(
        ["bash", "-c", line.replace("$SCD", scd)],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=folder,
        env=environment(**more),
        timeout=200,
        check=False,
    )


@posix
@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (">&-", 0),
        ("<&- >&- 2>&-", 0),
        ("--json | true; exit ${PIPESTATUS[0]}", 0),
        pytest.param(">/dev/full", 0, marks=full_disk),
        pytest.param("--json >/dev/full", 1, marks=full_disk),
        pytest.param(">/dev/full 2>/dev/full", 0, marks=full_disk),
    ],
)
def test_labels_are_written_whatever_becomes_of_the_streams(
    scan: Scan, tmp_path: Path, ends: str, code: int
) -> None:
    scan()
    done = shell(f"$SCD segment scan.nii.gz -o o.nii.gz -m whole --threads 1 {ends}", tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1
    import nibabel as nib

    assert (nib.load(tmp_path / "o.nii.gz").get_fdata() == 1).all()


@posix
@pytest.mark.parametrize(("output", "code"), [("$PWD_BEFORE/o.nii.gz", 0), ("o.nii.gz", 2)])
def test_a_working_folder_that_was_removed(scan: Scan, tmp_path: Path, output: str, code: int) -> None:
    source = scan()
    line = (
        f"PWD_BEFORE={tmp_path}; mkdir gone && cd gone && rmdir ../gone && "
        f"$SCD segment {source} -o {output} -m whole --threads 1"
    )
    done = shell(line, tmp_path)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr and "FATAL" not in done.stderr
    assert done.stderr.startswith("Warning: The working folder no longer exists")
    assert (tmp_path / "o.nii.gz").exists() == (code == 0)


@posix
def test_a_slow_reader_gets_everything(tmp_path: Path) -> None:
    slow = (
        "import os, subprocess, sys, time\n"
        "reader, writer = os.pipe()\n"
        "os.set_blocking(writer, False)\n"
        "code = 'from napari_scd.cli import main; main()'\n"
        "child = subprocess.Popen([sys.executable, '-c', code, 'models', 'list', '--json'], stdout=writer)\n"
        "os.close(writer)\n"
        "text = b''\n"
        "while piece := os.read(reader, 4096):\n"
        "    text += piece\n"
        "    time.sleep(0.005)\n"
        "import json\n"
        "assert len(json.loads(text)) > 3 and len(text) > 4 * 4096, len(text)\n"
        "assert child.wait() == 0"
    )
    done = subprocess.run(
        [sys.executable, "-c", slow],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@posix
@full_disk
def test_a_list_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    done = shell("$SCD models list >/dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr == "Error: The output could not be written (No space left on device).\n"


@posix
@pytest.mark.parametrize("setting", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "xx_XX.ISO-8859-1"}])
def test_any_encoding_will_do(scan: Scan, tmp_path: Path, setting: dict[str, str]) -> None:
    scan("f\u00fcr \u80ba.nii.gz")
    words = "segment f*.nii.gz missing.nii.gz -o out -m whole --threads 1"
    done = shell(f"$SCD {words}", tmp_path, **setting)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr and "nexpected" not in done.stderr
    assert "8.64 ml" in done.stdout
    assert len(list((tmp_path / "out").iterdir())) == 1


@posix
def test_a_tree_with_names_of_any_bytes(scan: Scan, tmp_path: Path) -> None:
    odd = os.path.join(os.fsencode(tmp_path), b"studies", b"M\xfcller")
    os.makedirs(odd)
    os.rename(scan(), os.path.join(odd, b"t1_\xe9.nii.gz"))
    done = shell("$SCD segment studies -o out -m whole --threads 1 --json", tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["cases"][0]["status"] == "done"
    assert os.path.exists(os.path.join(os.fsencode(tmp_path), b"out", b"M\xfcller", b"t1_\xe9.nii.gz"))
    assert "t1_\\udce9" in (tmp_path / "out" / "summary.csv").read_text(encoding="utf-8")


@posix
def test_a_terminal_that_goes_away_ends_the_run_as_its_signal_would(scan: Scan, tmp_path: Path) -> None:
    source = scan("big.nii", shape=(120, 120, 120))
    code = (
        "from napari_scd.cli import main\n"
        "import napari_scd.batch.outputs as outputs\n"
        "def waiting(*_, **__):\n"
        "    print('writing', flush=True)\n"
        "    import time; time.sleep(60)\n"
        "outputs.write_labels = waiting\n"
        f"main(['segment', {str(source)!r}, '-o', 'o.nii.gz', '-m', 'whole'])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "writing\n"
    child.send_signal(signal.SIGHUP)
    _, err = child.communicate(timeout=60)
    assert child.returncode == -signal.SIGHUP
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["big.nii"]
