from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]


def test_table_and_plot(run: Run, tmp_path: Path) -> None:
    code, out, err = run("benchmark", "-m", "whole", "--quick", "--threads", 1, "--plot", "b.png")
    assert (code, err) == (0, "")
    assert all(word in out for word in ("keep", "decoder", "speed-up", "1 thread", "64>32>16"))
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")


def test_json_has_a_sweep_for_each_precision(run: Run) -> None:
    words = ("-k", "0.5", "--rounds", 1, "--precision", "float32,bfloat16", "--json")
    code, out, _ = run("benchmark", "-m", "whole", *words)
    sweeps = json.loads(out)["benchmarks"]
    assert code == 0
    assert [sweep["precision"] for sweep in sweeps] == ["float32", "bfloat16"]
    assert [row["keep"] for row in sweeps[0]["rows"]] == [1.0, 0.5]
    assert sweeps[0]["rows"][0]["speedup"] == 1.0
    assert {"threads", "torch", "rounds", "batch", "device"} <= set(sweeps[0])


@pytest.mark.parametrize(
    "words", [["-k", "2"], ["-k", "some"], ["-m", "none"], ["--plot", "b.txt"], ["--precision", "int1"]]
)
def test_bad_settings(run: Run, words: list[str]) -> None:
    code, _, err = run("benchmark", "-m", "whole", "--quick", *words)
    assert code == 2
    assert err.count("\n") == 1


def test_the_dock_is_timed_only_where_there_is_a_window(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    code, _, err = run("benchmark", "latency")
    assert code == 2 and "xvfb-run" in err and err.count("\n") == 1


def test_the_docks_waits_as_a_table(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_scd.benchmarks import latency

    measured = {
        "waits_s": {"click": [0.4, 0.5], "slider": [0.3], "dense window": [1.0]},
        "model": "m", "shape": [4, 5, 6], "device": "cpu", "precision": "float32", "threads": 2,
    }  # fmt: skip
    monkeypatch.setattr("napari_scd.cli.latency.has_display", lambda: True)
    monkeypatch.setattr(latency, "time_dock", lambda *args, **kwargs: latency.summarise(measured))
    code, out, err = run("benchmark", "latency")
    assert (code, err) == (0, "") and "0.10 of a dense window" in out and "P7" in out
    code, out, _ = run("benchmark", "latency", "--json")
    assert (
        json.loads(out)["slider_of_dense"] == pytest.approx(0.1)
        and json.loads(out)["waits"][0]["met"] is True
    )


def test_compare_writes_table_numbers_and_plot(run: Run, tmp_path: Path) -> None:
    words = (
        "-m",
        "whole",
        "--no-rivals",
        "--rounds",
        1,
        "-k",
        "0.5",
        "--threads",
        1,
        "--precision",
        "float32",
    )
    code, out, err = run(
        "benchmark", "compare", *words, "--only", "inference", "--processor-time", "-o", "all"
    )
    assert (code, err) == (0, "")
    assert all(
        word in out for word in ("Inference, float32", "GMAC/s", "peak", "assembly", "processor times")
    )
    assert (tmp_path / "all" / "benchmark.png").read_bytes().startswith(b"\x89PNG")
    assert "| whole | 0.5 |" in (tmp_path / "all" / "benchmark.md").read_text(encoding="utf-8")
    (result,) = json.loads((tmp_path / "all" / "benchmark.json").read_text(encoding="utf-8"))["comparisons"]
    assert (result["clock"], result["task"], result["window"]["roi"]) == (
        "processor",
        "inference",
        [16, 16, 16],
    )
    assert [row["keep"] for row in result["rows"]] == [1.0, 0.5]
    assert len(result["rows"][0]["rounds_s"]) == 1


def test_compare_segments_a_whole_volume(run: Run, scan: Callable[..., Path]) -> None:
    words = ("-m", "whole", "--only", "volume", "--rounds", 1, "-k", "0.5", "--threads", 1, "--json")
    code, out, _ = run("benchmark", "compare", *words, "--precision", "float32", "--volume", scan())
    (times,) = json.loads(out)["volumes"]
    assert code == 0
    assert times["shape"] == [18, 24, 20]
    assert [row["keep"] for row in times["rows"]] == [1.0, 0.5]
    assert times["rows"][0]["median_s"] >= times["rows"][0]["windows_s"] > 0


@pytest.mark.parametrize("words", [["--only", "all"], ["-k", "3"], ["-m", "none"], ["--precision", "int1"]])
def test_compare_refuses_bad_settings(run: Run, words: list[str]) -> None:
    code, _, err = run("benchmark", "compare", "--quick", *words)
    assert code == 2
    assert err.count("\n") == 1


def test_a_scan_stage_by_stage(run: Run, scan: Callable[..., Path]) -> None:
    words = ("benchmark", "stages", scan(), "-m", "whole", "-k", "0.5", "--rounds", 1, "--threads", 1)
    code, out, err = run(*words)
    assert (code, err) == (0, "")
    assert all(word in out for word in ("resampling", "decoder", "blending", "together", "1 thread"))
    code, out, _ = run(*words, "--json")
    assert code == 0 and json.loads(out)["seconds"]["decoder"] > 0


@pytest.mark.parametrize("words", [["-m", "clicky"], ["-m", "none"], ["-k", "2"]])
def test_no_stages_of(run: Run, scan: Callable[..., Path], words: list[str]) -> None:
    code, _, err = run("benchmark", "stages", scan(), "-m", "whole", *words)
    assert code == 2 and err.count("\n") == 1


def test_a_model_beside_its_plain_path(run: Run) -> None:
    words = ("-m", "whole-plain", "--only", "inference", "--no-rivals", "-k", "0.5", "--rounds", 1, "--json")
    code, out, _ = run("benchmark", "compare", *words, "--precision", "float32")
    rows = json.loads(out)["comparisons"][0]["rows"]
    assert code == 0
    assert [(row["network"], row["keep"]) for row in rows] == [
        ("whole", 1.0),
        ("whole", 0.5),
        ("whole-plain", None),
    ]


def test_whole_processes_beside_peers(
    run: Run, scan: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_scd.benchmarks.peer_networks import MESHNET, Peer
    from napari_scd.cli.run import peers

    small = (
        Peer("first peer", MESHNET, 3, (2.0, 2.0, 2.0), (16, 16, 16), width=1),
        Peer("second peer", MESHNET, 3, (2.0, 2.0, 2.0), (16, 16, 16), width=1),
    )
    monkeypatch.setattr(peers, "PEERS", {"MR": small, "CT": small})
    words = ("benchmark", "peers", scan(), "-m", "whole", "--peers", "first")
    code, out, err = run(*words, "-o", "results")
    assert (code, err) == (0, "")
    assert "whole, keep 0.25" in out and "first peer" in out and "second peer" not in out
    rows = json.loads((tmp_path / "results" / "peers.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in rows] == ["whole, keep 0.25", "whole, keep 0.25, float32", "first peer"]
    assert rows[0]["ratio"] == 1
    assert all(row["wall_s"] > 0 for row in rows)
    assert "| first peer |" in (tmp_path / "results" / "peers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-m", "clicky"), "points"),
        (("-m", "whole", "--peers", "nnU-Net"), "'nnU-Net'"),
        (("-m", "whole", "-k", "2"), "0.05"),
    ],
)
def test_no_peers_for(run: Run, scan: Callable[..., Path], words: tuple[str, ...], said: str) -> None:
    code, _, err = run("benchmark", "peers", scan(), *words)
    assert code == 2 and said in err and err.count("\n") == 1


def test_a_device_in_a_few_minutes(run: Run, tmp_path: Path) -> None:
    words = ("benchmark", "gpu", "--device", "cpu", "--minutes", 0, "-m", "whole")
    code, out, err = run(*words, "-o", "results")
    assert (code, err) == (0, "")
    assert "No time for: a scan of whole, float32" in out
    assert json.loads((tmp_path / "results" / "gpu.json").read_text(encoding="utf-8"))["device"] == "cpu"
    assert "# cpu" in (tmp_path / "results" / "gpu.md").read_text(encoding="utf-8")
    assert run("benchmark", "gpu", "--device", "gpu", "-m", "whole")[0] == 2
