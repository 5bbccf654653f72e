"""The sentences of the status line; no napari, Qt or torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from napari_scd.viewer.logic.wording import duration, millilitres, stem
from napari_scd.viewer.state import Remedy, State, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    Named = tuple[str, float]  # an object's name and its millilitres

NO_IMAGE = Status(State.NO_IMAGE, "Open a 3D volume, or File > Open Sample > SCD.")
PRELOADING = Status(
    State.PRELOADING, "Getting ready in the background: you can look around in your volume in the meantime."
)
CANCELLING = Status(State.CANCELLING, "Stopping after this window.")
STOPPING = Status(State.CANCELLING, "Stopping: nothing will be changed.")
STOPPED = "Stopped: nothing was changed."  # and what is on screen
NO_VOXEL_SIZE = (State.WARN_GEOMETRY, "No voxel size: assuming 1 mm.")
NO_ORIENTATION = (
    State.WARN_ORIENTATION,
    "Orientation unknown: left and right, front and back, or head and feet may be swapped. "
    "Set it in Advanced.",
)
MIRRORED = (
    State.WARN_ORIENTATION,
    "3D is a mirror image of the patient here: the dock's 3D button shows left and right correctly.",
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
    return Status(State.LOADING, f"Loading {stem(model)} and preparing the volume.")


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


def done(n_labels: int, n_found: int, seconds: float, *, misfit_of: str = "") -> Status:
    """Say that a whole volume was segmented; `misfit_of` is the model that the scan may not fit."""
    labels = "1 label" if n_labels == 1 else f"{n_labels} labels"
    doubt = f"This scan may not fit {misfit_of}. " if misfit_of else ""
    found = f"{labels}, {n_found} found in {duration(seconds)}."
    return Status(State.DONE, f"{doubt}{found} Accept (U) or Discard.")


def frames_done(done: int, total: int) -> Status:
    """Say that all frames of a scan were segmented, or how many were before the run was stopped."""
    if done < total:
        return Status(State.CANCELLED, f"stopped after {done} of {total} frames; each is a preview.")
    return Status(State.DONE, f"all {total} frames are segmented. Accept (U) or Discard.")


def preview(objects: Sequence[Named]) -> Status:
    """Say which objects (name, millilitres) are on screen and not yet accepted."""
    if not objects:
        return Status(State.PREVIEW, "The preview is empty.")
    return Status(State.PREVIEW, f"Preview: {_listed(objects)}. Accept (U) or Discard.")


def clicked(name: str, volume_ml: float, n_structures: int) -> Status:
    """Say what a click found and how large it is, and how many structures the preview holds with it."""
    others = f" ({n_structures} structures in the preview)" if n_structures > 1 else ""
    return Status(State.PREVIEW, f"Preview: {name}, {millilitres(volume_ml)}{others}. Accept (U) or Discard.")


def clicked_everything(n_structures: int) -> Status:
    """Say how many structures a click that takes everything found."""
    found = "1 structure" if n_structures == 1 else f"{n_structures} structures"
    return Status(State.PREVIEW, f"Preview: {found} around the click. Accept (U) or Discard.")


def segmentation(objects: Sequence[Named]) -> Status:
    """Say which objects (name, millilitres) were accepted."""
    if not objects:
        return Status(State.READY, "The segmentation is empty.")
    return Status(State.DONE, f"Accepted: {_listed(objects)}.")


def _listed(objects: Sequence[Named]) -> str:
    """Each object with its own volume, left and right apart; many by their number only."""
    if len(objects) > 3:
        return f"{len(objects)} structures"
    return "; ".join(f"{name}, {millilitres(volume_ml)}" for name, volume_ml in objects)


def stale(what: str) -> Status:
    """Say that the result on screen is of other settings or another image; `what` changed since."""
    return Status(State.STALE, f"{what} changed since this result: segment or click again to update it.")


def stale_outside(keep: str) -> Status:
    """Say that only the visible window shows the new keep ratio."""
    return Status(
        State.STALE, f"Keep {keep} in the visible window only: press Segment volume (G) for the rest."
    )


def accepted(layer: str, n_voxels: int, n_objects: int = 0) -> Status:
    """Say that the preview became part of the segmentation."""
    objects = {0: "", 1: "1 object, "}.get(n_objects, f"{n_objects} objects, ")
    what = f"{objects}{n_voxels:,} voxels"
    return Status(State.DONE, f"Accepted {what} into '{layer}'. Ctrl+Z undoes it.")


def reshaped(what: str, now: str, before: str) -> Status:
    """Say how an object's shape was changed, and its volume now and before."""
    return Status(State.PREVIEW, f"{what}: {now} (was {before}). Ctrl+Z undoes it.")


def error(sentence: str, remedy: Remedy | None = None) -> Status:
    """Say that something went wrong; the window goes on."""
    return Status(State.ERROR, sentence, remedy)


def other_labels(layer: str, model: str) -> Status:
    """Say that a layer's numbers mean other structures than the model's."""
    return error(
        f"'{layer}' holds the labels of {model}, whose numbers mean other structures: "
        "choose 'new layer' under Output."
    )


def other_shape(layer: str, needed: Sequence[int], found: Sequence[int]) -> Status:
    """Say that a layer lies on another grid than the preview."""
    shapes = " and ".join("x".join(str(n) for n in shape) for shape in (needed, found))
    return error(f"'{layer}' has another shape ({shapes}): choose 'new layer' under Output.")


def nothing_new(layer: str, *, protect: bool) -> Status:
    """Say that accepting would change nothing."""
    why = (
        "every voxel of the preview has a label already; untick 'Protect accepted' to replace them"
        if protect
        else "it holds the same labels already"
    )
    return Status(State.PREVIEW, f"Nothing was accepted into '{layer}': {why}.")


def one_at_a_time(model: str) -> Status:
    """Say that a click model does no whole volumes."""
    return error(f"{model} finds one structure at a time: press K, then click it.")


def compared(keep: str, dice: float | None) -> Status:
    """Say how the visible window agrees with dense; `dice` is None when neither found anything."""
    if dice is None:
        return Status(State.DONE, "Both find nothing in the visible window: there is nothing to compare.")
    return Status(State.DONE, f"Keep {keep} agrees {dice:.2f} (Dice) with dense in the visible window.")
