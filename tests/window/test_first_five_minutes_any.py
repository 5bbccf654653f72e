"""What a new user does first with `any`: click, see a wrong border, correct it, accept, export.

By mouse and keyboard, in a real window, with the weights that ship, on the synthetic phantom and on a real CT
where ``../shared`` holds one. The simulated user takes from the truth where the border is wrong, as a person
sees it in the image.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QPoint, Qt  # noqa: E402
from qtpy.QtWidgets import QFileDialog, QLineEdit  # noqa: E402
from scipy import ndimage  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402
from napari_scd.volume import read_label_table, read_labels  # noqa: E402

from .conftest import CONTROL, NONE, SHIFT, QTest, Window  # noqa: E402
from .test_prompts import LEFT, RIGHT, answered, kinds, point_at  # noqa: E402

if TYPE_CHECKING:
    Voxel = tuple[int, int, int]

pytestmark = [pytest.mark.window, pytest.mark.filterwarnings("ignore:Private attribute:FutureWarning")]

CT = "data/abdomen_ct/images/img0003.nii.gz"
LEFT_KIDNEY = 3  # in the labels of the CT and of the phantom
CORRECTIONS = 3


class Patient(NamedTuple):
    """An image layer and the true left kidney in its voxels."""

    image: Any
    truth: np.ndarray

    def deepest(self, mask: np.ndarray) -> Voxel:
        """The voxel of a mask that is farthest from its border."""
        (box,) = ndimage.find_objects(mask.astype(np.uint8))
        inside = np.pad(mask[box], 1)
        depth = ndimage.distance_transform_edt(inside, sampling=self.image.scale)[1:-1, 1:-1, 1:-1]
        deepest = np.unravel_index(int(depth.argmax()), depth.shape)
        z, y, x = (int(at) + side.start for at, side in zip(deepest, box, strict=True))
        return z, y, x


@pytest.mark.parametrize("scan", ["phantom", "ct"])
def test_the_first_five_minutes_of_any(open_window: Any, tmp_path: Path, scan: str) -> None:
    window: Window = open_window(shipped=True, dock=False)
    patient = open_the_phantom(window) if scan == "phantom" else open_the_ct(window)
    choose_any(window)
    first = click(window, patient)
    correct(window, patient, first)
    window.shoot(f"any-{scan}-corrected")
    take_back_and_give_again(window)
    name(window, "left kidney")
    look_at_tokens(window)
    window.shoot(f"any-{scan}-tokens")
    accept(window)
    export_and_read(window, tmp_path / "kidney.nii.gz")


def open_the_phantom(window: Window) -> Patient:
    """1: File > Open Sample > SCD > Synthetic phantom."""
    window.menu("File", "Open Sample", "SCD", "Synthetic phantom")
    window.until(lambda: len(window.viewer.layers) == 2)
    image, truth = (window.viewer.layers[name] for name in ("phantom MR", "phantom truth"))
    kidney = np.asarray(truth.data) == LEFT_KIDNEY
    window.viewer.layers.remove(truth)
    return Patient(image, kidney)


def open_the_ct(window: Window) -> Patient:
    """1: A CT, with the plugin's reader."""
    path = Path(__file__).parents[2].parent / "shared" / CT
    if not path.exists():
        pytest.skip(f"{CT} is not there")
    (image,) = window.viewer.open(str(path), plugin="napari-scd")
    truth = read_labels(path.parent.parent / "labels" / path.name)
    return Patient(image, np.asarray(truth.array) == LEFT_KIDNEY)


def choose_any(window: Window) -> None:
    """2: Plugins > SCD; the model that answers clicks on anything; K."""
    window.open_dock()
    window.use("any")
    window.until(lambda: not window.control.busy)
    assert window.part("status").text().endswith("press K, then click anything.")
    window.key(Qt.Key.Key_K)
    assert window.part("click").isChecked()


def click(window: Window, patient: Patient) -> float:
    """3: One click in the kidney makes an object of it; return its Dice."""
    press(window, patient, patient.deepest(patient.truth))
    assert "1 prompt" in window.part("status").text() and kinds(window) == [["include"]]
    return dice(shown(window), patient.truth)


def correct(window: Window, patient: Patient, first: float) -> None:
    """4: The border is wrong: click what is missing, right click what is too much, and then just outside."""
    for number in range(CORRECTIONS):
        wrong = shown(window) ^ patient.truth
        place = patient.deepest(wrong)
        press(window, patient, place, LEFT if patient.truth[place] else RIGHT)
        assert len(kinds(window)[0]) == number + 2
    assert dice(shown(window), patient.truth) > max(first - 0.02, 0.6), "corrections help"
    grown = ndimage.binary_dilation(patient.truth, iterations=4)
    outside = grown & ~ndimage.binary_dilation(patient.truth)
    too_much = outside & shown(window)
    place = patient.deepest(too_much if too_much.any() else outside)
    press(window, patient, place, RIGHT)
    assert kinds(window)[0][-1] == "exclude" and not shown(window)[place]


def take_back_and_give_again(window: Window) -> None:
    """5: Ctrl+Z, Ctrl+Shift+Z."""
    before = shown(window)
    given = len(kinds(window)[0])
    window.key(Qt.Key.Key_Z, CONTROL)
    assert len(kinds(window)[0]) == given - 1
    window.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert len(kinds(window)[0]) == given and np.array_equal(shown(window), before)


def name(window: Window, text: str) -> None:
    """6: A double click on the object in the list, a name, Enter."""
    rows = window.part("objects")
    place = rows.visualItemRect(rows.topLevelItem(0)).center()
    place = QPoint(40, place.y())
    QTest.mouseClick(rows.viewport(), LEFT, NONE, place)
    QTest.mouseDClick(rows.viewport(), LEFT, NONE, place)
    (editor,) = rows.viewport().findChildren(QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, text)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    window.until(lambda: rows.topLevelItem(0).text(0) == text)


def look_at_tokens(window: Window) -> None:
    """7: H shows where the network looked for the latest click."""
    window.key(Qt.Key.Key_H)
    tokens = window.layer("tokens")
    window.until(lambda: tokens.visible)
    there = np.unique(tokens.data)
    assert {1, 2} <= set(there.tolist()), "some left, some survived"


def accept(window: Window) -> None:
    """8: U writes the object into the segmentation."""
    found = shown(window)
    window.key(Qt.Key.Key_U)
    window.wait(State.DONE)
    assert window.part("status").text().startswith("Accepted 1 object, ")
    assert np.array_equal(window.layer("seg").data > 0, found) and window.layer("preview") is None


def export_and_read(window: Window, path: Path) -> None:
    """9: Export; the file holds the same voxels and the name, and the prompts lie beside it."""
    window.press("export")
    (dialog,) = window.widget.findChildren(QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.close()
    window.until(lambda: window.part("status").text().startswith(f"Saved {path.name}"))
    assert np.array_equal(read_labels(path).array, window.layer("seg").data)
    table = read_label_table(path)
    assert table is not None and table.names == ("left kidney",)
    assert path.with_name("kidney_prompts.json").is_file()


def press(window: Window, patient: Patient, voxel: Voxel, button: Any = LEFT) -> None:
    """Go to the slice of a voxel, click it, and wait for the answer."""
    world = patient.image.data_to_world(voxel)
    window.viewer.dims.set_point(0, world[0])
    window.qtbot.wait(100)
    place = point_at(window, world)
    QTest.mouseMove(window.canvas.native, place)
    QTest.mouseClick(window.canvas.native, button, NONE, place)
    answered(window)
    window.wait(State.PREVIEW)


def shown(window: Window) -> np.ndarray:
    return np.asarray(window.layer("preview").data) > 0


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    return float(2 * np.count_nonzero(found & truth) / (np.count_nonzero(found) + np.count_nonzero(truth)))
