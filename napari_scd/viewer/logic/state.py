"""What the user chose, what the dock is doing, and the sentence that says so; no napari, Qt or torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from napari_scd.engine import Request

SHOW_MODES = ("dim", "exit", "score", "off")
SHOW_TITLES = {"dim": "Dim pruned", "exit": "Exit stage", "score": "Score", "off": "Off"}
FEW_TOKENS = 16


@dataclass
class Choices:
    """What the user set in the dock; mutable. What runs is a frozen `Request`, made by `resolve`.

    Parameters
    ----------
    volumes
        `unique_id` of the image layer of every input channel.
    n_channels
        How many the model takes.
    model
        Name or file of the model, None while there is none.
    keep
        Share of the tokens each stage keeps, in [0.05, 1]; None = the model's own.
    keep_per_stage
        One share per stage, when the stages are set apart; wins over `keep`.
    device, precision, stride, blending, batch
        As in the engine's `Request`.
    world_axes
        Where the viewer's (z, y, x) axes point, such as "SPL"; None = what the image's reader said.
    window
        Lowest and highest intensity the network sees; None = the model's own limits.
    show, stage
        Token view (one of `SHOW_MODES`) and the stage it stops at (0 = all).
    live, protect, autosave, maps
        Live preview while the slider moves; accepted labels stay; save after every accept; export token and
        score maps too.
    output
        `unique_id` of the Labels layer that accepts results, None = a new one.
    """

    volumes: tuple[Hashable, ...] = ()
    n_channels: int = 1
    model: str | None = None
    keep: float | None = None
    keep_per_stage: tuple[float, ...] | None = None
    device: str = "auto"
    precision: str = "auto"
    stride: int | None = None
    blending: str = "gaussian"
    batch: int | None = None
    world_axes: str | None = None
    window: tuple[float, float] | None = None
    show: str = "dim"
    stage: int = 0
    live: bool = True
    protect: bool = True
    autosave: bool = False
    maps: bool = True
    output: Hashable | None = None

    def copy(self) -> Choices:
        """Return a snapshot that later clicks do not change."""
        return replace(self)

    @property
    def keep_request(self) -> float | tuple[float, ...] | None:
        """The keep ratio as the engine takes it."""
        return self.keep_per_stage if self.keep_per_stage is not None else self.keep


def resolve(choices: Choices, **overrides: object) -> Request:
    """Freeze the choices into what the engine runs; `overrides` replace single fields.

    Loads the engine, and with it torch: call it where the work runs.
    """
    from napari_scd.engine import Request

    fields: dict[str, object] = {
        "keep": choices.keep_request,
        "stride": choices.stride,
        "device": choices.device,
        "precision": choices.precision,
        "blending": choices.blending,
        "batch": choices.batch,
    }
    return Request(**(fields | overrides))  # type: ignore[arg-type]


class BadVolume(InputError):
    """The engine refused the image itself, not what was asked of it."""


class CannotSave(InputError):
    """Something could not be written where it was to go."""


class State(Enum):
    """What the dock is doing."""

    NO_IMAGE = "no image"
    BAD_INPUT = "bad input"
    WARN_GEOMETRY = "no voxel size"
    WARN_ORIENTATION = "orientation unknown"
    PRELOADING = "preloading"
    LOADING = "loading"
    READY = "ready"
    PREVIEW = "preview"
    RUNNING = "running"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    DONE = "done"
    STALE = "stale"
    ERROR = "error"


BUSY = frozenset({State.PRELOADING, State.LOADING, State.RUNNING, State.CANCELLING})


class Remedy(NamedTuple):
    """A button beside an error: its text and the name of what it does."""

    text: str
    action: str


class Status(NamedTuple):
    """The status line: a state, its sentence, a way out of it and what else the user should know."""

    state: State
    sentence: str
    remedy: Remedy | None = None
    warnings: tuple[tuple[State, str], ...] = ()


NO_IMAGE = Status(State.NO_IMAGE, "Open a 3D volume, or File > Open Sample > SCD.")
PRELOADING = Status(
    State.PRELOADING, "Getting ready in the background: you can look at your volume meanwhile."
)
CANCELLING = Status(State.CANCELLING, "Stopping after this window.")
NO_VOXEL_SIZE = (State.WARN_GEOMETRY, "No voxel size: assuming 1 mm.")
NO_ORIENTATION = (
    State.WARN_ORIENTATION,
    "Orientation unknown: left and right may be swapped. Set it in Advanced.",
)
MIRRORED = (
    State.WARN_ORIENTATION,
    "3D is a mirror image of the patient here: the dock's 3D button shows left and right as they are.",
)
NO_CLICKS = Status(
    State.READY, "No clicks on record: click a structure (K), or select a Points layer on this image."
)
NO_MODEL = Status(
    State.ERROR,
    "No model found: choose a .safetensors file.",
    Remedy("Choose file...", "choose_model"),
)


def bad_input(sentence: str) -> Status:
    """Say that the image cannot be segmented; the sentence says what came and what to do."""
    return Status(State.BAD_INPUT, sentence)


def loading(model: str) -> Status:
    """Say that a model (name or file) is being read and the volume prepared for it."""
    name = model.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".safetensors")
    return Status(State.LOADING, f"Loading {name} and preparing the volume.")


class Size(NamedTuple):
    """A volume's lengths in voxels and mm, in array-axis order."""

    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]

    def __str__(self) -> str:
        voxels = "x".join(str(n) for n in reversed(self.shape))
        spacing = "x".join(f"{mm:.3g}" for mm in reversed(self.spacing_mm))
        return f"{voxels} at {spacing} mm"


def ready(size: Size, n_windows: int, seconds: float | None, device: str, *, click_only: bool) -> Status:
    """Say that everything is loaded, and what a run would cost, or what to do with a click model."""
    if click_only:
        return Status(State.READY, f"{size}: press K, then click a structure.")
    windows = "1 window" if n_windows == 1 else f"{n_windows} windows"
    time = "" if seconds is None else f", about {duration(seconds)}"
    return Status(State.READY, f"{size}: {windows}{time} on {device}.")


def running(message: str) -> Status:
    """Say how far a run is, in the engine's own words, such as "window 9 of 27, 4 s left"."""
    return Status(State.RUNNING, message)


def cancelled(done: int, total: int) -> Status:
    """Say that a run was stopped; what it found so far stays."""
    if done == 0:
        return Status(State.CANCELLED, "Stopped before the first window: nothing was changed.")
    return Status(
        State.CANCELLED, f"Stopped after {done} of {total} windows: the partial result is a preview."
    )


def done(n_labels: int, n_found: int, seconds: float) -> Status:
    """Say that a whole volume was segmented."""
    labels = "1 label" if n_labels == 1 else f"{n_labels} labels"
    return Status(State.DONE, f"{labels}, {n_found} found in {duration(seconds)}. Accept (U) or Discard.")


def preview(names: Sequence[str], volume_ml: float) -> Status:
    """Say which clicked structures are on screen and not yet accepted."""
    what = ", ".join(names) if len(names) <= 3 else f"{len(names)} structures"
    return Status(State.PREVIEW, f"Preview: {what}, {millilitres(volume_ml)}. Accept (U) or Discard.")


def stale(what: str) -> Status:
    """Say that the result on screen is of other settings or another image; `what` changed since."""
    return Status(State.STALE, f"{what} changed since this result: segment or click again to update it.")


def stale_outside(keep: str) -> Status:
    """Say that only the visible window shows the new keep ratio."""
    return Status(
        State.STALE, f"Keep {keep} in the visible window only: press Segment volume (G) for the rest."
    )


def accepted(layer: str, n_voxels: int) -> Status:
    """Say that the preview became part of the segmentation."""
    return Status(State.DONE, f"Accepted {n_voxels:,} voxels into '{layer}'. Ctrl+Z takes them back.")


def error(sentence: str, remedy: Remedy | None = None) -> Status:
    """Say that something went wrong; the window goes on."""
    return Status(State.ERROR, sentence, remedy)


def failure(problem: BaseException, device: str) -> Status:
    """Return the status for an exception out of the worker: one sentence, and a way out where there is one.

    User errors keep their own sentence. Memory errors offer a smaller batch or the cpu.
    """
    text = " ".join(str(problem).split()) or type(problem).__name__
    if (
        isinstance(problem, MemoryError)
        or "out of memory" in text.lower()
        or "can't allocate" in text.lower()
    ):
        remedy = Remedy("Run one window at a time", "single_batch")
        if device not in ("cpu", "auto"):
            remedy = Remedy("Run on cpu", "run_on_cpu")
        return error("Not enough memory for this run: nothing was lost, try the button.", remedy)
    if isinstance(problem, BadVolume):
        return bad_input(text)
    if isinstance(problem, CannotSave):
        return error(text, Remedy("Save elsewhere...", "export"))
    if isinstance(problem, InputError):
        if "device" in text.lower() and "available" in text.lower():
            return error(text, Remedy("Run on cpu", "run_on_cpu"))
        return error(text)
    return error(
        f"The run failed ({type(problem).__name__}: {shortened(text)}).", Remedy("Try again", "retry")
    )


def other_labels(layer: str, model: str) -> Status:
    """Say that a layer's numbers mean other structures than the model's."""
    return error(
        f"'{layer}' holds the labels of {model}, whose numbers mean other structures: "
        "choose 'new layer' under Output."
    )


def one_at_a_time(model: str) -> Status:
    """Say that a click model does no whole volumes."""
    return error(f"{model} finds one structure at a time: press K, then click it.")


def compared(keep: str, dice: float | None) -> Status:
    """Say how the visible window agrees with dense; `dice` is None when neither found anything."""
    if dice is None:
        return Status(State.DONE, "Both find nothing in the visible window: there is nothing to compare.")
    return Status(State.DONE, f"Keep {keep} agrees {dice:.2f} (Dice) with dense in the visible window.")


def sentence(text: str) -> str:
    """Return a text with a capital and a full stop."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def keep_text(keep: Sequence[float]) -> str:
    """Return keep ratios as a person writes them: "0.50", or one per stage when they differ."""
    return f"{keep[0]:.2f}" if len(set(keep)) == 1 else ", ".join(f"{ratio:.2f}" for ratio in keep)


def shortened(text: str, length: int = 160) -> str:
    """Cut a long text at `length` letters."""
    return text if len(text) <= length else text[: length - 3] + "..."


def millilitres(volume_ml: float) -> str:
    """Return a volume a person reads at a glance: "3.1 ml", "1,520 ml"."""
    return (
        f"{volume_ml:,.0f} ml"
        if volume_ml >= 100
        else f"{volume_ml:.2g} ml"
        if volume_ml < 10
        else f"{volume_ml:.1f} ml"
    )


def duration(seconds: float) -> str:
    """Return a time a person reads at a glance: "37 ms", "0.31 s", "11 s", "2 min 5 s"."""
    if seconds < 0.0995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.2g} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
