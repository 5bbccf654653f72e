"""Accounts without a home folder, or with one that cannot be written to, that no table of users knows."""

from __future__ import annotations

import getpass
import os
import sys
from typing import TYPE_CHECKING

import pytest

from napari_scd.own_process import settle_account

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]
    Scan = Callable[..., Path]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="accounts differ")


@pytest.fixture(params=["no home", "home that does not exist", "read-only home"])
def account(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Be an account that no table of users knows."""
    import pwd

    def unknown(number: object) -> None:
        raise KeyError(f"uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(pwd, "getpwnam", unknown)
    for name in ("HOME", "USER", "LOGNAME", "LNAME", "USERNAME", "XDG_DATA_HOME", "NAPARI_SCD_MODELS"):
        monkeypatch.delenv(name, raising=False)
    homes = {"home that does not exist": "/no/such/home", "read-only home": "/proc"}
    if request.param in homes:
        monkeypatch.setenv("HOME", homes[request.param])
    return str(request.param)


def test_models_are_listed(run: Run, account: str) -> None:
    code, out, err = run("models", "list")
    assert (code, err) == (0, "")
    assert "abdomen-ct" in out


def test_a_scan_is_segmented(run: Run, scan: Scan, models: Path, account: str, tmp_path: Path) -> None:
    words = ("-o", "o.nii.gz", "-m", models / "whole.safetensors", "--threads", 1)
    code, _, err = run("segment", scan(), *words)
    assert (code, err) == (0, "")
    assert (tmp_path / "o.nii.gz").exists()


def test_what_asks_for_a_user_and_a_home_gets_both(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "")  # so that what is set is undone after the test
    monkeypatch.delenv("LOGNAME")
    monkeypatch.setenv("MPLCONFIGDIR", "")
    monkeypatch.delenv("MPLCONFIGDIR")
    settle_account()
    assert getpass.getuser().startswith("uid-")
    assert ("MPLCONFIGDIR" in os.environ) == (account == "no home")


def test_a_home_that_is_nowhere_is_one_sentence(run: Run, account: str) -> None:
    if "HOME" in os.environ:
        pytest.skip("this account has a home")
    code, _, err = run("models", "info", "~/mine.safetensors")
    assert code == 2
    assert err.count("\n") == 1 and "~/mine.safetensors" in err
