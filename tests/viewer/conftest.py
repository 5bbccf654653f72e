"""A network, a session and a queue made of numpy, so that the dock's logic is tested without torch and Qt."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from napari_scd.cancel import CancelToken
from napari_scd.engine import Request
from napari_scd.viewer.layers.store import LayerStore
from napari_scd.viewer.logic.answers import clicked
from napari_scd.viewer.logic.backend import FrameAnswer, PartialAnswer, ReadyModel
from napari_scd.viewer.logic.choices import Choices
from napari_scd.viewer.logic.controller import Controller
from napari_scd.viewer.logic.prompted import prompted
from napari_scd.volume import LabelTable, Recipe, Volume

from ..promptable_network import ball, make_promptable

if TYPE_CHECKING:
    from napari_scd.engine import Click
    from napari_scd.viewer.logic.jobs import DockJob

PATCH = 4
N_STAGES = 3
TABLE = LabelTable.from_names(
    ["anterior hippocampus", "posterior hippocampus", "left kidney", "right kidney"],
    {"anterior hippocampus": "hippocampus", "posterior hippocampus": "hippocampus"},
)


class FakeNetwork:
    """Counts like a network of 512 tokens and three stages."""

    config = SimpleNamespace(n_stages=N_STAGES, default_keep=(0.5, 0.5, 0.5), roi=(32, 32, 32), patch=PATCH)

    def token_counts(self, keep: Any = None) -> tuple[int, ...]:
        counts = [512]
        for ratio in self._per_stage(keep):
            counts.append(max(int(counts[-1] * ratio), 8))
        return tuple(counts)

    def macs(self, keep: Any = None) -> Any:
        encoder = sum(self.token_counts(keep)) * 1000
        return SimpleNamespace(encoder=encoder, total=encoder + 500_000)

    def _per_stage(self, keep: Any) -> tuple[float, ...]:
        if keep is None:
            return tuple(self.config.default_keep)
        return keep if isinstance(keep, tuple) else (keep,) * N_STAGES


def checkpoint(field: str = "whole") -> Any:
    provenance = SimpleNamespace(name="fake", sha256="", metrics={})
    return SimpleNamespace(
        network=FakeNetwork(), recipe=Recipe("MR", field=field), labels=TABLE, provenance=provenance
    )


def fake_segmentation(
    volume: Volume,
    keep: Any,
    *,
    region: Any = None,
    only: int | None = None,
    complete: bool = True,
    misfits: tuple[str, ...] = (),
) -> Any:
    """Labels 1 where the image is above its mean (2 in the upper half), tokens from block means."""
    array = volume.array if volume.array.ndim == 3 else volume.array[0]
    region = region or tuple(slice(0, n) for n in array.shape)
    labels = np.zeros(array.shape, np.uint8)
    bright = array > array.mean()
    labels[bright] = 1
    labels[array.shape[0] // 2 :][bright[array.shape[0] // 2 :]] = 2
    outside = np.ones(array.shape, bool)
    outside[region] = False
    labels[outside] = 0
    if only == 0:
        labels[:] = 0
    grid = tuple(-(-n // PATCH) for n in array.shape)
    padded = np.zeros([n * PATCH for n in grid], np.float32)
    padded[tuple(slice(0, n) for n in array.shape)] = array
    means = padded.reshape(grid[0], PATCH, grid[1], PATCH, grid[2], PATCH).mean(axis=(1, 3, 5))
    score = (means - means.max() - 0.1).astype(np.float32)
    ratio = keep[0] if isinstance(keep, tuple) else (0.5 if keep is None else keep)
    order = np.argsort(np.argsort(-score.reshape(-1))) / score.size
    tokens = np.full(score.size, 1, np.uint8)
    stage_scores = np.full((N_STAGES, score.size), np.nan, np.float32)
    for stage in range(N_STAGES):
        alive = order < ratio**stage if stage else np.ones(score.size, bool)
        stage_scores[stage, alive] = score.reshape(-1)[alive]
        tokens[order < ratio ** (stage + 1)] = stage + 2
    to_tokens = np.diag([PATCH, PATCH, PATCH, 1.0])
    to_tokens[:3, 3] = (PATCH - 1) / 2
    affine = volume.affine @ to_tokens
    counts = {label.name: int((labels == label.index).sum()) for label in TABLE.labels}
    voxel_ml = abs(np.linalg.det(volume.affine[:3, :3])) / 1000
    keeps = keep if isinstance(keep, tuple) else (ratio,) * N_STAGES
    values = {
        "model": "fake",
        "sha256": "",
        "keep": list(keeps),
        "n_windows": 8,
        "n_windows_planned": 8,
        "device": "cpu",
        "seconds": {"prefix": 0.8, "rest": 0.8, "total": 1.6},
        "voxels": counts,
        "volumes_ml": {name: n * voxel_ml for name, n in counts.items()},
        "confidence": {TABLE.name_of(i): (0.9, 0.6)[i - 1] for i in (1, 2) if (labels == i).any()},
        "misfits": list(misfits),
    }
    percent = np.where(labels == 2, 60, 90).astype(np.uint8)
    percent[outside] = 0
    report = SimpleNamespace(
        **{**values, "keep": keeps, "seconds": SimpleNamespace(total=1.6)}, to_dict=lambda: dict(values)
    )
    return SimpleNamespace(
        labels=Volume(labels, volume.affine),
        tokens=Volume(tokens.reshape(grid), affine),
        scores=Volume(score, affine),
        stage_scores=stage_scores.reshape(N_STAGES, *grid),
        confidence=Volume(percent, volume.affine),
        complete=complete,
        report=report,
        region=region,
    )


class FakeBackend:
    """Answers like the backend, at once; `fail` makes the next job raise."""

    def __init__(self, field: str = "whole") -> None:
        self.field = field
        self.fail: BaseException | None = None
        self.calls: list[str] = []
        self.n_windows = 8
        self.warnings: tuple[str, ...] = ()
        self.ahead = False
        self.tells_slices = False
        self.misfits: tuple[str, ...] = ()

    def preload(self, progress: Any, cancel: Any) -> tuple[str, ...]:
        self._called("preload")
        return ("auto", "cpu")

    def prepare(self, view: Any, choices: Any, progress: Any, cancel: Any) -> Any:
        self._called("prepare")
        if view is None:
            return None
        return ReadyModel(checkpoint(self.field), self._plan(None), self.warnings)

    def warm(self, view: Any, choices: Any, centre: Any, progress: Any, cancel: Any) -> Any:
        self._called("warm")
        return ReadyModel(checkpoint(self.field), self._plan(11.0), self.warnings, 11.0)

    def warm_pointed(self, view: Any, choices: Any, centre: Any, progress: Any, cancel: Any) -> None:
        self._called("warm_pointed")

    def segment(self, view: Any, choices: Any, centre: Any, part: Any, progress: Any, cancel: Any) -> Any:
        self._called("segment")
        if self.ahead:
            window = tuple(slice(max(i - 8, 0), i + 8) for i in centre)
            for region in (window, *([part] if part else [])):
                progress(PartialAnswer(fake_segmentation(view.volume(), choices.keep_request, region=region)))
        progress(SimpleNamespace(done=4, total=8, seconds_left=2.0, message="window 4 of 8, 2 s left"))
        answer = fake_segmentation(
            view.volume(), choices.keep_request, complete=not cancel.cancelled, misfits=self.misfits
        )
        if cancel.cancelled:
            answer.report.n_windows = 4
        return answer

    def segment_frames(self, views: Any, choices: Any, progress: Any, cancel: Any) -> int:
        self._called("segment_frames")
        for number, view in enumerate(views):
            if cancel.cancelled:
                return number
            progress(FrameAnswer(view, fake_segmentation(view.volume(), choices.keep_request)))
        return len(views)

    def click(self, view: Any, choices: Any, places: Any, progress: Any, cancel: Any) -> list[Any]:
        self._called("click")
        answers = []
        for index, everything in places:
            region = tuple(slice(max(i - 6, 0), i + 6) for i in index)
            volume = view.volume()
            found = 1 if volume.array[index] > volume.array.mean() else 0
            segmentation = fake_segmentation(volume, choices.keep_request, region=region, only=found)
            message = "hippocampus, 1.2 ml" if found else "nothing found here (most likely: liver 0.31)"
            answer = SimpleNamespace(
                segmentation=segmentation,
                label=found,
                name="hippocampus" if found else "",
                message=message,
                index=index,
                windows=1,
            )
            answers.append(clicked(cast("Click", answer), view, TABLE, everything=everything))
        return answers

    def preview(self, view: Any, choices: Any, centre: Any, part: Any, progress: Any, cancel: Any) -> Any:
        self._called("preview")
        region = tuple(slice(max(i - 8, 0), i + 8) for i in centre)
        if part is not None and self.tells_slices:
            ahead = fake_segmentation(view.volume(), choices.keep_request, region=part)
            progress(PartialAnswer(ahead))
        return fake_segmentation(view.volume(), choices.keep_request, region=region)

    def compare(self, view: Any, choices: Any, centre: Any, progress: Any, cancel: Any) -> Any:
        self._called("compare")
        return SimpleNamespace(dice=0.97, keep=(0.5, 0.5, 0.5))

    def _plan(self, seconds: float | None) -> Any:
        return SimpleNamespace(
            n_windows=self.n_windows, seconds=seconds, device="cpu", tokens=(512, 256, 128, 64)
        )

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self.fail is not None:
            problem, self.fail = self.fail, None
            raise problem


class HandQueue:
    """Runs jobs when the test says so, in this thread."""

    def __init__(self) -> None:
        self.queue: list[DockJob] = []
        self.flag = CancelToken()
        self._running: DockJob | None = None
        self.closed = False

    @property
    def running(self) -> str | None:
        return self._running.kind if self._running else None

    @property
    def waiting(self) -> tuple[str, ...]:
        return tuple(job.kind for job in self.queue)

    def submit(self, work: DockJob, *, replace: bool = True) -> None:
        if self.closed:
            return
        if replace:
            self.queue = [waiting for waiting in self.queue if waiting.kind != work.kind]
        self.queue.append(work)

    def drop(self, *kinds: str) -> None:
        self.queue = [waiting for waiting in self.queue if waiting.kind not in kinds]

    def cancel(self) -> None:
        self.queue.clear()
        self.flag.cancel()

    def close(self) -> None:
        self.closed = True
        self.cancel()

    def begin(self) -> DockJob:
        """Take the next job without running it."""
        self._running = self.queue.pop(0)
        self.flag = CancelToken()
        return self._running

    def finish(self) -> None:
        """Run the job that was begun."""
        work = self._running
        assert work is not None
        try:
            value = work.run(work.progressed, self.flag)
        except Exception as problem:
            work.failed(problem)
        else:
            work.done(value)
        self._running = None

    def run_all(self) -> None:
        while self.queue:
            self.begin()
            self.finish()


def blob(shape: tuple[int, ...] = (24, 28, 32)) -> np.ndarray:
    """A bright ball off the middle, on noise; no symmetry, so that flips show."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
    centre = np.asarray(shape) * (0.4, 0.55, 0.6)
    inside = np.linalg.norm((grid - centre) / (np.asarray(shape) / 2), axis=-1) < 0.5
    return np.asarray(inside * 100 + np.random.default_rng(0).normal(0, 2, shape), np.float32)


@pytest.fixture
def model() -> Any:
    """A viewer without a window."""
    components = pytest.importorskip("napari.components")
    return components.ViewerModel()


@pytest.fixture
def dock(model: Any) -> Any:
    """A viewer with an image, and a controller on it whose jobs run by hand."""
    return make_dock(model)


def make_dock(
    model: Any, field: str = "whole", *, backend: Any = None, promptable: str | None = None, **image: Any
) -> Any:
    data = image.pop("data", blob())
    layer = model.add_image(data, **({"name": "ct", "scale": (2, 1, 1), "units": "mm"} | image))
    queue, backend = HandQueue(), backend or FakeBackend(field)
    choices = Choices(volumes=(layer.unique_id,), model="fake", world_axes="SPL")
    choices.promptable = promptable
    control = Controller(LayerStore(model), queue, backend, choices)
    ticks = itertools.count(0.0, 1.6)  # every run takes 1.6 s
    control.runs._clock = lambda: next(ticks)
    control.source.preload()
    queue.run_all()
    return SimpleNamespace(
        viewer=model, image=layer, control=control, queue=queue, backend=backend, choices=choices
    )


class PointedBackend(FakeBackend):
    """Answers prompts with the engine, around a network that finds what is as bright as the place clicked."""

    def __init__(self, field: str = "prompt") -> None:
        super().__init__(field)
        self.sessions: dict[Any, Any] = {}

    def prompt(self, view: Any, choices: Any, asked: Any, progress: Any, cancel: Any) -> list[Any]:
        self._called("prompt")
        session, request = self._session(view), Request(keep=choices.keep)
        answers = [session.prompt(prompts, request, cancel=cancel) for prompts in asked]
        return [prompted(answer, view, session.labels, session.warnings) for answer in answers]

    def compare_prompts(self, view: Any, choices: Any, prompts: Any, progress: Any, cancel: Any) -> Any:
        self._called("compare")
        return SimpleNamespace(dice=0.93, keep=(0.5,))

    def _session(self, view: Any) -> Any:
        if view.key not in self.sessions:
            self.sessions[view.key] = make_promptable(view.volume())
        return self.sessions[view.key]


def two_balls() -> np.ndarray:
    """A scan of two balls, of brightness 1 and 2, and a third of brightness 1 that touches the first."""
    shape = (40, 48, 56)
    masks = (ball(shape, (20, 16, 16), 8), ball(shape, (20, 16, 42), 7), ball(shape, (20, 34, 16), 9.5))
    image = np.zeros(shape, np.float32)
    for value, mask in zip((1, 2, 1), masks, strict=True):
        image[mask] = value
    return image


@pytest.fixture
def pointed(model: Any) -> Any:
    """A viewer with a scan of two balls, and a controller with a promptable model."""
    return make_dock(model, backend=PointedBackend(), promptable="fake", data=two_balls(), scale=(1, 1, 1))
