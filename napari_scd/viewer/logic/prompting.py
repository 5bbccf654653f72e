"""Objects from prompts: each click is answered at once; those given meanwhile wait in their order."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from napari_scd.engine import Prompt, PromptError, Prompts
from napari_scd.viewer.logic import prompt_sentences as sentences
from napari_scd.viewer.logic import status
from napari_scd.viewer.logic.failures import VoxelsChanged
from napari_scd.viewer.logic.guess import name_there
from napari_scd.viewer.logic.objects import with_object
from napari_scd.viewer.logic.scan_object import ScanObject, object_of
from napari_scd.viewer.state import State, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.viewer.logic.dock_state import DockState
    from napari_scd.viewer.logic.edits import HandEdits
    from napari_scd.viewer.logic.object_list import ObjectList
    from napari_scd.viewer.logic.prompted import Prompted
    from napari_scd.viewer.logic.show_result import ResultLayers
    from napari_scd.viewer.logic.strokes import Stroke


_WHAT = {"include": "click", "exclude": "click", "box": "box"}


class Ask(NamedTuple):
    """One prompt that waits for its answer.

    Parameters
    ----------
    label
        The object it is for.
    prompt
        What was pointed at.
    why
        What the answer begins with.
    """

    label: int
    prompt: Prompt
    why: str = ""


class PromptQueue:
    """Asks the promptable model, one prompt after the other.

    Parameters
    ----------
    state
        The dock's state.
    layers
        Draws results.
    edits
        Finds what was changed by hand.
    objects
        The objects there are.
    try_again
        Hears what the button beside an error does.
    """

    def __init__(
        self,
        state: DockState,
        layers: ResultLayers,
        edits: HandEdits,
        objects: ObjectList,
        try_again: Callable[[Callable[[], None]], None],
    ) -> None:
        self._state = state
        self._layers = layers
        self._edits = edits
        self._objects = objects
        self._try_again = try_again
        self._asks: deque[Ask] = deque()
        self._generation = state.generation
        self._taken_back = self._fresh = False
        edits.stroked.connect(self.stroke)

    @property
    def waiting(self) -> int:
        """How many prompts have no answer yet."""
        self._forget_old()
        return len(self._asks)

    @property
    def labels(self) -> tuple[int, ...]:
        """Labels of the objects that wait for an answer."""
        self._forget_old()
        return tuple(ask.label for ask in self._asks)

    def include(self, *voxels: tuple[int, int, int], why: str = "") -> None:
        """Say that a click (one voxel) or stroke (several) belongs to the current object."""
        self._add("include", voxels, why=why)

    def exclude(self, *voxels: tuple[int, int, int]) -> None:
        """Say that a click (one voxel) or stroke (several) does not belong to the current object."""
        if not self.waiting and not self._objects.current:
            self._state.say(sentences.NO_OBJECT)
            return
        self._add("exclude", voxels)

    def within(self, corner: tuple[int, int, int], opposite: tuple[int, int, int], why: str = "") -> None:
        """Limit the current object to a box."""
        self._add("box", (corner, opposite), why=why)

    def stroke(self, stroke: Stroke) -> None:
        """Take what was painted or erased on an object; voxels pointed at otherwise before are left out."""
        one = object_of(self._objects.here, stroke.label)
        steps = () if one is None else one.prompts.steps
        other = {"include": "exclude", "exclude": "include"}[stroke.kind]
        against = {voxel for step in steps if step.kind == other for voxel in step.voxels}
        rest = [voxel for voxel in stroke.voxels if voxel not in against]
        if rest:
            self._add(stroke.kind, rest, label=stroke.label)

    def new_object(self) -> None:
        """Let the next prompt start an object of its own."""
        self._edits.look()
        self._fresh = self.waiting > 0
        self._state.say(sentences.NEW_OBJECT if self._objects.leave_current() else sentences.FIRST_OBJECT)

    def take_back(self) -> bool:
        """Take back the latest prompt that is not answered yet; return whether there was one."""
        if not self.waiting:
            return False
        if len(self._asks) > 1:
            self._asks.pop()
            self._state.say_again(sentences.TAKEN_BACK)
        elif self._state.jobs.running == "prompt":
            self._taken_back = True
            self._state.jobs.cancel()
        else:
            self._state.jobs.drop("prompt")
            self._asks.clear()
            self._say_now(sentences.TAKEN_BACK)
        return True

    def stop(self) -> None:
        """Forget the prompts that wait; the one being answered stops by itself."""
        if self._state.jobs.running == "prompt":
            while len(self._asks) > 1:
                self._asks.pop()
        else:
            self._asks.clear()

    def _add(
        self, kind: str, voxels: Sequence[tuple[int, int, int]], *, label: int = 0, why: str = ""
    ) -> None:
        state = self._state
        if state.view is None:
            state.say(state.status if state.status.state is State.BAD_INPUT else status.NO_IMAGE)
            return
        if state.choices.promptable is None:
            state.say(sentences.NO_PROMPTABLE)
            return
        try:
            prompt = Prompt(kind, tuple(voxels))  # type: ignore[arg-type]
        except PromptError as error:
            state.say(status.error(str(error)))
            return
        label = label or self._label()
        if not label:
            state.say(sentences.NO_LABELS_LEFT)
            return
        self._queue(Ask(label, prompt, why))
        if len(self._asks) > 1:
            state.say(sentences.asking(len(self._asks) - 1))

    def _label(self) -> int:
        """Label of the object that a prompt is for: the one of the prompt before, unless a new one starts."""
        self._forget_old()
        before = self._asks[-1].label if self._asks else self._objects.current
        if self._fresh or not before:
            self._fresh = False
            return self._objects.free_label([ask.label for ask in self._asks])
        return before

    def _forget_old(self) -> None:
        """Forget prompts on another image or of another model: their answers do not come any more."""
        if self._generation != self._state.generation:
            self._generation = self._state.generation
            self._asks.clear()
            self._taken_back = self._fresh = False

    def _ask(self) -> None:
        """Ask for the answer to the first prompt that waits."""
        state, ask = self._state, self._asks[0]
        view = state.view
        assert view is not None
        self._edits.look()
        one = object_of(self._objects.here, ask.label)
        try:
            prompts = (Prompts() if one is None else one.prompts).plus(ask.prompt)
        except PromptError as error:
            self._refuse(str(error))
            return
        state.jobs.drop("warm")
        state.say(sentences.asking(len(self._asks) - 1))
        run = partial(state.backend.prompt, view, state.choices.copy(), [prompts])
        state.submit("prompt", run, partial(self._on_answer, prompts), failed=self._on_failed, replace=False)

    def _on_answer(self, prompts: Prompts, answers: Sequence[Prompted]) -> None:
        self._edits.look()
        ask = self._asks.popleft()
        taken_back, self._taken_back = self._taken_back, False
        if not answers or not answers[0].complete or taken_back:
            self._say_now(sentences.TAKEN_BACK if taken_back else sentences.STOPPED)
        else:
            self._put(ask, prompts, answers[0])
        if self._asks:
            self._ask()

    def _put(self, ask: Ask, prompts: Prompts, answer: Prompted) -> None:
        """Add an answer to what is on screen."""
        state = self._state
        before = self._objects.preview()
        old = object_of(before.objects, ask.label)
        name = self._objects.new_name() if old is None else old.name
        now = datetime.now().isoformat(timespec="seconds")
        one = ScanObject(
            label=ask.label,
            name=name,
            prompts=prompts,
            box=answer.box,
            inside=answer.inside,
            looked=answer.looked,
            keep=answer.keep,
            times=(*(() if old is None else old.times), now),
            replaces=0 if old is None else old.replaces,
        )
        one = one._replace(guess=self._guess(one))
        result = with_object(before, one, 0 if self._fresh else one.label)
        step = f"{_WHAT[ask.prompt.kind]} {one.n_prompts} of {one.name}"
        entry = {"object": one.name, "label": one.label, "prompt": ask.prompt.to_dict()}
        result.history.append(answer.entry | entry)
        self._layers.finish(result, step)
        state.say(
            sentences.answered(one, result.voxel_ml, answer.notes, ask.why or sentences.no_change(one, old))
        )

    def _guess(self, one: ScanObject) -> str:
        """Return the name of what models with names found at the object, if its name is not given yet."""
        found = name_there(one, self._objects.preview(), self._state.now.accepted)
        return "" if found.casefold() == one.name.casefold() else found

    def _on_failed(self, problem: BaseException) -> None:
        """Drop the prompt that failed; what was on screen stays, without what was painted for it."""
        ask = self._asks.popleft()
        self._taken_back = False
        self._try_again(partial(self._queue, ask))
        if isinstance(problem, VoxelsChanged):
            self._asks.clear()
            self._state.say(Status(State.STALE, ""))
        self._objects.redraw()
        if self._asks:
            self._ask()

    def _queue(self, ask: Ask) -> None:
        """Ask, behind the prompts that wait."""
        self._forget_old()
        self._asks.append(ask)
        if len(self._asks) == 1:
            self._ask()

    def _refuse(self, why: str) -> None:
        self._asks.popleft()
        self._objects.redraw()
        self._state.say(status.error(why))
        if self._asks:
            self._ask()

    def _say_now(self, text: str) -> None:
        self._state.progress_changed.emit(None)
        self._objects.redraw()
        self._state.say_current(text)
