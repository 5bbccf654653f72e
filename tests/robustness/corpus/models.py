"""Model files and names: each entry makes one in a folder and returns what goes behind ``--model``."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
from functools import partial
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import torch

from .entry import Entry

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Bomb:
    """A pickle that leaves a trace when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


def bomb(folder: Path, name: str, how: str) -> Path:
    """Write a pickle that makes the folder ``ran`` when its code is run."""
    danger = Bomb(folder / "ran")
    if how == "plain":
        (folder / name).write_bytes(pickle.dumps({"state_dict": danger}))
    else:
        torch.save(
            {"state_dict": {"w": torch.zeros(2), "b": danger}},
            folder / name,
            _use_new_zipfile_serialization=how == "zip",
        )
    return folder / name


def changed(folder: Path, change: Callable[[dict[str, Any]], object], *, cut: int | None = None) -> Path:
    """Change the header of the tiny model; `cut` takes bytes off its end."""
    raw = (folder / "good.safetensors").read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    (folder / "bad.safetensors").write_bytes(
        struct.pack("<Q", len(text)) + text + raw[8 + length : None if cut is None else -cut]
    )
    return folder / "bad.safetensors"


def inner(key: str, **values: Any) -> Callable[[Path], Path]:
    """Change values of one of our JSON entries."""

    def change(header: dict[str, Any]) -> None:
        entry = json.loads(header["__metadata__"][key])
        header["__metadata__"][key] = json.dumps({**entry, **values})

    return partial(changed, change=change)


def labels(entries: list[dict[str, Any]]) -> Callable[[Path], Path]:
    return about(labels=json.dumps(entries))


def about(**values: str) -> Callable[[Path], Path]:
    return partial(changed, change=lambda header: header["__metadata__"].update(values))


def tensor(**values: Any) -> Callable[[Path], Path]:
    return partial(changed, change=lambda header: header["encoder.cls_token"].update(values))


def content(name: str, raw: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(raw)
        return folder / name

    return write


def label(index: Any, name: Any, colour: Any = (1, 2, 3)) -> dict[str, Any]:
    return {"index": index, "name": name, "colour": colour}


def image(folder: Path) -> Path:
    nib.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.eye(4)).to_filename(folder / "model.nii")
    return folder / "model.nii"


def not_finite(folder: Path) -> Path:
    raw = bytearray((folder / "good.safetensors").read_bytes())
    raw[-2:] = struct.pack("<e", np.inf)
    return content("bad.safetensors", bytes(raw))(folder)


def linked_to_itself(folder: Path) -> Path:
    (folder / "loop.safetensors").symlink_to("loop.safetensors")
    return folder / "loop.safetensors"


def outside(folder: Path) -> str:
    """Put a model one folder above and name it by a way through folders, without ending."""
    shutil.copyfile(folder / "good.safetensors", folder.parent / "outside.safetensors")
    return "../outside"


ENTRIES = [
    Entry("a pickle that wants to run code", "could run code when opened", partial(bomb, name="m.pth", how="plain")),
    Entry("the same in PyTorch's zip format", "could run code when opened", partial(bomb, name="m.pt", how="zip")),
    Entry("the same in PyTorch's old format", "could run code when opened", partial(bomb, name="m.pkl", how="old")),
    Entry("a pickle named .safetensors", "could run code when opened", partial(bomb, name="m.safetensors", how="plain")),
    Entry("an image", "not a model", image),
    Entry("a text file", "text file", content("m.safetensors", b"weights go here\n" * 50)),
    Entry("an empty file", "is empty", content("m.safetensors", b"")),
    Entry("zeros", "not a model file", content("m.safetensors", b"\0" * 999)),
    Entry("a header longer than the file", "not a model file", content("m.safetensors", struct.pack("<Q", 10**6) + b"{}")),
    Entry("a header of 2^63 bytes", "not a model file", content("m.safetensors", struct.pack("<Q", 2**63) + b"{}")),
    Entry("a header that is not JSON", "damaged", content("m.safetensors", struct.pack("<Q", 6) + b"{{{{{{")),
    Entry("a header nested 18000 deep", "damaged", content("m.safetensors", struct.pack("<Q", 90001) + b"{" + b'"a":[' * 18000)),
    Entry("a header that is not UTF-8", "damaged", content("m.safetensors", struct.pack("<Q", 6) + b'{"\xff":1' + b" " * 600)),
    Entry("a folder", "is a folder", lambda folder: folder),
    Entry("a link to itself", "symbolic links|no file", linked_to_itself),
    Entry("a missing file", "no file", lambda folder: folder / "none.safetensors"),
    Entry("an unknown name", "no model 'liver-ct'", lambda folder: "liver-ct"),
    Entry("a name that points outside the models folder", "no file|no model", outside),
    Entry("the name ..", "is a folder|no model", lambda folder: ".."),
    Entry("a name of 300 letters", "too long|no model", lambda folder: "a" * 300),
    Entry("truncated tensors", "damaged", partial(changed, change=lambda header: None, cut=500)),
    Entry("a weight that is infinite", "not finite", not_finite),
    Entry("a tensor of 2^40 numbers", "damaged", tensor(shape=[2**40])),
    Entry("a tensor with a negative length", "damaged", tensor(shape=[1, 1, -12])),
    Entry("a tensor with 100000 axes", "damaged", tensor(shape=[9] * 100_000)),
    Entry("a tensor of an unknown type", "damaged", tensor(dtype="F99")),
    Entry("overlapping tensors", "damaged", tensor(data_offsets=[48, 72])),
    Entry("tensors from another program", "says nothing about its network", partial(changed, change=lambda header: header.pop("__metadata__"))),
    Entry("a format from the future", "update napari-scd", about(format="napari-scd/9")),
    Entry("no recipe", "lacks its recipe", partial(changed, change=lambda header: header["__metadata__"].pop("recipe"))),
    Entry("a truncated recipe", "cannot be read", about(recipe='{"modality":')),
    Entry("provenance nested 500 deep", "cannot be read", about(provenance='{"metrics":' + "[" * 500 + "]" * 500 + "}")),
    Entry("a network of 10^9 blocks", "depth", inner("config", depth=10**9)),
    Entry("a network of 13 billion weights", "more than the 2", inner("config", embed_dim=4096, heads=8, depth=64)),
    Entry("a decoder of gigabytes in a file of kilobytes", "does not fit its own configuration", inner("config", features=256, out_channels=1024)),
    Entry("windows of hundreds of GiB", "GiB", inner("config", roi=[512, 512, 512], patch=16, decoder="unetr16", features=256)),
    Entry("windows without a patch", "patch", inner("config", roi=[15, 16, 16])),
    Entry("windows that are null", "roi", inner("config", roi=None)),
    Entry("sizes that are text", "whole number", inner("config", embed_dim="12")),
    Entry("sizes that are not a number", "prune_ratio", inner("config", prune_ratio=[float("nan"), 0.5])),
    Entry("code in the configuration", "unknown entry 'code'", inner("config", code="import os")),
    Entry("fewer blocks than weights", "unknown weight", inner("config", depth=2)),
    Entry("more outputs than weights", "another shape", inner("config", out_channels=5)),
    Entry("an unknown modality", "modality", inner("recipe", modality="PET")),
    Entry("voxels of 10^-300 mm", "spacing_mm", inner("recipe", spacing_mm=[1e-300] * 3)),
    Entry("voxels of 10^400 mm", "spacing_mm", inner("recipe", spacing_mm=[10**400] * 3)),
    Entry("voxels of 0 mm", "spacing_mm", inner("recipe", spacing_mm=[0, 1, 1])),
    Entry("a reversed clip range", "clip", inner("recipe", clip=[200, -100])),
    Entry("invalid axes", "axes", inner("recipe", axes="SSS")),
    Entry("more channels than inputs", "channels", inner("recipe", channels=["t1", "t2"])),
    Entry("no labels", "label table does not fit", labels([])),
    Entry("70000 labels", "cannot be read", labels([label(i, str(i)) for i in range(1, 70_000)])),
    Entry("a duplicate label", "appears twice", labels([label(1, "front"), label(1, "back")])),
    Entry("label 0", "not valid", labels([label(0, "front"), label(1, "back")])),
    Entry("label names with terminal control codes", "not valid", labels([label(1, "\x1b[2Jfront"), label(2, "back")])),
    Entry("labels without names", "not valid", labels([label(1, "  "), label(2, "back")])),
    Entry("colours of text", "not valid", labels([label(1, "front", "red"), label(2, "back")])),
    Entry("labels that are not a list", "label table", about(labels='{"1": "front"}')),
    Entry("steps that are text", "steps", inner("provenance", steps="many")),
    Entry("a title with markup and control letters", "", inner("provenance", title="[/b] \x1b[31mred", name="[/b]", description="[link=x]"), True),
    Entry("structures whose names hold markup", "", labels([label(1, "[/b]"), label(2, "[link=x")]), True),
    Entry("nonsensical measures", "", inner("provenance", metrics={"dice": {"0.5": "good", "x": 1, "1": 10**400}, "@": 3, "[/b]": "[/b]"}), True),
]  # fmt: skip
