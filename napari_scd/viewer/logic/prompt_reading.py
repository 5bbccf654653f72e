"""Objects that are read from a prompts file: answered again, and added to the preview."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_scd.viewer.logic import prompt_sentences as sentences
from napari_scd.viewer.logic import status
from napari_scd.viewer.logic.guess import used_names
from napari_scd.viewer.logic.objects import with_object
from napari_scd.viewer.logic.prompt_file import prompts_in
from napari_scd.viewer.logic.scan_object import ScanObject, unused_name
from napari_scd.viewer.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.cancel import CancelToken
    from napari_scd.engine import PromptedObject
    from napari_scd.viewer.layers import SourceView
    from napari_scd.viewer.logic.backend import Backend
    from napari_scd.viewer.logic.choices import Choices
    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.object_list import ObjectList
    from napari_scd.viewer.logic.prompted import Prompted
    from napari_scd.viewer.logic.result import Result
    from napari_scd.viewer.logic.show_result import ResultLayers


class ReadPrompts(NamedTuple):
    """The objects of a file, and the answers to the prompts of the first of them or of all."""

    objects: tuple[PromptedObject, ...]
    answers: list[Prompted]


class PromptReading:
    """Reads what `Export` wrote, or a person.

    Parameters
    ----------
    state, layers, edits, objects
        The dock's state, its layers, what was changed by hand, and the objects there are.
    awaited
        Returns the labels of objects whose prompts wait for an answer.
    """

    def __init__(
        self,
        state: DockState,
        layers: ResultLayers,
        edits: HandEdits,
        objects: ObjectList,
        awaited: Callable[[], Sequence[int]],
    ) -> None:
        self._state = state
        self._layers = layers
        self._edits = edits
        self._objects = objects
        self._awaited = awaited

    def read(self, path: str | Path) -> None:
        """Add the objects of a prompts file to those of the preview; the last one becomes the current one."""
        state, view, path = self._state, self._state.view, Path(path)
        if view is None:
            state.say(state.status if state.status.state is State.BAD_INPUT else status.NO_IMAGE)
            return
        if state.choices.promptable is None:
            state.say(sentences.NO_PROMPTABLE)
            return
        state.jobs.drop("warm")
        state.say(status.running(f"Answering the prompts in {path.name}."))
        run = partial(_read_and_answer, path, view, state.choices.copy(), state.backend)
        state.submit("read", run, partial(self._on_read, path.name))

    def _on_read(self, file: str, found: ReadPrompts) -> None:
        state = self._state
        state.progress_changed.emit(None)
        self._edits.look()
        result, n_read, label = self._objects.preview(), 0, 0
        for asked, answer in zip(found.objects, found.answers, strict=False):
            taken = [*self._awaited(), *(one.label for one in result.objects)]
            label = self._objects.free_label(taken, asked.label)
            if not answer.complete or not label:
                break
            one = self._object(asked, answer, label, result)
            result = with_object(result, one, label)
            steps = [step.to_dict() for step in one.prompts.steps]
            result.history.append(
                answer.entry | {"action": "read", "object": one.name, "label": label, "prompts": steps}
            )
            n_read += 1
        if n_read:
            self._layers.finish(result, f"reading {file}")
        if n_read < len(found.answers) and not label:
            state.say(sentences.NO_LABELS_LEFT)
        else:
            state.say_current(sentences.read(n_read, len(found.objects), file))

    def _object(self, asked: PromptedObject, answer: Prompted, label: int, result: Result) -> ScanObject:
        names = [*used_names(self._state.now), *(one.name for one in result.objects)]
        now = datetime.now().isoformat(timespec="seconds")
        return ScanObject(
            label=label,
            name=unused_name(asked.name, names),
            prompts=asked.prompts,
            box=answer.box,
            inside=answer.inside,
            looked=answer.looked,
            keep=answer.keep,
            times=(now,) * len(asked.prompts.steps),
        )


def _read_and_answer(
    path: Path, view: SourceView, choices: Choices, backend: Backend, progress: Any, cancel: CancelToken
) -> ReadPrompts:
    """Read a file and answer its prompts, in the worker: masks it names may be large files."""
    objects = prompts_in(path, view)
    asked = [one.prompts for one in objects]
    return ReadPrompts(objects, backend.prompt(view, choices, asked, progress, cancel))
