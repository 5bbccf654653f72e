"""How long a promptable model makes a person wait for a click, without a window system."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_scd.benchmarks.large_targets import large_targets
from napari_scd.benchmarks.latency import LatencyBenchmark, Wait
from napari_scd.benchmarks.timer import Timer
from napari_scd.checkpoints import load
from napari_scd.engine import Prompts, Request, Session, TakesNoPrompts, choose_hardware
from napari_scd.volume import load_icbm152

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_scd.engine import PromptNotes, Segmentation
    from napari_scd.volume import Volume

CORRECTION_MM = 15.0
_SEED = 0
_CANDIDATES = 20_000
_WAITS = {
    "cold": "model loaded, scan prepared, first click answered",
    "first click": "first click on an object, scan prepared",
    "correction": "second click on an object, 15 mm from the first",
    "zoom-out": "click that zooms out, as the object continues beyond its window",
}


class ClickTimes(NamedTuple):
    """Seconds of clicks on one scan.

    Attributes
    ----------
    first_s, correction_s : tuple of float
        First clicks, and second clicks on the same objects.
    n_windows : tuple of int
        Of each first click and each correction.
    zoomed_s : tuple of float
        Clicks for which windows were zoomed out; on large targets, those of no other group.
    n_large : int
        Large targets that were clicked to find these.
    """

    first_s: tuple[float, ...]
    correction_s: tuple[float, ...]
    n_windows: tuple[int, ...]
    zoomed_s: tuple[float, ...] = ()
    n_large: int = 0


def time_prompts(
    model: str,
    volume: Volume | None = None,
    *,
    rounds: int = 9,
    request: Request | None = None,
    processor_time: bool = False,
) -> LatencyBenchmark:
    """Time clicks on a scan: cold, first, zooming out, correcting.

    Parameters
    ----------
    model : str
        Name or file of a promptable model.
    volume : Volume, optional
        The ICBM152 sample if left out.
    rounds : int
        Objects that are clicked, at places that are the same in every run.
    request : Request, optional
    processor_time : bool
        Count the seconds that processors spent, instead of wall time.

    Raises
    ------
    TakesNoPrompts
        If the model is of another kind.
    InputError
        If model or scan cannot be used.
    """
    volume = load_icbm152() if volume is None else volume
    request = request or Request()
    hardware = choose_hardware(request)
    timer = Timer(hardware, processor_time)
    cold = [_time(partial(_answer_cold, model, volume, request), timer)[0] for _ in range(min(rounds, 3))]
    session = Session(*load(model))
    session.set_volume(volume)
    times = time_clicks(session, rounds=rounds, request=request, timer=timer)
    machine = {
        "model": session.name,
        "shape": list(volume.spatial_shape),
        "device": hardware.device.type,
        "precision": hardware.precision,
        "threads": torch.get_num_threads(),
        "clock": timer.clock,
        "windows_per_click": float(np.mean(times.n_windows)),
    }
    return LatencyBenchmark(waits_of(times, cold), None, machine, _notes_on(times))


def time_clicks(session: Session, *, rounds: int, request: Request, timer: Timer) -> ClickTimes:
    """Time first clicks, corrections and zooming out on the volume of a session, once everything is warm."""
    volume = session.volume
    assert volume is not None
    first: list[float] = []
    corrections: list[float] = []
    windows: list[int] = []
    for number, (place, other) in enumerate(_places(volume, rounds + 1)):
        one = Prompts().include(place)
        two = one.exclude(other) if number % 2 else one.include(other)
        first_s, _ = _time(partial(session.prompt, one, request), timer)
        correction_s, corrected = _time(partial(session.prompt, two, request), timer)
        if number == 0:
            continue  # the first one warms up
        first.append(first_s)
        corrections.append(correction_s)
        windows += _notes(corrected).n_windows
    zoomed, n_large = _time_zooming_out(session, rounds, request, timer)
    return ClickTimes(tuple(first), tuple(corrections), tuple(windows), zoomed, n_large)


def _time_zooming_out(
    session: Session, rounds: int, request: Request, timer: Timer
) -> tuple[tuple[float, ...], int]:
    """Click large targets deep inside, then what the answer missed; time the clicks that zoom out.

    Returns their seconds, at most `rounds`, and how many targets were clicked.
    """
    volume = session.volume
    assert volume is not None
    zoomed: list[float] = []
    n_large = 0
    for target in large_targets(volume):
        if len(zoomed) >= rounds:
            break
        n_large += 1
        prompts = Prompts().include(target.middle)
        first_s, answer = _time(partial(session.prompt, prompts, request), timer)
        if _zoomed_out(answer):
            zoomed.append(first_s)
            continue
        missed = target.missed_by(np.asarray(answer.labels.array) != 0)
        if missed is None or missed == target.middle:
            continue
        second_s, answer = _time(partial(session.prompt, prompts.include(missed), request), timer)
        if _zoomed_out(answer):
            zoomed.append(second_s)
    return tuple(zoomed), n_large


def waits_of(times: ClickTimes, cold_s: Sequence[float] = ()) -> tuple[Wait, ...]:
    """Compare times with their goals: half of the clicks within half a second, 95 % within a second."""
    measured = {
        "cold": tuple(cold_s),
        "first click": times.first_s,
        "correction": times.correction_s,
        "zoom-out": times.zoomed_s,
    }
    waits = [_wait("", _WAITS[name], seconds, None, 0.5) for name, seconds in measured.items() if seconds]
    every = times.first_s + times.correction_s
    waits.append(_wait("", "any click, median", every, 0.5, 0.5))
    waits.append(_wait("", "any click, 95 of 100", every, 1.0, 0.95))
    return tuple(waits)


def _notes_on(times: ClickTimes) -> tuple[str, ...]:
    if times.zoomed_s:
        return ()
    return (
        "Zooming out was not timed: two clicks on each of the "
        f"{times.n_large} largest evenly bright regions got answers that end inside their first window.",
    )


def _wait(goal: str, what: str, seconds: Sequence[float], goal_s: float | None, share: float) -> Wait:
    median, p95 = np.percentile(seconds, (50, 95)).tolist()
    return Wait(goal, what, len(seconds), median, p95, goal_s, share)


def _answer_cold(model: str, volume: Volume, request: Request) -> Segmentation:
    session = Session(*load(model))
    if session.recipe.field != "prompt":
        raise TakesNoPrompts(session.name)
    session.set_volume(volume)
    return session.prompt(Prompts().include(next(_places(volume, 1))[0]), request)


def _time(work: Callable[[], Segmentation], timer: Timer) -> tuple[float, Segmentation]:
    began = timer.now()
    result = work()
    return timer.now() - began, result


def _zoomed_out(answer: Segmentation) -> bool:
    """Whether a later window of the latest prompt was coarser than its first."""
    spacings_mm = _notes(answer).spacings_mm
    return max(spacings_mm) > spacings_mm[0]


def _notes(answer: Segmentation) -> PromptNotes:
    assert answer.report.prompts is not None
    return answer.report.prompts


def _places(volume: Volume, count: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Places outside air, each with a second one beside it; always the same for the same scan."""
    rng = np.random.default_rng(_SEED)
    array = volume.array if volume.array.ndim == 3 else volume.array[0]
    step = max(1, round((array.size / _CANDIDATES) ** (1 / 3)))
    sample = np.asarray(array[::step, ::step, ::step])
    bright = np.argwhere(sample >= sample.mean()) * step
    spacing = np.asarray(volume.spacing_mm)
    for place in bright[rng.choice(len(bright), count)]:
        away = rng.normal(size=3)
        shift = CORRECTION_MM * away / np.linalg.norm(away) / spacing
        other = np.clip(np.rint(place + shift), 0, np.asarray(array.shape) - 1).astype(int)
        if np.array_equal(other, place):  # in a very small scan
            other = (place + 1) % np.asarray(array.shape)
        yield tuple(place.tolist()), tuple(other.tolist())
