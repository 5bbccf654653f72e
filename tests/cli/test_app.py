"""The command as a process: what it loads, its exit codes, its signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from napari_scd import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHILD = "import sys, signal\nfrom napari_scd.cli import main\n"


@pytest.mark.parametrize(
    "words", [["--help"], ["segment", "--help"], ["models", "list"], ["models", "info", "whole"]]
)
def test_what_needs_no_torch_loads_none(words: list[str], tmp_path: Path) -> None:
    code = (
        f"{CHILD}"
        f"try: main({words!r})\n"
        "except SystemExit as left: assert not left.code, left.code\n"
        "assert not {'torch', 'napari', 'qtpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)


def test_help_names_the_commands(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("--help")
    assert code == 0
    assert all(word in out for word in ("segment", "models", "demo", "benchmark", "Research use only"))


def test_version(run: Callable[..., tuple[int, str, str]]) -> None:
    assert run("--version")[:2] == (0, f"napari-scd {__version__}\n")


def test_unknown_option_is_a_user_error(run: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = run("segment", "--bogus")
    assert code == 2
    assert "Traceback" not in err


def test_exit_codes_of_a_process(
    call: Callable[..., subprocess.CompletedProcess[str]], scan: Callable[..., Path]
) -> None:
    source = scan()
    good = call("segment", source, "-o", "o.nii.gz", "-m", "whole", "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["cases"][0]["status"] == "done"
    bad = call("segment", "missing.nii.gz", "-o", "o2.nii.gz", "-m", "whole")
    assert bad.returncode == 2
    assert bad.stderr.count("\n") == 1
    assert "Traceback" not in bad.stderr


def test_debug_shows_where(call: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = call("segment", "missing.nii.gz", "-o", "o.nii.gz", "-m", "whole", "--debug")
    assert done.returncode == 2
    assert "Traceback" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_nothing_behind(
    number: signal.Signals, code: int, scan: Callable[..., Path], tmp_path: Path, models: Path
) -> None:
    source = scan("big.nii", shape=(120, 120, 120))
    ready = (
        f"{CHILD}"
        "from napari_scd.engine import Session\n"
        "real = Session.segment\n"
        "def segment(self, *a, **k):\n"
        "    print('running', flush=True)\n"
        "    return real(self, *a, **k)\n"
        "Session.segment = segment\n"
        f"main(['segment', {str(source)!r}, '-o', 'o.nii.gz', '-m', 'whole', '--stride', '4'])"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", ready], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "running\n"
    time.sleep(0.2)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == code
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["big.nii"]
