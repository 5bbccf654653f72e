"""Objects: what was segmented by clicks, which one the next click corrects, and how to start another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPoint, QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QPushButton
from qtpy.QtWidgets import QTreeWidgetItem as Item

from napari_scd.viewer.dock.panels.legend import Legend
from napari_scd.viewer.dock.panels.parts import Panel, flow
from napari_scd.viewer.logic import millilitres

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_scd.viewer.logic import ObjectRow, RefineSource

NAME, SIZE, PROMPTS, REMOVE = range(4)


class ObjectsPanel(Panel):
    """The list of objects, and the buttons that start one."""

    new_wanted = Signal()
    box_wanted = Signal()
    refine_wanted = Signal(object)  # RefineSource
    read_wanted = Signal()
    chosen = Signal(int)
    renamed = Signal(int, str)
    remove_wanted = Signal(int)

    def __init__(self, sources: Callable[[], Sequence[RefineSource]] = tuple) -> None:
        super().__init__("Objects")
        self._sources = sources
        self.new = QPushButton("New object (O)")
        self.new.setObjectName("scd.objects.new")
        self.new.setToolTip("The next click starts an object of its own.")
        self.refine = QPushButton("Refine...")
        self.refine.setObjectName("scd.objects.refine")
        self.refine.setToolTip("Start from an existing label, and correct it with clicks.")
        self.box = QPushButton("Box")
        self.box.setObjectName("scd.objects.box")
        self.box.setToolTip(
            "Draw a rectangle that limits the object, or select a Shapes layer to use its rectangles. "
            "One is as deep as its longer side; several reach from the first slice to the last."
        )
        self.read = QPushButton("Read prompts...")
        self.read.setObjectName("scd.objects.read")
        self.read.setToolTip(
            "Read the objects of a prompts file, as Export writes it, and answer their prompts again. You "
            "can also drop the file on the window."
        )
        self.column.addLayout(flow(self.new, self.refine, self.box, self.read))
        self.list = Legend()
        self.list.setObjectName("scd.objects")
        self.list.setColumnCount(4)
        self.list.setHeaderHidden(True)
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setIconSize(QSize(14, 14))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.list.header()
        assert header is not None
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(16)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        for column in (SIZE, PROMPTS, REMOVE):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.list.setToolTip("Click: continue this object. Double click: name it.")
        self.column.addWidget(self.list)
        self.guess = QPushButton()
        self.guess.setObjectName("scd.objects.guess")
        self.guess.setToolTip("What a model with names found in the same place.")
        self.column.addWidget(self.guess)
        self.menu = QMenu(self)
        self.show_objects(())
        self.new.clicked.connect(lambda: self.new_wanted.emit())
        self.box.clicked.connect(lambda: self.box_wanted.emit())
        self.refine.clicked.connect(self._show_menu)
        self.read.clicked.connect(lambda: self.read_wanted.emit())
        self.list.itemClicked.connect(self._on_item)
        self.list.itemChanged.connect(self._on_changed)
        self.guess.clicked.connect(self._on_guess)

    def show_objects(self, rows: Sequence[ObjectRow]) -> None:
        """List colour, name, volume and number of prompts; the object that is corrected is bold."""
        found = (self.list.topLevelItem(place) for place in range(self.list.topLevelItemCount()))
        items = [item for item in found if item is not None]
        with QSignalBlocker(self.list):
            if [_label(item) for item in items] != [row.label for row in rows]:
                self.list.clear()
                items = [_new_item(row) for row in rows]
                self.list.addTopLevelItems(items)
            for item, row in zip(items, rows, strict=True):
                _fill(item, row)
        self.list.setVisible(bool(rows))
        self.list.fit()
        guessed = next((row for row in rows if row.current and row.guess), None)
        self.guess.setVisible(guessed is not None)
        if guessed is not None:
            self.guess.setText(f"{guessed.guess}? Name it so")
            self._guessed = guessed.label, guessed.guess

    def _on_item(self, item: Item, column: int) -> None:
        if column == REMOVE:
            self.remove_wanted.emit(_label(item))
        else:
            self.chosen.emit(_label(item))

    def _on_changed(self, item: Item, column: int) -> None:
        if column == NAME:
            self.renamed.emit(_label(item), item.text(NAME))

    def _on_guess(self) -> None:
        self.renamed.emit(*self._guessed)

    def _show_menu(self) -> None:
        self.menu.clear()
        for source in self._sources():
            action: Any = self.menu.addAction(source.title)
            action.triggered.connect(lambda _=False, source=source: self.refine_wanted.emit(source))
        if not self.menu.isEmpty():
            self.menu.popup(self.refine.mapToGlobal(QPoint(0, self.refine.height())))


def _label(item: Item) -> int:
    return int(item.data(NAME, Qt.ItemDataRole.UserRole))


def _new_item(row: ObjectRow) -> Item:
    item = Item()
    item.setData(NAME, Qt.ItemDataRole.UserRole, row.label)
    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
    pixmap = QPixmap(14, 14)
    pixmap.fill(QColor(*row.colour))
    item.setIcon(NAME, QIcon(pixmap))
    for column in (SIZE, PROMPTS):
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    item.setToolTip(REMOVE, "Remove this object")
    return item


def _fill(item: Item, row: ObjectRow) -> None:
    """Show an object in an item that stays: a double click and a name being typed survive an answer."""
    times = "click" if row.n_prompts == 1 else "clicks"
    prompts = f"{row.n_prompts} {times}" if row.n_prompts else "mask"
    for column, text in enumerate((row.name, millilitres(row.volume_ml), prompts, "×")):
        item.setText(column, text)
    state = ", accepted" if row.accepted else ""
    item.setToolTip(NAME, f"{row.name}{state}: click to continue it, double click to name it")
    from_mask = "It starts from a mask: a label that was refined, or an edited shape."
    item.setToolTip(PROMPTS, "" if row.n_prompts else from_mask)
    font = item.font(NAME)
    font.setBold(row.current)
    font.setItalic(row.accepted)
    item.setFont(NAME, font)
