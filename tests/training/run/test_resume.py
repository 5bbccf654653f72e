"""A run that was killed, stopped or ran out of time ends bit for bit where an undisturbed one does."""

from __future__ import annotations

import csv
import dataclasses
import signal

import pytest
import torch

from napari_scd.errors import InputError
from napari_scd.training import train
from napari_scd.training.data.batches import BatchMaker
from napari_scd.training.run.state_file import STATE_NAME, forget_state


class Killed(Exception):
    """Stands in for the power cut."""


def _at_step(monkeypatch, step, action):
    original = BatchMaker.batch

    def batch(self, number):
        if number == step:
            action()
        return original(self, number)

    monkeypatch.setattr(BatchMaker, "batch", batch)


def _power_cut():
    raise Killed


def _assert_same(finished, folder, other, other_folder):
    assert finished.step == other.step
    assert finished.validation == other.validation
    assert finished.best_step == other.best_step
    assert finished.loss == other.loss
    for name, weight in finished.weights.items():
        assert torch.equal(weight, other.weights[name]), name
    states = [torch.load(where / STATE_NAME, weights_only=True) for where in (folder, other_folder)]
    for name, weight in states[0]["parts"].items():
        assert torch.equal(weight, states[1]["parts"][name]), name
    for key, moments in states[0]["optimiser"]["state"].items():
        for name, value in moments.items():
            assert torch.equal(value, states[1]["optimiser"]["state"][key][name]), name


def _column(path, name):
    with path.open() as stream:
        return [row[name] for row in csv.DictReader(stream)]


@pytest.mark.parametrize("step", [3, 4])
def test_a_killed_run_goes_on_exactly(finished_run, tmp_path, monkeypatch, step, options):
    config, folder, undisturbed = finished_run
    hurried = dataclasses.replace(config, checkpoint_seconds=0.0)
    with monkeypatch.context() as patch:
        _at_step(patch, step, _power_cut)
        with pytest.raises(Killed):
            train(hurried, options(tmp_path))
    assert torch.load(tmp_path / STATE_NAME, weights_only=True)["step"] <= step
    finished = train(config, options(tmp_path))
    _assert_same(finished, tmp_path, undisturbed, folder)
    for name, column in (("log.csv", "loss"), ("validation.csv", "dice@0.5")):
        assert _column(tmp_path / name, column) == _column(folder / name, column)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_with_a_checkpoint(finished_run, tmp_path, monkeypatch, number, options):
    config, folder, undisturbed = finished_run
    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        _at_step(patch, 2, lambda: signal.raise_signal(number))
        stopped = train(config, options(tmp_path))
    assert (stopped.signal, stopped.step, stopped.done) == (number, 3, False)
    assert signal.getsignal(number) is before
    _assert_same(train(config, options(tmp_path)), tmp_path, undisturbed, folder)


def test_a_second_signal_ends_at_once(config, tmp_path, monkeypatch, options):
    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    _at_step(monkeypatch, 1, twice)
    with pytest.raises(KeyboardInterrupt):
        train(config, options(tmp_path))


def test_no_time_at_all_still_leaves_a_state(finished_run, tmp_path, options):
    config, folder, undisturbed = finished_run
    stopped = train(config, options(tmp_path, max_minutes=0))
    assert stopped.step == 0
    assert stopped.validation == {}
    _assert_same(train(config, options(tmp_path)), tmp_path, undisturbed, folder)


def test_a_finished_run_has_nothing_left_to_do(finished_run, options):
    config, folder, finished = finished_run
    again = train(config, options(folder))
    _assert_same(again, folder, finished, folder)


def test_a_longer_run_goes_on_from_a_finished_one(config, tmp_path, options):
    short = dataclasses.replace(config, steps=2)
    assert train(short, options(tmp_path)).done
    assert train(dataclasses.replace(config, steps=3), options(tmp_path)).step == 3


def test_starting_anew(config, tmp_path, options):
    first = dataclasses.replace(config, steps=1)
    train(first, options(tmp_path))
    forget_state(tmp_path)
    assert (tmp_path / f"{STATE_NAME}.old").is_file()
    assert train(dataclasses.replace(first, lr=0.5), options(tmp_path)).step == 1


def test_a_loss_that_is_no_number_stops_and_is_not_saved(config, tmp_path, monkeypatch, options):
    original = BatchMaker.batch

    def spoilt(self, number):
        batch = original(self, number)
        return batch._replace(image=batch.image * float("nan")) if number >= 2 else batch

    monkeypatch.setattr(BatchMaker, "batch", spoilt)
    hurried = dataclasses.replace(config, checkpoint_seconds=0.0, validate_every=100)
    with pytest.raises(InputError, match="lower 'lr'"):
        train(hurried, options(tmp_path))
    state = torch.load(tmp_path / STATE_NAME, weights_only=True)
    assert all(value.isfinite().all() for value in state["parts"].values())
