"""Clicks on every structure, and what they are worth: numbers that are known by hand."""

from __future__ import annotations

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pytest

from napari_scd.errors import InputError
from napari_scd.evaluation import (
    ClickHeading,
    ClickPlan,
    ClickStep,
    ClickTrack,
    click_case,
    clicks_to_csv,
    clicks_to_dict,
    clicks_to_markdown,
    find_cases,
    names_beside,
    plot_dice_against_clicks,
    summarise_clicks,
)
from napari_scd.volume import Recipe

HEADING = ClickHeading("points", "0123456789abcdef", "cpu", "float32", 0.1, "random")


class Balls:
    """Stands in for a promptable session: the answer is a cube around each include click."""

    def __init__(self, reach=2):
        self.recipe = Recipe("any", field="prompt", normalise_over="window", activation="sigmoid")
        self.reach = reach
        self.asked = []

    def set_volume(self, volume):
        self.shape = volume.spatial_shape

    def prompt(self, prompts, request):
        self.asked.append(prompts)
        mask = np.zeros(self.shape, np.uint8)
        for z, y, x in prompts.included:
            r = self.reach
            mask[max(z - r, 0) : z + r + 1, max(y - r, 0) : y + r + 1, max(x - r, 0) : x + r + 1] = 1
        for voxel in prompts.excluded:
            mask[voxel] = 0
        windows = (3,) * len(prompts.steps)
        report = SimpleNamespace(
            tokens=(64, 16), n_windows=sum(windows), prompts=SimpleNamespace(n_windows=windows)
        )
        return SimpleNamespace(labels=SimpleNamespace(array=mask), report=report)


def _case(folder, name="full"):
    return find_cases(images=folder / "images", labels=folder / "labels").cases[name]


def _tracks(session, folder, plan, name="full"):
    return [track for _, track in click_case(session, _case(folder, name), plan)]


def test_every_value_is_clicked_and_named(data_folder, shell_and_core):
    plan = ClickPlan(3, names={2: "core"})
    shell, core = _tracks(Balls(), data_folder, plan)
    assert (shell.structure, core.structure) == ("label 1", "core")
    assert core.voxels == 2 * 4 * 4
    first = core.steps[0]
    assert first.include
    assert shell_and_core[first.voxel] == 2
    assert first.tokens == (64, 16)
    assert first.n_windows == 3
    assert first.seconds >= 0


def test_clicks_follow_each_other_to_the_end_of_the_users_patience(data_folder):
    session = Balls()
    shell, _ = _tracks(session, data_folder, ClickPlan(2))
    assert len(shell.steps) == 20  # 0.85 is never reached by cubes in a shell
    assert shell.clicks_to_good is None
    assert len(session.asked[19].steps) == 20
    assert any(not step.include for step in shell.steps)


def test_the_same_clicks_again(data_folder):
    def seen():
        return [
            (step.voxel, step.dice)
            for track in _tracks(Balls(), data_folder, ClickPlan(5))
            for step in track.steps
        ]

    assert seen() == seen()


def test_a_model_with_names_adds_structures(session, data_folder):
    shell, core = _tracks(session, data_folder, ClickPlan(5))
    assert core.dice_after(1) == core.dice_after(5) == 1.0
    assert len(core.steps) == 1
    assert shell.dice_after(1) == 1.0
    assert shell.clicks_to_good == 1


def test_small_structures_and_ignored_ones_are_left_out(session, tmp_path, shell_and_core, write):
    shell_and_core[0, 0, :9] = 7
    write(tmp_path, "full", shell_and_core)
    assert [t.structure for t in _tracks(session, tmp_path, ClickPlan(1))] == ["label 1", "label 2"]
    only_one = ClickPlan(1, ignored_values=frozenset({1}))
    assert [t.structure for t in _tracks(session, tmp_path, only_one)] == ["label 2"]
    named = ClickPlan(1, only=frozenset({"label 1"}))
    assert [t.structure for t in _tracks(session, tmp_path, named)] == ["label 1"]


def test_a_case_without_structures_is_named(session, tmp_path, write):
    write(tmp_path, "full", np.zeros((12, 18, 20), np.uint8))
    with pytest.raises(InputError, match=r"full.nii.gz holds no structure of at least 30 voxels"):
        _tracks(session, tmp_path, ClickPlan(1))


def _track(case, structure, *dice):
    steps = tuple(
        ClickStep((1, 2, 3), at != 1, one, 0.1 * (at + 1), (64, 16), 2) for at, one in enumerate(dice)
    )
    return ClickTrack(case, structure, 100, steps)


@pytest.fixture
def row():
    tracks = [_track("a", "liver", 0.5, 0.9), _track("b", "liver", 0.7, 0.8), _track("a", "spleen", 0.2)]
    return summarise_clicks("points", tracks, (1, 2, 3))


def test_a_mean_counts_every_structure_alike(row):
    assert row.structures["liver"].dice == pytest.approx({1: 0.6, 2: 0.85, 3: 0.85})
    assert row.overall.dice == pytest.approx({1: 0.4, 2: 0.525, 3: 0.525})
    assert row.structures["liver"].clicks_to_good == pytest.approx((2 + 20) / 2)
    assert row.structures["liver"].good_share == 0.5
    assert row.overall.good_share == 0.25
    assert row.seconds_median == pytest.approx(0.1)
    assert row.n_cases == 2


def test_tables_say_what_was_measured(row):
    text = clicks_to_markdown(HEADING, [row, row._replace(model="named")])
    assert "keep 0.1, tokens chosen by 'random'" in text
    assert "| points | 0.400 | 0.525 | 0.525 | 15.5 | 25 % |" in text
    assert "## named by structure" in text
    values = clicks_to_dict(HEADING, [row, row._replace(model="named")])
    json.dumps(values)
    assert values["mean"] == pytest.approx({"1": 0.4, "2": 0.525, "3": 0.525})
    assert set(values["seconds_per_click"]) == {"median", "p95"}
    assert values["structures"]["spleen"]["1"] == pytest.approx(0.2)
    assert values["baselines"]["named"]["mean"]["1"] == pytest.approx(0.4)


def test_every_click_is_a_line(row):
    lines = list(csv.DictReader(io.StringIO(clicks_to_csv({"points": [_track("a", "liver", 0.5, 0.9)]}))))
    assert [line["dice"] for line in lines] == ["0.5000", "0.9000"]
    assert [line["kind"] for line in lines] == ["include", "exclude"]
    assert lines[0]["tokens"] == "64>16"


def test_the_plot_is_a_picture(row, tmp_path):
    plot_dice_against_clicks(tmp_path / "plot.png", [row, row._replace(model="named")])
    assert (tmp_path / "plot.png").read_bytes()[:4] == b"\x89PNG"


def test_names_lie_beside_the_label_maps(tmp_path):
    (tmp_path / "labels").mkdir()
    assert names_beside(tmp_path / "labels") == {}
    (tmp_path / "labels.json").write_text('{"background": 0, "liver": 6}')
    assert names_beside(tmp_path / "labels")[6] == "liver"
    (tmp_path / "labels.json").write_text('{"maps": [{"code": 1}]}')
    assert names_beside(tmp_path / "labels") == {}
    (tmp_path / "labels.json").write_text("{")
    assert names_beside(tmp_path / "labels") == {}
