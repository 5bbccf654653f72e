"""A napari window with the dock, driven by mouse and keyboard, and two models of random weights."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.settings import get_plugin_settings
from PIL import Image

pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt  # noqa: E402
from qtpy.QtGui import QMouseEvent  # noqa: E402
from qtpy.QtTest import QTest as _QTest  # noqa: E402
from qtpy.QtWidgets import QApplication, QPushButton, QStyle, QStyleOptionSlider, QWidget  # noqa: E402

from napari_scd.viewer.state import State  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

WAIT_MS = 1000 * int(os.environ.get("SCD_WAIT_S", "120"))
QTest: Any = _QTest  # its stubs take static methods for those of an instance
LEFT = Qt.MouseButton.LeftButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a whole-volume model and a click model of random weights."""
    import torch

    from napari_scd.checkpoints import Provenance, save
    from napari_scd.model import ModelConfig, build_network
    from napari_scd.volume import LabelTable, Recipe

    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    config = ModelConfig(
        out_channels=3, roi=(32, 32, 32), patch=8, embed_dim=24, depth=3, heads=2, prune_after=(0, 1, 2),
        completion_dim=12, completion_heads=2, features=4, min_tokens=4,
    )  # fmt: skip
    table = LabelTable.from_names(["front", "back"], {"front": "whole", "back": "whole"})
    for field in ("whole", "click"):
        recipe = Recipe("MR", spacing_mm=(2.0, 2.0, 2.0), field=field)
        name = f"aa-{field}"
        save(folder / f"{name}.safetensors", build_network(config), recipe, table, Provenance(name=name))
    return folder


@pytest.fixture(scope="session")
def promptable(models: Path) -> None:
    """A promptable model of random weights beside the two that do not take prompts."""
    import torch

    from napari_scd.checkpoints import Provenance, save
    from napari_scd.model import ModelConfig, build_network
    from napari_scd.volume import LabelTable, Recipe

    torch.manual_seed(2)
    config = ModelConfig(
        in_channels=4, out_channels=1, roi=(32, 32, 32), patch=8, embed_dim=24, depth=2, heads=2,
        prune_after=(0,), prune_ratio=(0.5,), completion_dim=12, completion_heads=2, features=4, min_tokens=4,
    )  # fmt: skip
    recipe = Recipe("any", normalise_over="window", activation="sigmoid", field="prompt")
    path = models / "zz-any.safetensors"
    save(path, build_network(config), recipe, LabelTable.from_names(["object"]), Provenance(name="zz-any"))


class Window:
    """A napari window with the dock; finds controls by their names and waits for states."""

    def __init__(self, viewer: Any, qtbot: Any, shots: Path, *, dock: bool = True) -> None:
        self.viewer, self.qtbot, self.shots = viewer, qtbot, shots
        if dock:
            self.take(*viewer.window.add_plugin_dock_widget("napari-scd", "SCD"))

    def take(self, dock: Any, widget: Any) -> None:
        self.dock = getattr(dock, "__wrapped__", dock)
        self.widget = getattr(widget, "__wrapped__", widget)
        self.control = self.widget.controller

    def open_dock(self) -> None:
        """Open the dock from the Plugins menu."""
        self.menu("Plugins", "SCD (SCD)")
        self.until(lambda: bool(self.main.findChildren(QWidget, "scd.status")))
        widget = self.main.findChild(QWidget, "scd.status")
        while type(widget).__name__ != "ScdWidget":
            widget = widget.parentWidget()
        self.take(widget.parentWidget(), widget)

    def menu(self, *path: str) -> None:
        """Choose an entry of the menu bar, such as ("File", "Open Sample", "SCD", "ICBM152 T1")."""
        menu = self.main.menuBar()
        for name in path:
            found = {action.text().replace("&", ""): action for action in menu.actions()}
            assert name in found, f"{name} is not among {sorted(found)}"
            menu = found[name].menu()
            if menu is None:
                found[name].trigger()
            else:
                menu.aboutToShow.emit()

    @property
    def main(self) -> Any:
        return self.viewer.__wrapped__.window._qt_window

    @property
    def canvas(self) -> Any:
        return self.viewer.__wrapped__.window._qt_viewer.canvas

    def part(self, name: str) -> Any:
        found = self.widget.findChild(QWidget, f"scd.{name}")
        assert found is not None, f"there is no scd.{name}"
        return found

    def press(self, name: str) -> None:
        button = self.part(name)
        assert isinstance(button, QPushButton) and button.isEnabled(), name
        QTest.mouseClick(button, LEFT)

    def key(self, key: Any, modifier: Any = NONE) -> None:
        QTest.keyClick(self.canvas.native, key, modifier)

    def click(self, world: Any, modifier: Any = NONE) -> None:
        """Click where a point of the world (z, y, x) is drawn."""
        x, y = self.canvas.view.scene.transform.map([world[-1], world[-2], 0, 1])[:2]
        place = QPoint(round(x), round(y))
        QTest.mouseMove(self.canvas.native, place)
        QTest.mouseClick(self.canvas.native, LEFT, modifier, place)

    def drag(self, name: str, values: Any) -> None:
        """Drag a slider's handle over some values with the mouse, and let go at the last."""
        slider = self.part(name)
        option = QStyleOptionSlider()
        slider.initStyleOption(option)
        handle = slider.style().subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, slider
        )
        span = slider.width() - handle.width()
        low, high = slider.minimum(), slider.maximum()
        place = handle.center()
        _mouse(slider, QEvent.Type.MouseButtonPress, place)
        start = slider.value()
        for value in values:
            place = handle.center() + QPoint(round((value - start) * span / (high - low)), 0)
            _mouse(slider, QEvent.Type.MouseMove, place)
            self.qtbot.wait(10)
        _mouse(slider, QEvent.Type.MouseButtonRelease, place)

    def choose(self, name: str, start: str) -> None:
        chooser = self.part(name)
        rows = [row for row in range(chooser.count()) if chooser.itemText(row).startswith(start)]
        chooser.setCurrentIndex(rows[0])
        chooser.activated.emit(rows[0])

    def use(self, model: str) -> None:
        """Choose a model and wait until it is ready."""
        self.choose("model", model)
        self.wait(State.READY)

    def wait(self, *states: State) -> None:
        self.until(lambda: self.control.status.state in (*states, State.ERROR, State.BAD_INPUT))
        assert self.control.status.state in states, self.control.status

    def until(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=WAIT_MS)

    def layer(self, kind: str) -> Any:
        return next((layer for layer in self.viewer.layers if layer.name.endswith(f"[SCD {kind}]")), None)

    def shoot(self, name: str) -> None:
        """Keep a picture of the window among the test's artefacts."""
        self.qtbot.wait(50)
        picture = self.viewer.screenshot(canvas_only=False, flash=False)
        small = (
            Image.fromarray(picture)
            .convert("RGB")
            .quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        )
        small.save(self.shots / f"{name}.png", optimize=True)


@pytest.fixture
def open_window(
    make_napari_viewer_proxy: Any, qtbot: Any, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """Open windows with the dock; every job has ended when the test is over."""
    monkeypatch.setenv("NAPARI_SCD_MODELS", str(models))
    shots = Path(os.environ.get("SCD_SHOTS", tmp_path))
    shots.mkdir(parents=True, exist_ok=True)
    opened: list[Window] = []

    def make(*, shipped: bool = False, dock: bool = True, **image: Any) -> Window:
        if not shipped:
            monkeypatch.setattr("napari_scd.checkpoints.zoo.WEIGHTS", models / "none")
        viewer = make_napari_viewer_proxy(show=True)
        viewer.window.resize(1200, 850)
        monkeypatch.setattr(get_plugin_settings("napari-scd").segmentation, "three_planes", False)
        if image:
            viewer.add_image(image.pop("data"), name="scan", **image)
        opened.append(Window(viewer, qtbot, shots, dock=dock))
        return opened[-1]

    yield make
    for window in [one for one in opened if hasattr(one, "control")]:
        queue = window.control.state.jobs
        window.widget.tear_down()
        qtbot.waitUntil(lambda queue=queue: queue.running is None, timeout=WAIT_MS)


def _mouse(widget: QWidget, kind: Any, place: QPoint) -> None:
    """Send a mouse event of the left button; QTest forgets which button is down while it moves."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    button = none if kind == QEvent.Type.MouseMove else left
    down = none if kind == QEvent.Type.MouseButtonRelease else left
    event = QMouseEvent(kind, QPointF(place), QPointF(widget.mapToGlobal(place)), button, down, NONE)
    QApplication.sendEvent(widget, event)


def scan(shape: tuple[int, int, int] = (40, 44, 48)) -> dict[str, Any]:
    """A noisy ball, placed in mm."""
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    ball = (np.linalg.norm(grid, axis=0) < 0.6) * 100.0
    noise = np.random.default_rng(0).normal(0, 5, shape)
    return {"data": (ball + noise).astype(np.float32), "scale": (2, 2, 2), "units": "mm"}
