"""Whole processes: what they cost, and peers that really segment a file."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_scd.benchmarks import PEERS, compare_processes, peer_command, peers_grid
from napari_scd.benchmarks.peer_networks import MESHNET, Peer, build_peer, mesh_net
from napari_scd.benchmarks.peer_process import segment_with
from napari_scd.benchmarks.whole_process import cost_of
from napari_scd.errors import InputError
from napari_scd.volume import make_phantom, read_labels, read_volume, write_volume

SMALL = Peer("small", MESHNET, 3, (2.0, 2.0, 2.0), (24, 24, 24), width=2)
WINDOWED = Peer("windowed", "SegResNet-16", 3, (3.0, 3.0, 3.0), (16, 16, 16), clip=(0.0, 1.0))


def _python(code):
    return [sys.executable, "-c", code]


def test_a_process_costs_time_and_memory() -> None:
    idle = cost_of(_python("import time; time.sleep(0.3)"))
    assert idle.wall_s >= 0.3
    large = cost_of(_python("x = bytearray(200 * 2**20); x[::4096] = b'1' * len(x[::4096])"))
    if large.peak_bytes is None:
        pytest.skip("this system does not say what a process took")
    assert large.peak_bytes - idle.peak_bytes == pytest.approx(200 * 2**20, rel=0.1)
    assert large.processor_s > 0


def test_a_process_that_fails_is_quoted() -> None:
    with pytest.raises(InputError, match=r"failed \(3\): the reason"):
        cost_of(_python("import sys; print('first'); print('the reason', flush=True); sys.exit(3)"))


def test_ratios_are_to_the_first_of_the_same_round() -> None:
    told = []
    commands = {"ours": _python("pass"), "theirs": _python("import time; time.sleep(0.5)")}
    ours, theirs = compare_processes(commands, rounds=2, progress=lambda *now: told.append(now))
    assert (ours.name, theirs.name) == ("ours", "theirs")
    assert ours.ratio == 1.0
    expected = np.median([b / a for a, b in zip(ours.rounds_s, theirs.rounds_s, strict=True)])
    assert theirs.ratio == pytest.approx(expected)
    assert told == [(1, 2), (2, 2)]
    assert peers_grid([ours, theirs])[0] == ["program", "seconds", "times ours", "processor s", "peak MiB"]


def test_mesh_net_sees_far_at_full_size() -> None:
    network = mesh_net(2, 3).eval()
    image = torch.zeros(1, 1, 20, 20, 20, requires_grad=True)
    logits = network(image)
    assert logits.shape == (1, 3, 20, 20, 20)
    logits[0, :, 0, 0, 0].sum().backward()
    assert image.grad[0, 0, 19, 0, 0] != 0


@pytest.mark.parametrize(
    "peer", [*PEERS["MR"], *PEERS["CT"]], ids=lambda peer: f"{peer.name} {peer.n_classes}"
)
def test_every_peer_is_built_and_survives_the_way_to_its_process(peer) -> None:
    assert Peer.from_json(peer.to_json()) == peer
    small = replace(peer, window=(64, 64, 64))
    if peer.sees_all or peer.network.startswith("Seg"):
        small = replace(peer, window=(16, 16, 16), width=2)
    network = build_peer(small)
    assert not network.training
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, *small.window)).shape == (1, peer.n_classes, *small.window)


@pytest.mark.parametrize("peer", [SMALL, WINDOWED], ids=lambda peer: peer.name)
def test_a_peer_writes_labels_on_the_scan_s_grid(peer, tmp_path) -> None:
    scan, labels = tmp_path / "scan.nii.gz", tmp_path / "labels.nii.gz"
    write_volume(scan, make_phantom((20, 24, 18), (2.5, 2.0, 2.0), modality="MR")[0])
    torch.manual_seed(0)
    segment_with(peer, str(scan), str(labels))
    found = read_labels(labels)
    assert found.same_grid(read_volume(scan))
    assert set(np.unique(found.array).tolist()) <= {0, 1, 2}


def test_a_peer_s_process_loads_nothing_of_ours(tmp_path) -> None:
    scan, labels = tmp_path / "scan.nii", tmp_path / "labels.nii.gz"
    write_volume(scan, make_phantom((12, 12, 12), (2.0, 2.0, 2.0), modality="MR")[0])
    command = peer_command(SMALL, scan, labels, 1)
    assert cost_of(command).wall_s > 0
    assert labels.is_file()
    code = "import sys, napari_scd.benchmarks.peer_process; print(*sys.modules)"
    loaded = subprocess.run(_python(code), capture_output=True, text=True, check=True).stdout.split()
    ours = {name.split(".")[1] for name in loaded if name.startswith("napari_scd.")}
    assert ours <= {"benchmarks", "errors", "lazy"}
