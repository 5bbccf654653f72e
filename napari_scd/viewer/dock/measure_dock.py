"""The table of measures below the image: structures in numbers, changes since another label map, surfaces."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLabel,
    QMenu,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_scd.viewer.dock.dialogs import ask_where_to_save
from napari_scd.viewer.dock.lifetime import DockedWidget
from napari_scd.viewer.dock.panels import Chooser, flow
from napari_scd.viewer.logic import Measurements, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_scd.viewer.logic import Controller, Result


TABLE_TITLE = "SCD measurements"


class MeasureDock(DockedWidget):
    """A table with what to do with it.

    Parameters
    ----------
    controller
        Measures, compares, makes surfaces.
    closed
        Is called with the table when the dock around it is closed.
    """

    def __init__(self, controller: Controller, closed: Callable[[QWidget], object]) -> None:
        super().__init__()
        self._closed = closed
        self.setObjectName("scd.measurements")
        self._control = controller
        self._shown: Measurements | None = None
        self.again = self._button("again", "Measure again", controller.measuring.measure)
        self.copy = self._button("copy", "Copy", self.copy_table)
        self.copy.setToolTip("Copy the chosen rows, or all, to be pasted into a spreadsheet.")
        self.save = self._button("save", "Save CSV...", self._on_save)
        self.compare = Chooser("scd.measurements.compare")
        self.compare.setMinimumContentsLength(20)
        self.compare.setToolTip("Volumes and overlap of these structures in another Labels layer.")
        self.compare.activated.connect(lambda _: self._on_compare())
        self.surfaces = QPushButton("Surfaces")
        self.surfaces.setObjectName("scd.measurements.surfaces")
        self.surfaces.setToolTip("Of the chosen rows, or of all.")
        menu = QMenu(self.surfaces)
        menu.addAction("Show in napari", lambda: controller.surfaces.show(self.chosen()))
        menu.addAction("Save as STL, OBJ or PLY...", self._on_save_surfaces)
        self.surfaces.setMenu(menu)
        self.note = QLabel()
        self.note.setObjectName("scd.measurements.note")
        self.table = QTableWidget()
        self.table.setObjectName("scd.measurements.table")
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        numbers = self.table.verticalHeader()
        assert numbers is not None
        numbers.hide()
        row = self.table.fontMetrics().height() + 6
        numbers.setDefaultSectionSize(row)
        self.table.setMinimumHeight(3 * row)  # with which the window fits a screen of 720 pixels
        self.table.itemDoubleClicked.connect(self._on_double_click)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(4)
        column.addLayout(flow(self.again, self.compare, self.copy, self.save, self.surfaces, self.note))
        column.addWidget(self.table, 1)
        controller.measuring.measured.connect(self.show_measurements)
        controller.state.result_changed.connect(self._on_result)
        self._list_maps()

    def let_go(self) -> None:
        """Stop listening."""
        self._control.measuring.measured.disconnect(self.show_measurements)
        self._control.state.result_changed.disconnect(self._on_result)
        self._closed(self)

    def show_measurements(self, measurements: Measurements) -> None:
        """Fill the table."""
        self._shown = measurements
        titles, hints, rows = table_of(measurements)
        self.table.clear()
        self.table.setColumnCount(len(titles))
        self.table.setRowCount(len(rows))
        for place, (title, hint) in enumerate(zip(titles, hints, strict=True)):
            heading = QTableWidgetItem(title)
            heading.setToolTip(hint)
            self.table.setHorizontalHeaderItem(place, heading)
        for row, cells in enumerate(rows):
            for place, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if place:
                    item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(row, place, item)
        self.table.resizeColumnsToContents()
        self._list_maps()
        self._say()

    def copy_table(self) -> None:
        """Put the table on the clipboard, as a spreadsheet takes it: of chosen rows, or of all."""
        chosen = self._chosen_rows() or list(range(self.table.rowCount()))
        headings = [self.table.horizontalHeaderItem(place) for place in range(self.table.columnCount())]
        lines = [[heading.text() for heading in headings if heading is not None]]
        lines += [[self._text(row, place) for place in range(self.table.columnCount())] for row in chosen]
        clipboard = QApplication.clipboard()
        assert clipboard is not None
        clipboard.setText("\n".join("\t".join(line) for line in lines) + "\n")

    def chosen(self) -> list[str]:
        """Names of the structures in the chosen rows, or in all."""
        chosen = self._chosen_rows() or list(range(self.table.rowCount()))
        return [self._text(row, 0) for row in chosen]

    def _chosen_rows(self) -> list[int]:
        return sorted({index.row() for index in self.table.selectedIndexes()})

    def _text(self, row: int, place: int) -> str:
        item = self.table.item(row, place)
        return "" if item is None else item.text()

    def _button(self, name: str, text: str, pressed: Any) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(f"scd.measurements.{name}")
        button.clicked.connect(lambda: pressed())
        return button

    def _list_maps(self) -> None:
        layers = self._control.measuring.comparable()
        items = [(f"Change since '{layer.name}'", layer.unique_id) for layer in layers]
        self.compare.set_items([("Measures", None), *items])
        self.compare.setEnabled(bool(items))

    def _on_compare(self) -> None:
        if self.compare.value is None:
            self._control.measuring.measure()
        else:
            self._control.measuring.compare_with(self.compare.value)

    def _on_save(self) -> None:
        shown = self._shown
        if shown is not None:
            save = partial(self._control.measuring.save, shown)
            name = f"{shown.name.replace('/', '-')}{'_changes' if shown.before else '_measures'}.csv"
            folder = Path(self._control.saving.suggestion()).parent
            ask_where_to_save(self, str(folder / name), "Tables (*.csv)", lambda path: save(Path(path)))

    def _on_save_surfaces(self) -> None:
        chosen, control = self.chosen(), self._control
        suggestion = str(Path(control.saving.suggestion()).with_suffix("").with_suffix(".stl"))
        ask_where_to_save(
            self,
            suggestion,
            "STL (*.stl);;OBJ (*.obj);;PLY (*.ply)",
            lambda path: control.surfaces.save(chosen, Path(path)),
        )

    def _on_double_click(self, item: QTableWidgetItem) -> None:
        self._control.go_to_name(self._text(item.row(), 0))

    def _on_result(self, _result: Result | None) -> None:
        self._list_maps()
        self._say()

    def _say(self) -> None:
        """Say what the table is of, and whether it still holds."""
        shown = self._shown
        if shown is None:
            self.note.setText("")
        elif shown.result is not self._control.result:
            self.note.setText("The labels on screen changed since: measure again.")
        else:
            self.note.setText(f"{shown.name}: " + (f"since '{shown.before}'" if shown.before else "measures"))
