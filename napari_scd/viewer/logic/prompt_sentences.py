"""The sentences of the status line about objects that are segmented from prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_scd.viewer.logic.scan_object import object_of
from napari_scd.viewer.logic.wording import millilitres, sentence
from napari_scd.viewer.state import Remedy, State, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.scan_object import ScanObject
    from napari_scd.viewer.logic.status import Size

NO_OBJECT = Status(State.READY, "There is no object yet: click what you want to segment.")
NO_PROMPTS = Status(State.READY, "There are no clicks to repeat: click what you want to segment.")
NEW_OBJECT = Status(State.PREVIEW, "New object: click it. The others stay as they are.")
FIRST_OBJECT = Status(State.READY, "New object: click what you want to segment (K switches clicking on).")
ADVICE = "Left click adds, right click removes, O starts the next object."
TAKEN_BACK = "The click was withdrawn before it was answered."
STOPPED = "Stopped: the click was not taken, and nothing was changed."
NO_PROMPTABLE = Status(
    State.ERROR,
    "None of the available models takes prompts: choose a promptable one, such as any.",
    Remedy("Choose file...", "choose_model"),
)
NO_LABELS_LEFT = Status(State.ERROR, "All 255 labels are in use: accept the objects, then go on.")
DRAW_BOX = Status(State.PREVIEW, "Draw a rectangle around the object with the mouse; Esc ends it.")
NO_BOX = "The Shapes layer holds no rectangle on this image: draw one around the object."
NOTHING_TO_REFINE = "There is nothing to refine: no Labels layer of this image holds a label."


def ready(size: Size) -> Status:
    """Say that everything is loaded, and how to begin."""
    return Status(State.READY, f"{size}: press K, then click anything.")


def asking(n_waiting: int) -> Status:
    """Say that a click is being answered, and how many wait behind it."""
    waiting = "" if n_waiting < 1 else f" ({n_waiting} more waiting)"
    return Status(State.RUNNING, f"Segmenting what you clicked{waiting}.")


def size_of(one: ScanObject, voxel_ml: float) -> str:
    """Return an object's name and volume: "object 1, 12 ml"."""
    return f"{one.name}, {millilitres(one.n_voxels * voxel_ml)}"


def no_change(one: ScanObject, old: ScanObject | None) -> str:
    """Say that the latest prompt left an object as it was before; nothing if it did not."""
    if old is None or not one.n_voxels or not one.looks_like(old):
        return ""
    if one.prompts.steps[-1].kind == "exclude":
        return "Nothing to remove there:"
    return "That changed nothing:"


def answered(one: ScanObject, voxel_ml: float, notes: Sequence[str] = (), before: str = "") -> Status:
    """Say what an object looks like after a prompt, and what to do next."""
    prompts = "1 prompt" if one.n_prompts == 1 else f"{one.n_prompts} prompts"
    if not one.n_voxels:
        text = f"Nothing was found for {one.name} after {prompts}: click again, or Ctrl+Z."
        return Status(State.PREVIEW, f"{before} {text}".strip())
    size = f"{size_of(one, voxel_ml)} after {prompts}."
    if before:
        return Status(State.PREVIEW, " ".join([before, size, *notes]))
    return Status(State.PREVIEW, sentence(" ".join([size, *(notes or [ADVICE])])))


def current(result: Result) -> Status:
    """Say which object the next click corrects."""
    one = object_of(result.objects, result.current)
    assert one is not None
    if not one.n_prompts:
        return Status(State.PREVIEW, sentence(f"{size_of(one, result.voxel_ml)}. {ADVICE}"))
    return answered(one, result.voxel_ml)


def instead(model: str, n_labels: int, promptable: str) -> str:
    """Say that a promptable model answered, as the chosen one does not know what is there."""
    return f"{knows(model, n_labels)}, none of them here; the model '{promptable}' answered instead:"


def knows(model: str, n_labels: int) -> str:
    """Say how many structures a model has names for."""
    return f"{model} knows {n_labels} structure{'s' * (n_labels != 1)}"


def unknown_here(model: str, n_labels: int, message: str) -> Status:
    """Say that a model with names found nothing, and that no promptable model is there to ask."""
    text = f"{knows(model, n_labels)}; {message}. A promptable model would segment it."
    return Status(State.PREVIEW, text)


def box_taken(depth_mm: float, n_rectangles: int) -> str:
    """Say how deep a box is that was drawn in slices."""
    if n_rectangles > 1:
        return f"Box of {n_rectangles} rectangles, {depth_mm:.0f} mm deep:"
    return f"Box, {depth_mm:.0f} mm deep (draw it on two slices to set the depth):"


def read(n_read: int, n_objects: int, file: str) -> str:
    """Say that the objects of a prompts file were answered; fewer than there are when it was stopped."""
    objects = "1 object" if n_objects == 1 else f"{n_objects} objects"
    if n_read < n_objects:
        return f"Stopped after {n_read} of {objects} from {file}."
    return f"Read {objects} from {file}."


def renamed(before: str, now: str) -> str:
    """Say that an object has another name."""
    return f"{before} is now {now}."


def compared(name: str, keep: str, dice: float | None) -> Status:
    """Say how an object agrees with what all tokens give; `dice` is None when both are empty."""
    if dice is None:
        return Status(State.PREVIEW, f"{name} is empty with all tokens too: there is nothing to compare.")
    return Status(State.PREVIEW, f"{name} at keep {keep} agrees {dice:.2f} (Dice) with all tokens.")
