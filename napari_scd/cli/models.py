"""`napari-scd models`: the list of models, and what is known about each; reads headers only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeGuard

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from napari_scd.cli.console import out, print_json, say, show_whole
from napari_scd.cli.options import JsonOption

_WIDE = 110  # columns of a terminal that has room for titles
USES = {"whole": "whole scan", "click": "at a point", "prompt": "prompts"}

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_scd.checkpoints import ModelCard


def list_(as_json: JsonOption = False) -> None:
    """List the models that can be named: those of the package, then your own."""
    from napari_scd.checkpoints import list_models, models_folder

    cards = list_models()
    if as_json:
        print_json([card_dict(card) for card in cards])
        return
    wide = out.width >= _WIDE
    rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for title in ("name", "input", "use", "structures", "Dice", "licence"):
        rows.add_column(title, justify="right" if title == "Dice" else "left", no_wrap=True)
    if wide:
        rows.add_column("what it is")
    for card in cards:
        dice, cases = mean_dice(card)
        cells = (
            Text(card.name + (" (preview)" if card.provenance.preview else ""), style="bold"),
            input_text(card),
            USES[card.recipe.field],
            structures_text(card),
            f"{dice:.3f}" if cases else "",
            _plain(card.provenance.licence.partition(",")[0]),
        )
        rows.add_row(*cells, *((card.provenance.title,) if wide else ()))
    if cards:
        show_whole(rows)
        say(
            "Dice: mean over structures and cases that training never saw; `models info` says which, and "
            "after how many clicks.",
            style="dim",
        )
    else:
        say("There are no models yet.")
    say(f"Own models: {models_folder()}", style="dim")


def info(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A name of `models list`, or a file.")],
    as_json: JsonOption = False,
) -> None:
    """Show one model: input, structures, quality at each keep ratio, data, licence."""
    from napari_scd.checkpoints import describe

    card = describe(name)
    if as_json:
        print_json(card_dict(card))
        return
    say(card.provenance.title or card.name, style="bold")
    if card.provenance.description:
        out.print(card.provenance.description)
    rows = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for key, value in facts(card):
        rows.add_row(Text(key, style="dim"), value)
    out.print(rows)
    for table in keep_tables(measures(card.provenance.metrics)):
        out.print(table)
    if volumes := structure_table(card):
        out.print(volumes)


def structure_table(card: ModelCard) -> Table | None:
    """Lay out Dice and volume ratio of the structures; None where the ratios were not measured."""
    figures = _tested_structures(card)
    if not any("volume_ratio" in values for values in figures.values()):
        return None
    rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    rows.add_column("structure")
    for title in ("Dice", "volume ratio"):
        rows.add_column(title, justify="right")
    for name in card.labels.names:
        values = figures.get(name, {})
        cells = ((values.get(key), digits) for key, digits in (("dice", 3), ("volume_ratio", 2)))
        rows.add_row(name, *(f"{value:.{digits}f}" if _is_number(value) else "" for value, digits in cells))
    return rows


def mean_dice(card: ModelCard) -> tuple[float, str]:
    """Mean Dice on cases that training never saw, and on which; empty when it was not measured.

    Of several keep ratios the model's usual one counts: 0.5, else the highest; of several numbers of clicks
    five, else the last.
    """
    source = _source(card.provenance.metrics)
    by_keep = by_keep_ratio({"dice": source.get("dice", {})}).get("dice", {})
    if not by_keep:
        return _dice_after_clicks(source)
    usual = by_keep.get("0.5", by_keep[max(by_keep, key=float)])
    cases = source.get("on") or source.get("dice_of") or "cases not named"
    return usual, _plain(cases)


def _source(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of the test, or where there are none all figures."""
    tested = metrics.get("tested")
    return tested if isinstance(tested, dict) else metrics


def _dice_after_clicks(source: dict[str, Any]) -> tuple[float, str]:
    after = source.get("dice_after")
    numbers = (
        {key: value for key, value in after.items() if _is_number(value)} if isinstance(after, dict) else {}
    )
    if not numbers:
        return 0.0, ""
    clicks = "5 clicks" if "5 clicks" in numbers else list(numbers)[-1]
    cases = source.get("on") or source.get("dice_after_of") or "cases not named"
    return float(numbers[clicks]), _plain(f"{cases}, after {clicks}")


def card_dict(card: ModelCard) -> dict[str, Any]:
    """JSON-ready copy of a card."""
    return {
        "name": card.name,
        "path": str(card.path),
        "shipped": card.shipped,
        "n_parameters": card.n_parameters,
        "n_bytes": card.n_bytes,
        "config": card.config,
        "recipe": card.recipe.to_dict(),
        "labels": card.labels.to_list(),
        "provenance": card.provenance.to_dict(),
    }


def measures(metrics: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Figures for several keep ratios; those of the test take precedence."""
    return by_keep_ratio(_source(metrics))


def facts(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Yield what is worth knowing about a model, as names and values."""
    made = card.provenance
    roi, patch = card.config.get("roi"), card.config.get("patch", "?")
    edges = roi if isinstance(roi, list) else ("?",)  # the card's sizes are checked when it is loaded
    yield "name", card.name + (" (preview)" if made.preview else "")
    yield "file", f"{card.path} ({card.n_bytes / 2**20:.1f} MiB, {card.n_parameters / 1e6:.2f} M weights)"
    yield "input", input_text(card)
    yield "use", USES[card.recipe.field]
    yield "window", f"{' x '.join(map(str, edges))} voxels, tokens of {patch} x {patch} x {patch}"
    yield "structures", _structures_with_dice(card) if card.recipe.field != "prompt" else "anything"
    for key in ("data", "licence", "created"):
        if getattr(made, key):
            yield key, getattr(made, key)
    if made.steps:
        yield "training", f"{made.steps} steps, seed {made.seed}"
    value, cases = mean_dice(card)
    if cases:
        yield "Dice", f"{value:.3f}, {cases}"
    for key, value in made.metrics.items():
        if key in ("dice_of", "dice_after_of") and cases:
            continue
        if isinstance(value, bool | int | float | str) and "@" not in key:
            yield key.replace("_", " "), f"{value:.3f}" if isinstance(value, float) else str(value)
    after = _source(made.metrics).get("dice_after")
    if isinstance(after, dict):
        yield "Dice after", ", ".join(f"{_plain(clicks)}: {_plain(dice)}" for clicks, dice in after.items())


def by_keep_ratio(metrics: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Measures that are given for several keep ratios: name -> keep ratio -> value.

    Both ``{"dice": {"0.5": 0.87}}`` and ``{"dice@0.5": 0.87}`` are understood; with a value per structure
    (``{"dice": {"0.5": {"liver": 0.9}}}``) there is one measure for each structure.
    """
    found: dict[str, dict[str, float]] = {}
    for key, value in metrics.items():
        measure, _, ratio = key.partition("@")
        by_ratio = {ratio: value} if ratio else value
        for ratio, number in by_ratio.items() if isinstance(by_ratio, dict) else ():
            parts = number if isinstance(number, dict) else {"": number}
            for part, single in parts.items() if _is_ratio(ratio) else ():
                if isinstance(single, int | float) and abs(single) < 1e9:
                    found.setdefault(f"{measure} {part}".strip(), {})[ratio] = float(single)
    return found


def keep_tables(measures: dict[str, dict[str, float]]) -> Iterator[Table]:
    """Lay out measures as rows and keep ratios as columns, most tokens first.

    Measures given for the same keep ratios share one table.
    """
    together: dict[tuple[str, ...], list[str]] = {}
    for measure, by_keep in measures.items():
        together.setdefault(tuple(sorted(by_keep, key=float, reverse=True)), []).append(measure)
    for ratios, names in together.items():
        rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        rows.add_column("keep ratio")
        for ratio in ratios:
            rows.add_column(ratio, justify="right")
        for name in names:
            rows.add_row(name.replace("_", " "), *(f"{measures[name][ratio]:.3f}" for ratio in ratios))
        yield rows


def input_text(card: ModelCard) -> str:
    """Modality and voxel size, such as "MR, 1 mm"."""
    spacing = card.recipe.spacing_mm
    if card.recipe.modality == "any":
        return "any scan"
    if spacing is None:
        return f"{card.recipe.modality}, any voxel size"
    each = [f"{mm:g}" for mm in spacing]
    return f"{card.recipe.modality}, {each[0] if len(set(each)) == 1 else ' x '.join(each)} mm"


def structures_text(card: ModelCard) -> str:
    """Names of the structures (or groups) if they are few, otherwise their number."""
    if card.recipe.field == "prompt":
        return "anything"
    names = tuple(dict.fromkeys(label.group or label.name for label in card.labels.labels))
    return ", ".join(names) if len(names) <= 2 else str(len(names))


def _structures_with_dice(card: ModelCard) -> str:
    figures = _tested_structures(card)
    words = []
    for name in card.labels.names:
        dice = figures.get(name, {}).get("dice")
        words.append(f"{name} ({dice:.2f})" if _is_number(dice) else name)
    return ", ".join(words)


def _tested_structures(card: ModelCard) -> dict[str, dict[str, Any]]:
    """Figures of each structure on test cases; a file from elsewhere may hold anything there."""
    tested = card.provenance.metrics.get("tested")
    figures = tested.get("structures") if isinstance(tested, dict) else None
    if not isinstance(figures, dict):
        return {}
    return {name: values for name, values in figures.items() if isinstance(values, dict)}


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _plain(value: Any) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in str(value)[:200])


def _is_ratio(text: str) -> bool:
    try:
        return 0 < float(text) <= 1
    except ValueError:
        return False
