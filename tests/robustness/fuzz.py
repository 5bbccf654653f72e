"""Damage files at random and read them, for as long as you like; everything but a plain refusal is a find.

    nice -n 5 python -m tests.robustness.fuzz --minutes 30 --out fuzz

Minutes are CPU minutes over all starts: the same command goes on where it stopped (``state.json``), and
`--seed` with the number of an input gives that input again. Finds lie in ``finds/``, one for each place that
failed, the damaged file beside its traceback. pytest does not collect this file.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import os
import random
import resource
import signal
import struct
import time
import traceback
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import napari
import nibabel as nib
import numpy as np
import torch
import yaml  # type: ignore[import-untyped]

from napari_scd.checkpoints import describe, load, load_reference
from napari_scd.checkpoints.foreign_config import reference_config
from napari_scd.cli.models import by_keep_ratio, facts, structures_text
from napari_scd.cli.run.entries import read_mapping, read_table
from napari_scd.engine import Request, Session
from napari_scd.errors import InputError
from napari_scd.evaluation import find_cases
from napari_scd.training import find_config, read_config
from napari_scd.training.run.state_file import STATE_NAME, read_state, write_state
from napari_scd.viewer.plugin.files import read_layers
from napari_scd.volume import (
    Recipe,
    check_labels_writable,
    paste,
    read_label_table,
    read_labels,
    read_volume,
    reorient,
    write_labels,
)

from ..dicom_writer import Spec, write_series
from .tiny import SIZES, TABLE, TRAINING, save_tiny, scan, write_cases

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_EACH = 20
ROOM_BYTES = 2**30
MOST_VOXELS = 40**3
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1, 3, 2**31, 2**63, 10**400, 1e308, -1e-308, float("inf"), float("nan"), "", "x", "\0",
    "[/b]", "../../etc/passwd", "a" * 5000, "\u202eabc", "2020-99-99", [], [[]], {}, {"a": 1}, [1, "a", None],
    [0] * 300, {"": {"": {"": []}}},
)  # fmt: skip


class Target(NamedTuple):
    """One reader: the ending of its files, good ones to damage, how to damage and how to read them."""

    ending: str
    good: list[bytes]
    damage: Callable[[random.Random, bytes], bytes]
    read: Callable[[Path], object]


class TooSlow(Exception):
    """Reading took longer than anybody waits."""


# -- damage ---------------------------------------------------------------------------------


def bytes_changed(draw: random.Random, raw: bytes, within: int | None = None) -> bytes:
    """Set bytes, cut, repeat, or put odd numbers in; mostly in the first `within` bytes."""
    data = bytearray(raw)
    end = min(within or len(data), len(data)) if draw.random() < 0.8 else len(data)
    for _ in range(draw.choice((1, 1, 2, 3, 8))):
        if not data:
            break
        at = draw.randrange(max(min(end, len(data)), 1))
        kind = draw.randrange(6)
        if kind == 0:
            data[at] = draw.randrange(256)
        elif kind == 1:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 2:
            number = draw.choice((0, 1, -1, 127, 2**15 - 1, -(2**15), 2**31 - 1, -(2**31)))
            form = draw.choice(("<h", ">h", "<i", ">i"))
            size = struct.calcsize(form)
            data[at : at + size] = struct.pack(
                form, max(min(number, 2 ** (8 * size - 1) - 1), -(2 ** (8 * size - 1)))
            )
        elif kind == 3:
            value = draw.choice((0.0, -1.0, 1e-30, 1e30, float("inf"), float("nan"), 1e-42))
            data[at : at + 4] = struct.pack(draw.choice(("<f", ">f")), value)
        elif kind == 4:
            del data[draw.randrange(len(data)) :]
        else:
            data[at:at] = data[at : at + draw.randrange(1, 64)]
    return bytes(data)


def header_changed(n_bytes: int) -> Callable[[random.Random, bytes], bytes]:
    """Damage mostly the first `n_bytes`."""
    return lambda draw, raw: bytes_changed(draw, raw, n_bytes)


def before_gzip(n_bytes: int) -> Callable[[random.Random, bytes], bytes]:
    """Damage what a gzip file holds, and now and then the gzip file."""

    def change(draw: random.Random, raw: bytes) -> bytes:
        if draw.random() < 0.2:
            return bytes_changed(draw, raw)
        return gzip.compress(bytes_changed(draw, gzip.decompress(raw), n_bytes), compresslevel=1)

    return change


def values_changed(draw: random.Random, value: Any) -> Any:
    """Return JSON-like values with something odd, missing or more somewhere in them."""
    places = list(_places(value))
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        holder, key = draw.choice(places)
        kind = draw.randrange(5)
        if isinstance(holder, dict) and kind == 0:
            holder.pop(key, None)
        elif isinstance(holder, dict) and kind == 1:
            holder[draw.choice(("extra", "", "1", key + "x" if isinstance(key, str) else "y"))] = draw.choice(
                ODD
            )
        elif isinstance(holder, list) and kind == 0:
            holder.append(draw.choice(ODD))
        elif (
            kind == 2
            and (isinstance(holder, dict) and key in holder)
            and isinstance(holder[key], int | float)
        ):
            holder[key] = draw.choice((-holder[key], holder[key] * 2, holder[key] + 1, str(holder[key])))
        elif isinstance(holder, dict) or key < len(holder):
            holder[key] = draw.choice(ODD)
    return value


def _places(value: Any) -> Any:
    if isinstance(value, dict):
        for key in list(value):
            yield value, key
            yield from _places(value[key])
    elif isinstance(value, list):
        for key in range(len(value)):
            yield value, key
            yield from _places(value[key])


def text_changed(load_text: Callable[[str], Any], dump: Callable[[Any], str]) -> Callable[..., bytes]:
    """Damage values of a text file, and now and then its bytes."""

    def change(draw: random.Random, raw: bytes) -> bytes:
        if draw.random() < 0.25:
            return bytes_changed(draw, raw)
        try:
            return dump(values_changed(draw, load_text(raw.decode()))).encode("utf-8", "surrogatepass")
        except (ValueError, TypeError, RecursionError, yaml.YAMLError):
            return bytes_changed(draw, raw)

    return change


def tensors_changed(draw: random.Random, raw: bytes) -> bytes:
    """Damage a safetensors file: its header's values (those inside our JSON entries too) or its bytes."""
    if draw.random() < 0.25:
        return bytes_changed(draw, raw, 400)
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    about = header.get("__metadata__", {})
    inner = [key for key in about if key != "format"]
    if inner and draw.random() < 0.7:
        for key in draw.sample(inner, 1):
            about[key] = json.dumps(values_changed(draw, json.loads(about[key])))
    else:
        header = values_changed(draw, header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + raw[8 + length :]


# -- readers ---------------------------------------------------------------------------------


def whole_way(session: Session) -> Callable[[Path], object]:
    """Read a scan as the command line and napari do, segment it, write labels like it and read them back."""

    def read(path: Path) -> object:
        volume = read_volume(path)
        reorient(volume, "RAS")
        read_layers(str(path))
        if volume.array.size > MOST_VOXELS:
            return None
        session.set_volume(volume)
        if session.plan().n_windows > 200:
            return None
        labels = session.segment(Request(precision="float32")).labels
        out = path.with_name("out.nii.gz")
        write_labels(out, labels, like=volume, table=TABLE)
        again = read_labels(out)
        if not np.array_equal(again.array, labels.array):
            raise AssertionError("labels came back changed")
        return read_label_table(out)

    return read


def dicom(path: Path) -> object:
    """Read a series of one file, write a DICOM segmentation of it and read that back."""
    volume = read_volume(path)
    read_layers(str(path))
    if volume.array.size > MOST_VOXELS:
        return None
    labels = volume.with_array((volume.array > np.median(volume.array)).astype(np.uint8))
    if not labels.array.any():
        return None
    out = path.with_name("out.dcm")
    try:
        check_labels_writable(out, volume)
        write_labels(out, labels, like=volume, table=TABLE)
        if not np.array_equal(paste(read_labels(out), volume).array, labels.array):
            raise AssertionError("labels came back changed")
    finally:
        out.unlink(missing_ok=True)
    return read_label_table


def label_map(path: Path) -> object:
    """Read a label map, its names, and the layer napari gets."""
    read_label_table(path)
    read_layers(str(path))
    return read_labels(path)


def model(path: Path) -> object:
    """Read a card as it is listed, then load and use the model."""
    card = describe(path)
    list(facts(card))
    by_keep_ratio(card.provenance.metrics)
    structures_text(card)
    session = Session(*load(path))
    session.set_volume(scan())
    if session.plan().n_windows < 50 and session.recipe.field == "whole":
        session.segment(Request(precision="float32"))
    return session


def strangers(path: Path) -> object:
    """Read a checkpoint of the reference code that brings its own sizes."""
    return load_reference(path)


def training_file(path: Path) -> object:
    """Read a training file and find its cases."""
    config = read_config(path)
    config.fingerprint()
    return config


def entries(path: Path) -> object:
    """Read a recipe, a label table and sizes of a network from one and the same file."""
    outcomes: list[object] = []
    for read in (
        lambda: Recipe.from_dict(read_mapping(path, "recipe")),
        lambda: read_table(path),
        lambda: reference_config(read_mapping(path, "config")),
    ):
        try:
            outcomes.append(read())
        except InputError as error:
            outcomes.append(check_sentence(error))
    return outcomes


def check_sentence(error: InputError) -> InputError:
    """One sentence, one line, not endless."""
    said = str(error)
    if "\n" in said or not said.endswith(".") or len(said) > 2000:
        raise AssertionError(f"no plain sentence: {said[:300]!r} ({len(said)} characters)")
    return error


# -- targets ---------------------------------------------------------------------------------


def make_targets(folder: Path) -> dict[str, Target]:
    """Write the good files and say how each kind is damaged and read."""
    session = Session(*load(save_tiny(folder / "whole.safetensors", spacing_mm=2.0)))
    volume, data = whole_way(session), np.random.default_rng(0).integers(0, 900, (9, 10, 11)).astype(np.int16)
    affine = np.array([[-1.9, 0.2, 0, 5], [0.2, 1.9, 0, 6], [0, 0, 2.5, 7], [0, 0, 0, 1.0]])
    write_labels(folder / "labels.nii", scan((6, 7, 8)).with_array(np.ones((6, 7, 8), np.uint8)), table=TABLE)
    labels = (folder / "labels.nii").read_bytes()
    config_file = write_cases(folder / "cases") / "train.yaml"
    config_file.write_text(yaml.safe_dump(TRAINING))
    config = read_config(config_file)
    write_state(folder, config, ["a", "b"], {"step": 3, "parts": {"w": torch.zeros(3)}, "best": 0.5})
    recipe = Recipe("CT", clip=(-100.0, 200.0), spacing_mm=(1.0, 2.0, 3.0)).to_dict()
    plain = text_changed(json.loads, json.dumps)
    from_yaml = text_changed(yaml.safe_load, yaml.safe_dump)
    lists = {
        "training": [{"image": f"images/case{i}.nii.gz", "label": f"labels/case{i}.nii.gz"} for i in range(3)]
    }
    lists["validation"] = [lists["training"].pop()]

    def state(path: Path) -> object:
        path.replace(path.parent / STATE_NAME)
        return read_state(path.parent, config, ["a", "b"])

    def datalist(path: Path) -> object:
        placed = folder / "cases" / "dataset.json"
        placed.write_bytes(path.read_bytes())
        return find_cases(dataset=placed)

    presets = [find_config(name).read_bytes() for name in ("hippocampus-mr", "paper-brats")]
    return {
        "nifti1": Target(".nii", [image(nib.Nifti1Image, data, affine), labels], header_changed(352), volume),
        "nifti2": Target(".nii", [image(nib.Nifti2Image, data, affine)], header_changed(544), volume),
        "nifti-gz": Target(
            ".nii.gz",
            [gzip.compress(image(nib.Nifti1Image, kind, affine)) for kind in (data, data.astype(np.float32))],
            before_gzip(352),
            volume,
        ),
        "mgh": Target(".mgh", [image(nib.MGHImage, data, affine)], header_changed(90), volume),
        "mgz": Target(".mgz", [gzip.compress(image(nib.MGHImage, data, affine))], before_gzip(90), volume),
        "dicom": Target(".dcm", dicom_files(folder / "dicom"), header_changed(1600), dicom),
        "dicom-seg": Target(".dcm", [segmentation_file(folder / "dicom")], header_changed(6000), label_map),
        "labels": Target(".nii", [labels], header_changed(1200), label_map),
        "labels-gz": Target(".nii.gz", [gzip.compress(labels)], before_gzip(1200), label_map),
        "model": Target(
            ".safetensors", [(folder / "whole.safetensors").read_bytes()], tensors_changed, model
        ),
        "reference": Target(".safetensors", [reference(folder)], tensors_changed, strangers),
        "pickle": Target(".pth.tar", [pickled()], header_changed(2000), strangers),
        "state": Target(".ckpt", [(folder / STATE_NAME).read_bytes()], header_changed(2000), state),
        "training-file": Target(
            ".yaml", [config_file.read_bytes(), *presets], from_yaml, training_file
        ),
        "data-list": Target(".json", [json.dumps(lists).encode()], plain, datalist),
        "entries-json": Target(
            ".json",
            [json.dumps(value).encode() for value in (recipe, TABLE.to_list(), {"1": "a"}, SIZES)],
            plain,
            entries,
        ),
        "entries-yaml": Target(
            ".yaml",
            [yaml.safe_dump(value).encode() for value in (recipe, TABLE.to_list(), SIZES)],
            from_yaml,
            entries,
        ),
        "itksnap": Target(".txt", [TABLE.to_itksnap().encode()], header_changed(9999), read_table),
    }  # fmt: skip


def image(kind: Any, data: np.ndarray, affine: np.ndarray) -> bytes:
    """Return the bytes of an image file."""
    made = kind(data, affine)
    buffer = io.BytesIO()
    holder = made.make_file_map({"image": buffer, "header": buffer})
    made.to_file_map(holder)
    return buffer.getvalue()


def dicom_files(folder: Path) -> list[bytes]:
    """Return slices and a file of many images.

    None that a library of C decodes: a damaged stream may end the whole process there.
    """
    from highdicom.legacy import LegacyConvertedEnhancedCTImage
    from pydicom import dcmread
    from pydicom.uid import ImplicitVRLittleEndian, RLELossless, generate_uid

    spec = Spec(np.random.default_rng(0).integers(0, 4000, (5, 32, 32)))
    write_series(folder / "plain", spec)
    files = []
    for syntax in (ImplicitVRLittleEndian, RLELossless):
        write_series(folder / syntax.keyword, replace(spec, syntax=syntax))
        files.append(next((folder / syntax.keyword).iterdir()).read_bytes())
    slices = [dcmread(path) for path in sorted((folder / "plain").iterdir())]
    buffer = io.BytesIO()
    LegacyConvertedEnhancedCTImage(slices, generate_uid(), 5, generate_uid(), 1).save_as(buffer)
    return [next((folder / "plain").iterdir()).read_bytes(), *files, buffer.getvalue()]


def segmentation_file(folder: Path) -> bytes:
    """Return a DICOM segmentation of the slices that :func:`dicom_files` wrote."""
    scanned = read_volume(folder / "plain")
    labels = scanned.with_array((scanned.array > 500).astype(np.uint8))
    write_labels(folder / "labels.dcm", labels, like=scanned, table=TABLE)
    return (folder / "labels.dcm").read_bytes()


def reference(folder: Path) -> bytes:
    """Return a safetensors file of the reference code's names, with its sizes."""
    from safetensors.torch import save

    from napari_scd.checkpoints.foreign import reference_name
    from napari_scd.model import build_network

    network = build_network(reference_config(SIZES))
    state = {reference_name(name): value.clone() for name, value in network.state_dict().items()}
    return bytes(save(state, {"config": json.dumps(SIZES)}))


def pickled() -> bytes:
    """Return a pickled PyTorch checkpoint."""
    buffer = io.BytesIO()
    torch.save({"epoch": 3, "state_dict": {"module.w": torch.zeros(4)}, "best": np.float64(0.5)}, buffer)
    return buffer.getvalue()


# -- the campaign ---------------------------------------------------------------------------------


def attempt(target: Target, path: Path) -> str:
    """Read one file: "read" or "refused"; whatever else it raises is a find."""
    signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
    try:
        target.read(path)
    except InputError as error:
        if "fit into memory" in str(error):
            raise MemoryError(str(error)) from error
        check_sentence(error)
        return "refused"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "read"


def place_of(error: BaseException) -> str:
    """Return the innermost line of ours in a traceback, with the kind of error."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "napari_scd" in frame.filename] or frames[-1:]
    where = f"{Path(ours[-1].filename).name}-{ours[-1].lineno}" if ours else "nowhere"
    return f"{type(error).__name__}-{where}"


def one(name: str, target: Target, seed: int, number: int, work: Path) -> bytes:
    """Write the input with a number into the folder `work` and return its bytes."""
    draw = random.Random(f"{seed}/{name}/{number}")
    content = target.damage(draw, draw.choice(target.good))
    (work / f"file{target.ending}").write_bytes(content)
    return content


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=1.0, help="CPU minutes over all starts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("fuzz"))
    parser.add_argument("--only", help="one target by name")
    order = parser.parse_args()
    finds, work = order.out / "finds", order.out / "work"
    for place in (finds, work):
        place.mkdir(parents=True, exist_ok=True)
    targets = make_targets(work)
    prepare_process()
    state_file = order.out / "state.json"
    state: dict[str, Any] = {"cpu_s": 0.0, "number": 0}
    if state_file.exists():
        state = json.loads(state_file.read_text())
    counts: Counter[str] = Counter(state.get("counts", {}))
    began, before, shown = time.process_time(), state["cpu_s"], 0.0
    while state["cpu_s"] < 60 * order.minutes:
        number = state["number"]
        for name, target in targets.items():
            if order.only in (None, name):
                counts[f"{name}: {tried(name, target, order.seed, number, work, finds)}"] += 1
        state = {"cpu_s": before + time.process_time() - began, "number": number + 1, "counts": dict(counts)}
        if state["cpu_s"] - shown > 20:
            shown = state["cpu_s"]
            state_file.write_text(json.dumps(state, indent=1))
            print(f"{state['cpu_s'] / 60:.1f} CPU minutes, {sum(counts.values())} inputs", flush=True)
    state_file.write_text(json.dumps(state, indent=1))
    for line, count in sorted(counts.items()):
        print(f"{line:<30}{count:>8}")
    print(f"{sum(counts.values())} inputs in {state['cpu_s'] / 60:.1f} CPU minutes, seed {order.seed}")


def tried(name: str, target: Target, seed: int, number: int, work: Path, finds: Path) -> str:
    """Make and read one input; keep it when it is a find that was not seen before."""
    content = one(name, target, seed, number, work)
    try:
        return attempt(target, work / f"file{target.ending}")
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - that is what we look for
        signal.setitimer(signal.ITIMER_PROF, 0)
        find = finds / f"{name}-{place_of(error)}"
        if not find.with_suffix(".txt").exists():
            find.with_suffix(".bin").write_bytes(content)
            text = "".join(traceback.format_exception(error))
            find.with_suffix(".txt").write_text(f"{name} {seed} {number}\n{text[-6000:]}")
            print(f"find: {find.name} (input {number})", flush=True)
        return "find"


def prepare_process() -> None:
    """Bound time and memory of every input, and let every warning count as a find: users would see it."""
    torch.set_num_threads(1)
    napari.current_viewer()  # loads napari before its own warnings would count
    warnings.filterwarnings("error")
    warnings.filterwarnings("ignore", category=ResourceWarning)  # nibabel's, of files it gave up on
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    room = pages * os.sysconf("SC_PAGE_SIZE") + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (room, room))

    def too_slow(number: int, frame: object) -> None:
        raise TooSlow(f"longer than {SECONDS_EACH} s of computing")

    signal.signal(signal.SIGPROF, too_slow)


if __name__ == "__main__":
    main()
